"""What asapfill tells: JSON documents, tables for a terminal, and pages. Nothing here decides anything."""
