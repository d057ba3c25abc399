#!/bin/sh
# Checks systemd's unit files: sh tests/check-units.sh [FOLDER]
#
# `systemd-analyze verify` says "all right" by its exit code even where a key is misspelt and so ignored; therefore any
# output of it is a failure. It also wants each program to exist: in the copies that are checked, /bin/true stands in.
# Then `systemd-analyze security`: no service may be exposed more than 1.5.
set -eu
cd "${1:-$(dirname "$0")/../systemd}"

if ! command -v systemd-analyze >/dev/null; then
  echo "unit files: NOT CHECKED, systemd-analyze is missing (Debian and Ubuntu: apt install systemd)."
  exit 0
fi

copies=$(mktemp -d)
trap 'rm -rf "$copies"' EXIT
count=0
for unit in *.service *.timer *.socket *.path *.target; do
  [ -e "$unit" ] || continue
  sed -E 's#^(Exec[A-Za-z]*=[-@:+!|]*)/[^[:space:]]+#\1/bin/true#' "$unit" > "$copies/$unit"
  count=$((count + 1))
done
if [ "$count" -eq 0 ]; then
  echo "unit files: there are none in $PWD."
  exit 1
fi

result=0
told=$(systemd-analyze verify --man=no "$copies"/* 2>&1) || result=$?
if [ "$result" -ne 0 ] || [ -n "$told" ]; then
  echo "unit files: systemd-analyze verify is not content (exit code $result):"
  printf '%s\n' "$told" | sed "s#$copies/##g"
  exit 1
fi

# How much a service could do to the machine, from 0 to 10: ours need little more than the network.
for unit in "$copies"/*.service; do
  if ! told=$(systemd-analyze security --offline=true --threshold=15 --no-pager "$unit" 2>&1); then
    echo "unit files: $(basename "$unit") may do too much: its exposure must be 1.5 at most."
    printf '%s\n' "$told" | grep -v '^✓'
    exit 1
  fi
done
echo "unit files: $count checked, nothing to say."
