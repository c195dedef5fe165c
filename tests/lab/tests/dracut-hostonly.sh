# The same with an image for this host alone.
# with: dracut.sh
# full
# deadline: 2400
# shellcheck shell=bash disable=SC2034 # by dracut.sh
hostonly=yes
