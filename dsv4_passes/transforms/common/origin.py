"""The original functions of raised ones, so that a pass that gives up can restore what was read.

`pto-raise` notes what it replaced. Joining and splitting hand that on, a pass that rewrites something says
so, and `pto-lower{form=input}` brings every function back in the form in which it came in: as it was read,
to the letter, unless something was rewritten.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from weakref import WeakKeyDictionary

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.tiles import AllocTileOp
from dsv4_passes.diagnostics import about, refused, withdraw
from dsv4_passes.source_names import carry_names
from dsv4_passes.xdsl_extras.functions import functions_in

LoweredAs = Literal["input", "buffer"]
"""What becomes of functions in value form: the form they were read in, or buffer form for all of them."""

Level = Literal["level2", "level3"]
"""Whether a text has addresses (level3), or ptoas plans the memory (level2)."""
LevelOption = Literal["auto", "level2", "level3"]
"""`auto` is that of the text which was read, or level3."""


@dataclass(eq=False)
class Origin:
    """What one raised function, or the functions that it was split into, came from."""

    functions: list[func.FuncOp]
    """As they were read; two for a mixed kernel that was joined."""
    rewritten: bool = False
    helpers: list[func.FuncOp] = field(default_factory=list[func.FuncOp])
    """What was inlined into them."""
    inlined: func.FuncOp | None = None
    """The function with its helpers in it, where it has some: what it costs as it was read."""

    @property
    def as_read(self) -> func.FuncOp | None:
        """The function as it was read, its helpers in it, if it was one function."""
        return (self.inlined or self.functions[0]) if len(self.functions) == 1 else None

    @property
    def level(self) -> Level:
        """`level3` where tiles had addresses."""
        read = (*self.functions, *self.helpers)
        allocations = (op for f in read for op in f.walk() if isinstance(op, AllocTileOp))
        return "level3" if any(op.addr is not None for op in allocations) else "level2"


_ORIGINS: WeakKeyDictionary[Operation, dict[str, Origin]] = WeakKeyDictionary()
"""By the module that a function stands in, and its name there."""


def _table(function: func.FuncOp) -> dict[str, Origin]:
    """The origins of the functions beside this one."""
    parent = function.parent_op()
    return {} if parent is None else _ORIGINS.setdefault(parent, {})


def origin_of(function: func.FuncOp) -> Origin | None:
    return _table(function).get(function.sym_name.data)


def level_of(function: func.FuncOp, wanted: LevelOption = "auto") -> Level:
    """The level that a function will be lowered to."""
    if wanted != "auto":
        return wanted
    origin = origin_of(function)
    return "level3" if origin is None else origin.level


def note_origin(functions: Iterable[func.FuncOp], origin: Origin) -> None:
    """Record `origin` as the origin of these functions."""
    for function in functions:
        _table(function)[function.sym_name.data] = origin


def take_origin(function: func.FuncOp) -> Origin | None:
    """The origin of a function that is about to be replaced under another name."""
    return _table(function).pop(function.sym_name.data, None)


def mark_rewritten(function: func.FuncOp) -> None:
    """Something was done to a function that is worth lowering it."""
    if (origin := origin_of(function)) is not None:
        origin.rewritten = True


def is_rewritten(function: func.FuncOp) -> bool:
    origin = origin_of(function)
    return origin is not None and origin.rewritten


def functions_of(module: ModuleOp) -> Iterator[func.FuncOp]:
    """The functions of a module as they are now, in order; messages meanwhile are attributed to each."""
    for function in list(functions_in(module)):
        with about(function.sym_name.data):
            yield function


def by_origin(module: ModuleOp) -> Iterator[tuple[Origin, list[func.FuncOp]]]:
    """The functions that came from the same text, together, in the order of the module."""
    groups: dict[Origin, list[func.FuncOp]] = {}
    for function in functions_in(module):
        if (origin := origin_of(function)) is not None:
            groups.setdefault(origin, []).append(function)
    yield from groups.items()


def restore(origin: Origin, functions: list[func.FuncOp]) -> None:
    """Replace functions by the ones that they were read from."""
    for original in origin.functions:
        Rewriter.insert_op(original, InsertPoint.before(functions[0]))
    for function in functions:
        take_origin(function)
        Rewriter.erase_op(function)


def give_up(origin: Origin, functions: list[func.FuncOp], op: Operation, why: str, reason: str) -> None:
    """Restore what was read and withdraw remarks about rewriting it."""
    names = " and ".join(f"'{f.sym_name.data}'" for f in origin.functions)
    stay = "stays as it is" if len(origin.functions) == 1 else "stay as they are"
    withdraw([f.sym_name.data for f in functions])
    refused(op, f"{names} {stay}: {why}", reason)
    restore(origin, functions)


# -- before lane operations were found ---------------------------------------------------------------


@dataclass(eq=False)
class Before:
    """A function as it was before its lane moves became lane operations."""

    function: func.FuncOp
    rewritten: bool
    """Whether something had been rewritten in it by then."""


_BEFORE: WeakKeyDictionary[Operation, dict[str, Before]] = WeakKeyDictionary()
"""By the module that a function stands in, and its name there."""


def note_before(function: func.FuncOp) -> None:
    """Keep a copy of a function whose lane moves are about to become lane operations."""
    if (parent := function.parent_op()) is not None:
        values: dict[SSAValue, SSAValue] = {}
        copy = function.clone(values)
        carry_names(values)
        table = _BEFORE.setdefault(parent, {})
        table.setdefault(function.sym_name.data, Before(copy, is_rewritten(function)))


def take_before(function: func.FuncOp) -> Before | None:
    """The copy, if there is one; from now on there is none."""
    parent = function.parent_op()
    return None if parent is None else _BEFORE.get(parent, {}).pop(function.sym_name.data, None)


def put_back(function: func.FuncOp, before: Before) -> func.FuncOp:
    """Replace the function by the copy and withdraw remarks about rewriting it since."""
    withdraw([function.sym_name.data])
    if (origin := origin_of(function)) is not None:
        origin.rewritten = before.rewritten
    Rewriter.replace_op(function, before.function)
    return before.function


# -- what rewriting took for granted -----------------------------------------------------------------

_GIVEN: WeakKeyDictionary[Operation, frozenset[str]] = WeakKeyDictionary()
"""By function; who puts another one in its place hands them on."""


def note_given(function: func.FuncOp, conditions: Iterable[str]) -> None:
    """Something in a function was proved equal under these side conditions, as `FIN(%x)`."""
    _GIVEN[function] = given(function).union(conditions)


def given(function: func.FuncOp) -> frozenset[str]:
    """The side conditions under which a function does what it did when it was read."""
    return _GIVEN.get(function, frozenset())
