"""The simulated office at work: ``asapfill demo`` and its page, ``asapfill sandbox``."""
