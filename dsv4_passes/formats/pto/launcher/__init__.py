"""Launchers for the kernels of a program: what its orchestration does, in C++ and in Python.

Both are made from the description in `program.json` and need nothing but a standard library. A `Runtime`
with five calls stands between them and the machine; comments in its declaration say which calls of a real
runtime go there.

    runtime.launch("rotate", Core.VECTOR, 4, [x, stage])      // one call per launch, in order
"""

from .cpp import Cpp
from .python import Python
from .runtimes import CPP, PYTHON
from .steps import Json


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
    return {"launcher.hpp": "\n".join(cpp) + "\n", "launcher.py": "\n".join(python) + "\n"}
