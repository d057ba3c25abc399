"""Open Dental's events as hints that something changed."""
