"""asapfill fills openings on an Open Dental schedule from the office's ASAP list."""

__version__ = "0.2.0.dev0"
