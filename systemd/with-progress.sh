#!/bin/sh
# Runs a command that takes its time, and says meanwhile what is done: on a terminal with the seconds that have passed,
# else once.
#
#   sh systemd/with-progress.sh WHAT COMMAND…
#
# Ends with the command's exit code.
what=$1
shift
if [ ! -t 2 ]; then
  echo "$what …" >&2
  exec "$@"
fi
(
  seconds=0
  # Not after this script has gone, whatever ended it.
  while kill -0 $$ 2>/dev/null; do
    printf '\r%s … %d s' "$what" "$seconds" >&2
    sleep 1
    seconds=$((seconds + 1))
  done
) &
line=$!
trap 'kill "$line" 2>/dev/null; echo >&2' EXIT
trap 'exit 130' INT TERM
"$@"
