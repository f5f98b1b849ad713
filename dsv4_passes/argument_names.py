"""What people call the arguments of a function: by these names go arrays, facts, and what remarks say."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import BlockArgument

from dialects.pto.memory import MakeTensorViewOp
from dialects.pto.types import PtrType

from .source_names import base_name, written_name

_VIEW = re.compile(r"(_dn)?_view(_?\d+)?$")
_NUMBERED = re.compile(r"arg\d+$")


def argument_names(function: func.FuncOp) -> list[str]:
    """What people call the arguments of a function, in order: `w` of `%w__ssa_v0_view = … %arg2 …`.

    By that name go arrays, facts, and what remarks say. It is the one that the program gave (`dsv4.name`), or
    the argument's own, or that of its views, without the version that pypto put behind it unless another
    argument has the same; `argN` where there is none.
    """
    full = [_full_name(function, index) for index in range(len(function.body.block.args))]
    names = shortest(full)
    return [f"arg{i}" if names.count(name) > 1 else name for i, name in enumerate(names)]


def argument_name(function: func.FuncOp, index: int) -> str:
    """What people call one argument (see `argument_names`)."""
    return argument_names(function)[index]


def argument_spellings(function: func.FuncOp, index: int) -> list[str]:
    """All names that mean an argument: the one that people use, with its version, its views', `argN`."""
    argument = function.body.block.args[index]
    views = [view.res.name_hint for view in _views(argument)]
    names = [_full_name(function, index), argument.name_hint, written_name(argument), *views]
    others = [_VIEW.sub("", view) for view in views if view] + [f"arg{index}"]
    return list(dict.fromkeys(n for n in (argument_name(function, index), *names, *others) if n))


def shortest(names: Sequence[str]) -> list[str]:
    """The names without versions, where that leaves them different."""
    short = [base_name(name) for name in names]
    return [s if short.count(s) == 1 else name for s, name in zip(short, names, strict=True)]


def nearest_first(names: Sequence[str], wanted: str) -> list[str]:
    """The names, sorted by similarity to what was asked for."""
    return sorted(names, key=lambda name: (-SequenceMatcher(None, name, wanted).ratio(), name))


def name_arguments(module: ModuleOp) -> None:
    """Give unnamed pointer arguments the names of their views, which rewrites may remove."""
    for op in module.walk():
        if not isinstance(op, func.FuncOp) or not op.body.blocks:
            continue
        for argument in op.body.block.args:
            if isinstance(argument.type, PtrType) and _is_nameless(argument.name_hint):
                argument.name_hint = _view_name(argument) or argument.name_hint


def has_lost_view(argument: BlockArgument) -> bool:
    """Whether an argument `argN` was named after a view that was removed: its name hint differs."""
    return (
        isinstance(argument.type, PtrType)
        and not _is_nameless(argument.name_hint)
        and _view_name(argument) is None
    )


def _full_name(function: func.FuncOp, index: int) -> str:
    given = function.arg_attrs.data[index].data.get("dsv4.name") if function.arg_attrs else None
    if isinstance(given, StringAttr):
        return given.data
    argument = function.body.block.args[index]
    own = argument.name_hint or written_name(argument)
    if own is not None and not _is_nameless(own):
        return own
    return _view_name(argument) or f"arg{index}"


def _view_name(argument: BlockArgument) -> str | None:
    """The name of an argument according to its views; a plain view takes precedence over a transposed one."""
    hints = [view.res.name_hint for view in _views(argument) if view.res.name_hint]
    hints.sort(key=lambda hint: (_VIEW.search(hint) is None, "_dn_view" in hint))
    return _VIEW.sub("", hints[0]) or None if hints else None


def _views(argument: BlockArgument) -> Iterator[MakeTensorViewOp]:
    for use in argument.uses:
        if isinstance(use.operation, MakeTensorViewOp) and use.operation.ptr is argument:
            yield use.operation


def _is_nameless(name: str | None) -> bool:
    return name is None or _NUMBERED.match(name) is not None or name.isdecimal()
