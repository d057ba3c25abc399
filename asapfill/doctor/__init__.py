"""``asapfill doctor`` and ``support``: what could be wrong with an installation, and what a helper needs to know."""
