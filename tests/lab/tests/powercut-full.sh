# powercut, and 20 cuts each of hide and of unhide.
# full
# deadline: 14400
# with: powercut.sh
# shellcheck shell=bash

boots 41
