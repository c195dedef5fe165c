# The whole job once on Debian trixie: Xen 4.20, its libxl, Linux 6.12.
# full
# suite: trixie
# deadline: 1800
# with: walk.sh
# shellcheck shell=bash
