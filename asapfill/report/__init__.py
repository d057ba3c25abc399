"""What asapfill tells: JSON documents, tables for a terminal, the weekly page. Nothing here decides anything."""
