"""Everything that yields findings: check, doctor, support."""
