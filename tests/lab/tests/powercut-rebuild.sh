# powercut, where the generator makes the image: most of a call is its time.
# full
# deadline: 3600
# silence: 900
# with: powercut.sh
# shellcheck shell=bash disable=SC2034 # by powercut.sh

how=--rebuild
boots 7
