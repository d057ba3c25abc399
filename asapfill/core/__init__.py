"""What is free, who fits, whom to ask: pure functions over frozen data.

Nothing of asapfill is imported here but the clock: no HTTP, no database, no scheduler.
"""
