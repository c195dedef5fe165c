# The test groups on a machine with an AMD IOMMU.
# with: groups.sh
# iommu: amd-iommu,intremap=on
# shellcheck shell=bash disable=SC2034 # by groups.sh

# the IOMMU itself
ungrouped='(00:01.0)'
