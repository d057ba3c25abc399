"""``python -m asapfill.sandbox``: the process that ``process.start`` starts; people use ``asapfill sandbox``."""

from __future__ import annotations

import sys

from asapfill.sandbox.wire.process import serve_child

if __name__ == "__main__":
    sys.exit(serve_child(sys.stdin, sys.stdout))
