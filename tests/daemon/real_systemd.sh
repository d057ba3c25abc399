#!/bin/bash
# The service under a real systemd, with the unit file as it is installed and every protection in it.
#
#   sudo bash tests/daemon/real_systemd.sh
#
# Boots a systemd of its own: first process of new namespaces (processes, mounts, network, control groups), on a copy of
# this machine's files that goes away with it. The machine itself is not changed. Needs root, unshare, systemd 252 or so
# and a Python in /usr/bin with venv. An office (asapfill sandbox) runs beside the service. Ends with 0 if all is well.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
speed=60  # simulated seconds per real one, of the office

outside() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  make -s -C "$here" install DESTDIR="$work/installed" PYTHON=/usr/bin/python3
  mkdir "$work/out"
  timeout -s KILL 400 unshare --pid --fork --kill-child --mount --uts --ipc --cgroup --net bash "$0" inside "$work" \
    >"$work/out/console" 2>&1 || tail -n 5 "$work/out/console"
  cat "$work/out/trial"
  grep -q '^all is well$' "$work/out/trial"
}

# A root of our own: the machine's files under a layer in memory; what belongs to the kernel is for reading only.
inside() {
  root=$work/root
  mount --make-rprivate /
  mkdir "$work/layer" "$root"
  mount -t tmpfs tmpfs "$work/layer"
  mkdir "$work/layer/up" "$work/layer/work"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layer/up,workdir=$work/layer/work" "$root"
  mount -t proc proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
  mkdir "$root/sys/fs/cgroup/systemd"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
  mount -t tmpfs tmpfs "$root/dev"
  for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r name major minor <<<"$node"
    mknod -m 666 "$root/dev/$name" c "$major" "$minor"
  done
  mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/hugepages"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root/tmp"
  mkdir "$root/tmp/out"
  mount --bind "$work/out" "$root/tmp/out"
  cp -a "$work/installed/." "$root/"
  cp "$here/tests/daemon/real_systemd.sh" "$root/opt/trial.sh"
  # What docs/install.md has people write and say.
  sed -n '/^```ini$/,/^```$/{//!p}' "$here/docs/install.md" >"$root/opt/drop-in.conf"
  sed -n '/^sudo systemd-run/,/[^\\]$/{s/^sudo //;p}' "$here/docs/install.md" >"$root/opt/check-with-keys.sh"
  furnish
  mkdir "$root/machine"
  cd "$root"
  pivot_root . machine
  umount -l /machine
  # systemd does this itself, but not in a container: there whoever made it has to. Without it no service sees its
  # credentials, which systemd mounts in a namespace of a child and which come to the others as they are shared.
  mount --make-rshared /
  exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_time,-sys_module,-syslog,-sys_rawio,-sys_boot \
    /lib/systemd/systemd --system --unit=trial.target --log-target=console
}

# Units, settings and a policy for the trial; of the machine's own services only what systemd cannot do without.
furnish() {
  units=$root/etc/systemd/system
  for unit in sysctl udevd udev-trigger modules-load binfmt hwdb-update random-seed logind timesyncd networkd resolved; do
    ln -sf /dev/null "$units/systemd-$unit.service"
  done
  echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
  printf '[Unit]\nRequires=basic.target\nWants=office.service trial.service\n' >"$units/trial.target"
  printf '[Service]\nExecStart=/opt/asapfill/bin/asapfill sandbox --port 8080 --speed %s --start "%s" --write /opt/office\n' \
    $speed "2026-04-14 10:00:00" >"$units/office.service"
  printf '[Service]\nExecStart=/bin/bash /opt/trial.sh trial\n%s\n%s\n' \
    StandardOutput=file:/tmp/out/trial StandardError=file:/tmp/out/trial >"$units/trial.service"
  # Only so that the trial does not take long.
  mkdir "$units/asapfill.service.d"
  printf '[Unit]\nAfter=office.service\n[Service]\nRestartSec=1\nWatchdogSec=20\n' \
    >"$units/asapfill.service.d/trial.conf"
  chroot "$root" systemd-sysusers /etc/sysusers.d/asapfill.conf
  chroot "$root" systemd-tmpfiles --create /etc/tmpfiles.d/asapfill.conf
  config=$root/etc/asapfill
  cat >"$config/asapfill.toml" <<'TOML'
policies = "policies"
state = "/var/lib/asapfill"
clock = "http://127.0.0.1:8080/sandbox/clock"

[offices.main-street]
urls = ["http://127.0.0.1:8080/api/v1"]
developer_key = "credential:developer"
customer_key = "credential:main-street"
TOML
  echo sandbox-developer >"$config/keys/developer"
  echo sandbox-customer >"$config/keys/main-street"
  printf 'office: main-street\ntimezone: America/Los_Angeles\nmode: automatic\n' >"$config/policies/demo.yaml"
  chroot "$root" chgrp -R asapfill /etc/asapfill
  chmod -R o= "$config"
  chmod 0600 "$config"/keys/*
}

# What systemd sees. Each line: what was done, and a property as it should be after it.
bad=0
expect() { # what, property, value, seconds to wait for it
  for _ in $(seq 1 $(($4 * 10))); do
    is=$(systemctl show asapfill -P "$2")
    [[ $is == $3 ]] && break
    sleep 0.1
  done
  if [[ $is == $3 ]]; then echo "ok     $1: $2=$is"; else echo "WRONG  $1: $2=$is, not $3"; bad=1; fi
}

# Whether a command ends as it should.
should() { # what, as which user, exit code, command
  local result=0
  setpriv --reuid "$2" --regid "$2" --clear-groups "${@:4}" >/tmp/said 2>&1 || result=$?
  if [ $result = "$3" ]; then echo "ok     $1"; else echo "WRONG  $1: exit code $result"; cat /tmp/said; bad=1; fi
}

# Who can read the keys, and what works without them. The daemon has them, or it could not have become ready; that they
# are right shows in the offers, at the end.
keys() {
  local handed=/run/credentials/asapfill.service
  should "the keys' files: not for the service's user" asapfill 1 cat /etc/asapfill/keys/developer
  should "its credentials: for the service's user" asapfill 0 cmp $handed/developer - <<<sandbox-developer
  should "its credentials: not for another user" nobody 1 cat $handed/developer
  should "doctor without the keys: nothing is wrong" asapfill 0 asapfill doctor
  should "status without the keys" asapfill 0 asapfill status
  should "check without the keys: exit code 78" asapfill 78 asapfill check
  # The simulated office's clock is out of reach for services without a network.
  sed -i.before '/^clock/d' /etc/asapfill/asapfill.toml
  should "the backup's service without the keys" root 0 systemctl start asapfill-backup
  should "the report's service without the keys" root 0 systemctl start asapfill-report
  mv /etc/asapfill/asapfill.toml.before /etc/asapfill/asapfill.toml
  should "check with the keys, as docs/install.md tells it" root 0 sh /opt/check-with-keys.sh
}

trial() {
  trap 'kill -s RTMIN+14 1' EXIT
  systemctl --version | head -n 1
  until (: <>/dev/tcp/127.0.0.1/8080) 2>/dev/null; do sleep 0.1; done
  systemctl start asapfill 2>/dev/null || true
  expect "without the keys that its settings name: exit code 78" ExecMainStatus 78 20
  # Keys that only the service can read, as docs/install.md tells it; the editor puts in what stands there.
  SYSTEMD_EDITOR="sed -i 2r/opt/drop-in.conf" script -qec "systemctl edit asapfill" /dev/null
  systemctl enable --quiet --now asapfill asapfill-backup.timer asapfill-report.timer
  expect "ready (READY=1)" ActiveState active 60
  expect "its words (STATUS=)" StatusText 'Serving 1 office*' 5
  before=$(systemctl show asapfill -P WatchdogTimestampMonotonic)
  sleep 8
  after=$(systemctl show asapfill -P WatchdogTimestampMonotonic)
  if [ "$after" != "$before" ]; then echo "ok     alive (WATCHDOG=1): told again"; else echo "WRONG  no WATCHDOG=1"; bad=1; fi
  keys
  systemctl reload asapfill && echo "ok     reload (SIGHUP)" || { echo "WRONG  reload"; bad=1; }
  sleep 3
  expect "after the reload" ActiveState active 10
  systemctl kill -s KILL asapfill
  expect "killed (SIGKILL), started again" NRestarts 1 20
  expect "ready again" ActiveState active 60
  kill -STOP "$(systemctl show asapfill -P MainPID)"
  expect "hanging (SIGSTOP), ended by the watchdog and started again" NRestarts 2 60
  expect "ready again" ActiveState active 60
  began=$(date +%s%N)
  systemctl stop asapfill
  echo "ok     stop (SIGTERM): $((($(date +%s%N) - began) / 1000000)) ms"
  expect "stopped" Result success 5
  mv /etc/asapfill/keys/developer /etc/asapfill/keys/elsewhere
  systemctl start asapfill 2>/dev/null || true
  expect "a key's file that is missing: systemd says so" ExecMainStatus 243 20
  systemctl stop asapfill
  systemctl reset-failed asapfill
  mv /etc/asapfill/keys/elsewhere /etc/asapfill/keys/developer
  sed -i 's/^urls/url/' /etc/asapfill/asapfill.toml
  systemctl start asapfill 2>/dev/null || true
  expect "wrong settings: exit code 78" ExecMainStatus 78 20
  expect "which is not started again" ActiveState failed 5
  if journalctl -u asapfill -o cat --no-pager | grep -q 'offer.sent'; then echo "ok     offers were sent"; else bad=1; fi
  if [ $bad = 0 ]; then echo "all is well"; fi
}

case ${1:-} in
  inside) work=$2; inside ;;
  trial) trial ;;
  *) outside ;;
esac
