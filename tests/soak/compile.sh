#!/bin/sh
# A copy of this source whose pure and simulated parts are compiled by Cython, for runs of thousands of stormy days:
#
#     tests/soak/compile.sh FOLDER && cd FOLDER && .venv/bin/python -m tests.soak.soak --seeds 1-10000 --jobs 2
#
# The same seeds have the same digest, compiled or not; a seed takes up to a quarter less time. Needs a C compiler and
# Python's headers (Debian: gcc, python3-dev); takes a few minutes. FOLDER must not exist.
set -eu

folder=${1:?"usage: tests/soak/compile.sh FOLDER"}
packages="mirror offers opendental planning sandbox scheduling service store"

git clone --quiet "$(dirname "$0")/../.." "$folder"
cd "$folder"
make .venv/.installed
.venv/bin/python -m pip install --quiet --disable-pip-version-check "cython>=3.1" setuptools

# Setuptools reads pyproject.toml, which is about the package and not about this.
mv pyproject.toml pyproject.toml.aside
.venv/bin/python - $packages <<'BUILD'
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

files = [file for package in sys.argv[1:] for file in sorted(Path("asapfill", package).rglob("*.py"))]
files += [Path("tests/soak", f"{name}.py") for name in ("events", "line", "small_office", "witness")]
extensions = [
    Extension(".".join(file.with_suffix("").parts), [str(file)], extra_compile_args=["-O2", "-g0", "-w"])
    for file in files
    if not file.name.startswith("__")
]
# Annotations are for mypy: to Cython `dict` would mean that and no defaultdict.
directives = {"annotation_typing": False, "binding": True}
modules = cythonize(extensions, nthreads=2, language_level=3, compiler_directives=directives, quiet=True)
setup(name="compiled", ext_modules=modules, script_args=["--quiet", "build_ext", "--inplace", "--parallel", "2"])
BUILD
mv pyproject.toml.aside pyproject.toml
