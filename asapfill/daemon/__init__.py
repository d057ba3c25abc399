"""The daemon: when each office's next cycle starts, in which thread, and what the outside is told meanwhile."""
