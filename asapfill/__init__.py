"""asapfill fills openings on an Open Dental schedule from the office's ASAP list."""

import os

__version__ = "0.2.0.dev0"

# numpy, which highspy needs, would start a thread for each processor when it is imported. Nothing here uses them, and a
# service that keeps its threads in order has no place for them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
