"""Telling people and watchers: notices, pings, metrics."""
