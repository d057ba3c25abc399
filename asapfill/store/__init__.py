"""The state: opening it, its tables, the SQL on each, lock and backups."""
