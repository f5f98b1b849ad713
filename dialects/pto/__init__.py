"""The `pto` dialect: tile programs for Ascend NPUs, in buffer form and in value form."""

from xdsl.ir import Dialect

from . import broadcast, control, convert, elementwise, lanes, matmul, memory, moves, tiles
from .attributes import ATTRIBUTES
from .types import TYPES

PTO = Dialect(
    "pto",
    [
        op
        for family in (memory, tiles, elementwise, broadcast, lanes, convert, moves, matmul, control)
        for op in family.OPERATIONS
    ],
    [*TYPES, *ATTRIBUTES],
)
