"""stub for now"""
from __future__ import annotations
from pathlib import Path
def write_page(out, *a): 
    out.mkdir(exist_ok=True); return out/"index.html"
