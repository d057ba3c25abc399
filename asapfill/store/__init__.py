"""The state database: opening it, its tables, and the small records kept beside the journal."""
