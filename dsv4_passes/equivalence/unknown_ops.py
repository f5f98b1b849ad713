"""Unknown operations, and the conservative assumptions about them.

An operation that yields tiles made new ones: values are never written. One that takes a tile and yields
nothing (`pl.tile.write(x, [0, 0], v)`) can only be there for what it does to that tile, and so to all tiles
that share its bytes; a function with such an operation has to be left alone.
"""

from xdsl.dialects.builtin import UnregisteredOp
from xdsl.ir import Operation

from dialects.dsv4.opaque import TextCallOp
from dialects.pto.opaque import OpaqueOp
from dialects.pto.types import TileType


def is_unknown(op: Operation) -> bool:
    """The operation is kept as it was read."""
    return isinstance(op, TextCallOp | OpaqueOp | UnregisteredOp)


def changes_tiles(op: Operation) -> bool:
    """An unknown operation that may write into the tiles it is given."""
    return is_unknown(op) and not op.results and any(isinstance(v.type, TileType) for v in op.operands)


def changing_tiles(function: Operation) -> Operation | None:
    """The first operation in a function that may write into a tile, if there is one."""
    return next((op for op in function.walk() if changes_tiles(op)), None)
