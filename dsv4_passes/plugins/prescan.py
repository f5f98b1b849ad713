"""What `dsv4-ptoas` does before it knows whether a kernel has anything to rewrite.

Most kernels have nothing, and for each of them the time until the real assembler runs is time lost: so this
module imports only `os` and `sys`, and looks at the text as bytes.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

VALUE_OPTIONS = frozenset(
    "-o --pto-arch --pto-level --pto-backend --plan-memory-impl --mlir-print-ir-before --mlir-print-ir-after "
    "--mlir-print-ir-tree-dir".split()
)
"""Options of ptoas whose value may be the next word."""
OURS = b"dsv4_passes.cli.ptoas"
"""Stands in every launcher of this program, which is not the real assembler."""

CALLED = "DSV4_PTOAS_CALLED"
"""Set for the assembler that is called: a process that finds it set was started by this program."""

_MOVE_LANES = (b"pto.tgather", b"pto.tscatter", b"pto.ttrans", b"pto.tsel ", b"dsv4.")
_PRODUCTS = (b"pto.tmatmul", b"pto.tgemv")
_SHIFTS = (b"pto.tshl", b"pto.tshr")


class AssemblerCall:
    """One call of the assembler, as far as it matters here."""

    def __init__(self, arguments: "Sequence[str]"):
        self.arguments = tuple(arguments)
        self.input: int | None = None
        """Where among the arguments the name of the input stands; None if there is none (`--version`)."""
        values: dict[str, str] = {}
        waiting = ""
        for i, word in enumerate(arguments):
            if waiting:
                values[waiting], waiting = word, ""
            elif word == "-" or not word.startswith("-"):
                self.input = i
            else:
                name, equals, value = word.partition("=")
                name = name if name.startswith("--") or len(name) == 2 else f"-{name}"
                if equals:
                    values[name] = value
                elif name in VALUE_OPTIONS:
                    waiting = name
        self.output = values.get("-o")
        self.arch = values.get("--pto-arch")


def may_be_rewritten(text: bytes, with_facts: bool) -> bool:
    """Whether a kernel has anything that moves lanes. False is certain, true is not.

    A product moves lanes only by a select matrix, of which nothing is known without facts.
    """
    if any(word in text for word in _MOVE_LANES):
        return True
    if b"pto.tor " in text and any(word in text for word in _SHIFTS):
        return True
    return with_facts and any(word in text for word in _PRODUCTS)


def find_program(name: str, path: str) -> str | None:
    """The program `name` in the folders of `path` that is not a launcher of this one."""
    if os.sep in name:
        return name if _is_program(name) else None
    for folder in path.split(os.pathsep):
        found = os.path.join(folder or os.curdir, name)
        if _is_program(found) and not is_ours(found):
            return found
    return None


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def is_ours(path: str) -> bool:
    """The file is a launcher of this program."""
    try:
        with open(path, "rb") as file:
            return OURS in file.read(2048)
    except OSError:
        return False


def find_assembler(environment: "Mapping[str, str]") -> str | None:
    """The real assembler: `DSV4_PTOAS`, or the first `ptoas` on PATH; neither may be this program."""
    named = environment.get("DSV4_PTOAS") or "ptoas"
    if os.sep in named and is_ours(named):
        named = "ptoas"
    return find_program(named, environment.get("PATH", os.defpath))


def hand_over(assembler: str, arguments: "Sequence[str]") -> "NoReturn":
    """Become the real assembler."""
    sys.stdout.flush()
    os.execve(assembler, [assembler, *arguments], {**os.environ, CALLED: "1"})
