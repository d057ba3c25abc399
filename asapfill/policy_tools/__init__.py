"""Writing policies, and comparing them: new, diff, samples, schema."""
