"""The `pto` dialect: tile programs for Ascend NPUs, in buffer form and in value form."""

from xdsl.ir import Dialect

from . import (
    allocation,
    broadcast,
    channels,
    comm,
    control,
    convert,
    debug,
    elementwise,
    extents,
    fill,
    indexed,
    lanes,
    matmul,
    memory,
    moves,
    older,
    partition,
    pipes,
    pointers,
    quantize,
    reductions,
    scalars,
    sort,
    sync,
    tiles,
)
from .attributes import ATTRIBUTES
from .handles import HANDLE_TYPES
from .types import TYPES

_FAMILIES = (
    *(pointers, memory, extents, allocation, tiles, scalars, indexed),
    *(elementwise, broadcast, fill, reductions, partition, convert, quantize, lanes, sort, moves, matmul),
    *(pipes, channels, sync, comm, control, debug, older),
)

PTO = Dialect(
    "pto",
    [op for family in _FAMILIES for op in family.OPERATIONS],
    [*TYPES, *HANDLE_TYPES, *ATTRIBUTES],
)
