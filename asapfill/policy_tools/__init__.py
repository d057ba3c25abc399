"""Helping people with policies: new, diff, samples, schema, reference."""
