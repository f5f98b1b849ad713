"""A kernel from which the last product has gone runs on vector cores."""

from xdsl.dialects import func

from dialects.pto.attributes import KernelKindAttr
from dialects.pto.matmul import MatmulOp
from dialects.pto.types import AnyTileType
from dsv4_passes.argument_names import argument_name
from dsv4_passes.diagnostics import note
from dsv4_passes.transforms.mixed.join_mixed import JOINED, drop_channels

CUBE_MEMORIES = ("mat", "left", "right", "acc", "bias", "scaling")


def uses_cube(function: func.FuncOp) -> bool:
    """Something in the function is on the cube or in its memories."""
    return any(
        isinstance(op, MatmulOp)
        or any(isinstance(v.type, AnyTileType) and v.type.data.loc in CUBE_MEMORIES for v in op.results)
        for op in function.walk()
    )


def become_vector(function: func.FuncOp) -> None:
    """A function without anything on the cube runs on vector cores."""
    joined = JOINED in function.attributes
    if uses_cube(function) or not (
        joined or function.attributes.get("pto.kernel_kind") == KernelKindAttr("cube")
    ):
        return
    drop_channels(function)
    function.attributes["pto.kernel_kind"] = KernelKindAttr("vector")
    name = function.sym_name.data
    arguments = function.body.block.args
    dead = [argument_name(function, i) for i, a in enumerate(arguments) if not list(a.uses)]
    unused = f"; it no longer reads {', '.join(dead)}, kept as arguments" if dead else ""
    note(function, f"'{name}' is a vector kernel now: launch it on vector cores{unused}")
