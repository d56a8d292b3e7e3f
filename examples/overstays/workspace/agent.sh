#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An agent that does not want to end: it ignores signals, and leaves processes behind in every way there is.
trap '' TERM INT HUP QUIT ALRM USR1 USR2
echo "counted $(wc -l <numbers.txt) lines; now I stay"

setsid -f sleep 4987                                    # a session of its own
(setsid sh -c 'sleep 4987 & sleep 4987' &)              # forked twice, so that init is its parent
nohup sh -c 'while :; do sleep 4987; done' >/dev/null 2>&1 &
sh -c 'kill -STOP $$; sleep 4987' &                     # stopped: a catchable signal would never arrive
sh -c 'trap "" TERM; while :; do :; done' &             # busy

sleep 1
echo "left behind: $(find /proc -maxdepth 1 -name "[0-9]*" | wc -l) processes; a TERM to all of them:"
kill -TERM -1 2>/dev/null
echo "still here"
while :; do sleep 4987; done
