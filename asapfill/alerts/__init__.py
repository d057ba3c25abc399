"""Telling people and watchers how asapfill is: notices, pings, metrics."""
