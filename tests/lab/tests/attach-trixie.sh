# attach on Debian trixie: Xen 4.20, its libxl, Linux 6.12.
# full
# suite: trixie
# with: attach.sh
# deadline: 1800
# shellcheck shell=bash
