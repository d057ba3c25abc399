"""The simulated office at work: ``asapfill demo`` and ``sandbox``, and the clock that both sides follow."""
