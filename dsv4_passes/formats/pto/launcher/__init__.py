"""Launchers for the kernels of a program: what its orchestration does, in C++ and in Python.

Both are made from the description in `program.json` and need nothing but a standard library. A `Runtime`
with five calls stands between them and the machine; comments in its declaration say which calls of a real
runtime go there.

    runtime.launch("rotate", Core.VECTOR, 4, [x, stage])      // one call per launch, in order
"""

from pathlib import Path

from .cpp import Cpp
from .python import Python
from .runtimes import CPP, PYTHON
from .steps import Json

NAMES = ("launcher.hpp", "launcher.py")
GENERATED = "Generated; needs nothing but the standard library."
"""Stands in the first line of both."""


def launchers(description: Json) -> dict[str, str]:
    """`launcher.hpp` and `launcher.py`, by file name; `description` is what `program.json` has.

    Raises ValueError for an expression that has no counterpart in C++.
    """
    names = {"program": description["program"], "chip": description["chip"]}
    kernels = {kernel["name"]: kernel for kernel in description["kernels"]}
    cpp = [CPP.format(**names)]
    python = [PYTHON.format(**names)]
    for function in description["orchestration"]:
        cpp += ["", *Cpp(kernels).function(function)]
        python += ["", "", *Python(kernels).function(function)]
    return {name: "\n".join(lines) + "\n" for name, lines in zip(NAMES, (cpp, python), strict=True)}


def is_generated(path: Path) -> bool:
    """The file is a launcher that was written here."""
    try:
        with path.open(encoding="utf-8") as file:
            return GENERATED in file.readline()
    except (OSError, UnicodeDecodeError):
        return False
