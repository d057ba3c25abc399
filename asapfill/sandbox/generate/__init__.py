"""Making an office up, from a seed."""
