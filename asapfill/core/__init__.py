"""The pure core: what is free, who fits, whom to ask. It imports nothing of asapfill but itself and the clock."""
