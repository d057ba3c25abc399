"""The simulated office's API."""
