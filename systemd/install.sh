#!/bin/sh
# Installs asapfill as a service, or removes it: what `make install` and `make uninstall` do.
#
#   sh systemd/install.sh install|uninstall
#
# From the environment: PREFIX (the program, a virtual environment of its own), SYSCONFDIR (/etc), BINDIR (where the
# command is linked), PYTHON, and DESTDIR, which is put in front of every path for those who build packages: then
# nothing but files is touched.
#
# Settings, policies, keys and the state are never overwritten and never removed. Run twice, it does no harm; run with
# a newer checkout, it is the upgrade.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
DESTDIR=${DESTDIR:-}
PREFIX=${PREFIX:-/opt/asapfill}
SYSCONFDIR=${SYSCONFDIR:-/etc}
BINDIR=${BINDIR:-/usr/local/bin}
PYTHON=${PYTHON:-python3}
units="asapfill.service asapfill-backup.service asapfill-backup.timer asapfill-report.service asapfill-report.timer"

prefix=$DESTDIR$PREFIX
config=$DESTDIR$SYSCONFDIR/asapfill
systemd=$DESTDIR$SYSCONFDIR/systemd/system

say() { echo "asapfill: $*" >&2; }

slowly() { sh "$source/systemd/with-progress.sh" "$@"; }

with_systemd() { [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]; }

# A folder that is there and is not an asapfill of an earlier run is not ours to replace or to remove.
ours() { [ -f "$1/pyvenv.cfg" ] && [ -f "$1/bin/asapfill" ]; }

check_place() {
  case $PREFIX in
    /?*) ;;
    *) say "PREFIX must be an absolute path, not '$PREFIX'."; exit 2 ;;
  esac
  if [ -e "$prefix" ] && ! ours "$prefix" && [ -n "$(ls -A "$prefix")" ]; then
    say "$prefix exists and is not an asapfill. Move it away, or choose another PREFIX."
    exit 1
  fi
}

# $1: the folder of the Python that the program will run on. The service's user cannot look into anybody's home, and
# would fail to start with status 203.
check_python() {
  case $1 in
    /root/* | /home/*)
      say "the Python in $1 belongs to one user, so the service could not run on it."
      say "Name one of the system's: make install PYTHON=/usr/bin/python3"
      # A package may be built with any Python; the one that it will run on is another machine's.
      [ -n "$DESTDIR" ] || exit 1 ;;
  esac
}

# The whole program is built beside the one in place and then takes its place: an installation that fails half way
# leaves the old one working, and nothing of an old version stays behind.
build() {
  new=$prefix.new
  rm -rf "$new"
  mkdir -p "$(dirname "$prefix")"
  tools=$(mktemp -d)
  trap 'rm -rf "$tools" "$new"' EXIT
  slowly "asapfill: making an environment in $prefix" "$PYTHON" -m venv "$new"
  check_python "$(sed -n 's/^home *= *//p' "$new/pyvenv.cfg")"
  # What Python compiled on the way would name this folder for ever: everything is compiled at the end, by its last name.
  export PYTHONDONTWRITEBYTECODE=1
  pip="$new/bin/python -m pip --quiet --disable-pip-version-check"
  slowly "asapfill: installing what it needs" \
    $pip install --no-compile --require-hashes -r "$source/requirements-runtime.lock"
  $pip install --no-compile --require-hashes --target "$tools/build" -r "$source/requirements-build.lock"
  PYTHONPATH=$tools/build $pip wheel --no-deps --no-build-isolation --wheel-dir "$tools" "$source"
  $pip install --no-compile --no-deps --force-reinstall "$tools"/asapfill-*.whl
  # Scripts and the venv's own note name the folder in which they were made: name the one in which they will be.
  for file in "$new"/bin/* "$new/pyvenv.cfg"; do
    if [ -f "$file" ] && [ ! -L "$file" ] && grep -qIF "$new" "$file"; then
      sed -i "s#$new#$PREFIX#g" "$file"
    fi
  done
  # The service may not write here, so the compiled modules are made now.
  find "$new" -name __pycache__ -type d -prune -exec rm -rf {} +
  slowly "asapfill: compiling" \
    "$new/bin/python" -m compileall -q -s "$new" -p "$PREFIX" "$new"/lib*/python*/site-packages
  chmod -R go+rX,go-w "$new"
  rm -rf "$prefix.old"
  [ ! -e "$prefix" ] || mv "$prefix" "$prefix.old"
  mv "$new" "$prefix"
  rm -rf "$prefix.old"
}

# $1 from systemd/, $2 the place, with the paths of this installation in it.
place() {
  mkdir -p "$(dirname "$2")"
  sed -e "s#/opt/asapfill#$PREFIX#g" -e "s#/etc/asapfill#$SYSCONFDIR/asapfill#g" "$source/systemd/$1" > "$2.new"
  chmod 0644 "$2.new"
  mv "$2.new" "$2"
}

install() {
  check_place
  build
  for unit in $units; do place "$unit" "$systemd/$unit"; done
  place asapfill.sysusers "$DESTDIR$SYSCONFDIR/sysusers.d/asapfill.conf"
  place asapfill.tmpfiles "$DESTDIR$SYSCONFDIR/tmpfiles.d/asapfill.conf"
  mkdir -p "$DESTDIR$BINDIR"
  ln -sfn "$PREFIX/bin/asapfill" "$DESTDIR$BINDIR/asapfill"
  mkdir -p "$config/policies" "$config/keys"
  chmod 0750 "$config" "$config/policies" "$config/keys"
  made=
  if [ -e "$config/asapfill.toml" ] || [ -L "$config/asapfill.toml" ]; then
    say "$config/asapfill.toml is there and stays as it is."
  else
    sed "s#/etc/asapfill#$SYSCONFDIR/asapfill#g" "$source/systemd/asapfill.toml" > "$config/asapfill.toml"
    chmod 0640 "$config/asapfill.toml"
    made=yes
  fi
  if with_systemd; then
    systemd-sysusers "$SYSCONFDIR/sysusers.d/asapfill.conf"
    systemd-tmpfiles --create "$SYSCONFDIR/tmpfiles.d/asapfill.conf"
    if [ -n "$made" ]; then chgrp asapfill "$config/asapfill.toml"; fi
    systemctl daemon-reload
    # A service that runs would mix its old modules with new ones.
    systemctl try-restart asapfill.service
  fi
  say "installed in $prefix. Next: $SYSCONFDIR/asapfill/asapfill.toml, then asapfill doctor (docs/install.md)."
}

uninstall() {
  check_place
  if with_systemd; then
    for unit in $units; do
      if [ -e "$systemd/$unit" ]; then systemctl disable --quiet --now "$unit"; fi
    done
  fi
  for unit in $units; do rm -f "$systemd/$unit"; done
  rm -f "$DESTDIR$SYSCONFDIR/sysusers.d/asapfill.conf" "$DESTDIR$SYSCONFDIR/tmpfiles.d/asapfill.conf"
  if [ "$(readlink "$DESTDIR$BINDIR/asapfill" || true)" = "$PREFIX/bin/asapfill" ]; then
    rm -f "$DESTDIR$BINDIR/asapfill"
  fi
  rm -rf "$prefix"
  if with_systemd; then systemctl daemon-reload; fi
  changes=$systemd/asapfill.service.d
  if [ -d "$changes" ]; then changes="$changes, "; else changes=; fi
  say "removed. Left for you: $changes$config, the state in $DESTDIR/var/lib/asapfill, and the user asapfill."
}

case ${1:-} in
  install | uninstall) umask 022; "$1" ;;
  *) say "usage: sh systemd/install.sh install|uninstall"; exit 2 ;;
esac
