"""One cycle of one office, a module for each step."""
