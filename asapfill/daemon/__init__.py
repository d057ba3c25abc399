"""When an office's next cycle starts and in which thread; signals and systemd."""
