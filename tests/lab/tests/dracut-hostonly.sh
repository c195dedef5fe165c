# The same with an image for this host alone.
# with: dracut.sh
# full
# shellcheck shell=bash disable=SC2034 # by dracut.sh
hostonly=yes
