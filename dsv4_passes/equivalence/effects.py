"""What a run does that can be seen from outside: stores, pushes, carried values, unknown operations."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.ir import Operation

from dsv4_passes.interpreter.values import Box, Extent

from .symbolic_memory import Context, Ids


@dataclass(frozen=True, eq=False)
class Store:
    """`ids` [rows, cols] go to `box`: element [r, c] to address `box.base + box.offsets[r, c]`."""

    op: Operation
    context: Context
    box: Box
    ids: Ids
    conditions: frozenset[str]
    atomic: str = ""


@dataclass(frozen=True, eq=False)
class Push:
    """A push of a tile into a pipe; -1 marks uninitialised lanes."""

    op: Operation
    context: Context
    channel: str
    ids: Ids
    valid: Extent
    conditions: frozenset[str]


@dataclass(frozen=True, eq=False)
class Carry:
    """What a trip of a symbolic loop passes on: `content` in place of the leaves of `key`.

    Every carried value of a run has one but those that are seen to be passed on: the leaves of a key that two
    runs share are equal only if both trips change them alike.
    """

    op: Operation
    context: Context
    key: Hashable
    content: Hashable


@dataclass(frozen=True, eq=False)
class Opaque:
    """An operation without semantics; `key` identifies it and its operands.

    It may read and write anything of the GM arguments in `touched`.
    """

    op: Operation
    context: Context
    key: int
    touched: frozenset[int] = frozenset()


Effect: TypeAlias = Store | Push | Carry | Opaque
