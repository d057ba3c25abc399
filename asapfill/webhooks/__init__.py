"""Open Dental's events, taken as hints of where to look at once."""
