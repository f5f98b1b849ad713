"""`pto-join-mixed`: the cube and the vector function of a mixed kernel become one function.

    func.func @k_aic(…) {                            func.func @k(…) {
      %e = pto.tmatmul …                               %e = pto.tmatmul …
      pto.tpush_to_aiv(%e) }                  =>       %v = dsv4.move %e : acc -> vec
    func.func @k_aiv(…) {                              … %v … }
      %v = pto.tpop_from_aic …
      … %v … }

Both run at once and hand tiles to each other through first-in-first-out channels, so the k-th pop is the
k-th push: as values there is one program (`join_merge`). Where the two vector sub-blocks share the tiles
(split = 1: rows, split = 2: columns), the program has the vector function twice, for sub-block 0 and for
sub-block 1; each takes its half of what the cube pushes, and the cube pops both halves as one tile. Where
they do not (split = 0), the branch in which the second one only stays in step goes. `join_sides` says
where that comes from.

Legal because all functions only wait for what the others have pushed, and the joined function runs their
operations in an order in which they may run. Where they touch the same GM without a channel in between, the
result depends on that order already; what the joined function stores is one of the results. What
cannot be matched stays two functions, with a remark. How the channels are set up stays in the function,
for `pto-split-mixed`, the way back; `drop_channels` takes it out when nothing is left for them to carry.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, UnitAttr
from xdsl.ir import Attribute, Operation, Region
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.pipes import BufferOp, InitializePipeOp
from dialects.pto.types import TileType
from dsv4_passes.diagnostics import note, refused
from dsv4_passes.equivalence.facts import check_sides
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.common.origin import Origin, note_origin, take_origin
from dsv4_passes.transforms.program.drop_dead_args import drop_arguments

from .merge import FunctionMerger
from .subblocks import CannotJoin, sides, splits_tiles, subblock_parameter

SETUP = (BufferOp, InitializePipeOp)
JOINED = "dsv4.joined"
"""Marks a function that was joined from a cube and a vector function."""
VECTOR_ONLY = "dsv4.vector_only"
"""Marks an argument that the cube function does not have: the number of the sub-block."""


def pairs_of(module: ModuleOp) -> list[tuple[func.FuncOp, func.FuncOp]]:
    """Cube and vector functions that belong together by their names."""
    by_name = {f.sym_name.data: f for f in module.ops if isinstance(f, func.FuncOp)}
    names = [n.removesuffix("_aic") for n in by_name if n.endswith("_aic")]
    return [(by_name[f"{n}_aic"], by_name[f"{n}_aiv"]) for n in names if f"{n}_aiv" in by_name]


def join(cube: func.FuncOp, vector: func.FuncOp) -> func.FuncOp:
    """One function for both, not yet in the module. Raises CannotJoin."""
    attributes = _arguments(cube, vector)
    ours, theirs = sides(cube, vector)
    joined = func.FuncOp(
        cube.sym_name.data.removesuffix("_aic"),
        vector.function_type,
        Region(FunctionMerger(ours, theirs).entry),
        arg_attrs=attributes,
    )
    joined.location = cube.location
    joined.attributes |= {n: a for n, a in cube.attributes.items() if n != "pto.kernel_kind"}
    joined.attributes[JOINED] = StringAttr(f"{cube.sym_name.data} {vector.sym_name.data}")
    eliminate_dead_code(joined)
    return joined


def _arguments(cube: func.FuncOp, vector: func.FuncOp) -> ArrayAttr[DictionaryAttr] | None:
    """What is said about the joined function's arguments: those of both, and the sub-block's number.

    On the vector side pypto adds the number as the last parameter.
    """
    ours, theirs = ([*f.function_type.inputs.data] for f in (cube, vector))
    extra = theirs[len(ours) :]
    number = subblock_parameter(vector) if extra else None
    if ours != theirs[: len(ours)] or len(extra) > 1 or (number is None) != (not extra):
        raise CannotJoin(vector, "the two functions take different arguments")
    said: list[dict[str, Attribute]] = [{} for _ in theirs]
    for function in (vector, cube):
        rows = function.arg_attrs.data if function.arg_attrs else ()
        for known, row in zip(said, rows, strict=False):
            known |= row.data
    if extra:
        said[-1][VECTOR_ONLY] = UnitAttr()
    return ArrayAttr(map(DictionaryAttr, said)) if any(said) else None


def join_all(module: ModuleOp) -> None:
    """Join every pair that can be joined; the two are taken out of the module."""
    for cube, vector in pairs_of(module):
        check_sides((cube, vector))
        try:
            joined = join(cube, vector)
        except CannotJoin as problem:
            names = f"'{cube.sym_name.data}' and '{vector.sym_name.data}'"
            refused(problem.op, f"{names} stay two functions: {problem}", "mixed kernel not joined")
            continue
        Rewriter.insert_op(joined, InsertPoint.before(cube))
        ours, theirs = take_origin(cube), take_origin(vector)
        if ours is not None and theirs is not None:
            rewritten = ours.rewritten or theirs.rewritten
            note_origin(
                [joined],
                Origin([*ours.functions, *theirs.functions], rewritten, [*ours.helpers, *theirs.helpers]),
            )
        cube.detach()
        vector.detach()
        both = ", which does the work of both sub-blocks" if splits_tiles(vector) else ""
        note(joined, f"'{cube.sym_name.data}' and '{vector.sym_name.data}' are seen as one function{both}")


def vector_only(function: func.FuncOp) -> list[int]:
    """Arguments of a joined function that the cube function does not have."""
    rows = function.arg_attrs.data if function.arg_attrs else ()
    return [i for i, row in enumerate(rows) if VECTOR_ONLY in row.data]


def drop_channels(function: func.FuncOp) -> None:
    """Take out how channels are set up; a joined function without cube operations needs none.

    The number of the sub-block goes as well: what is left has no sub-blocks.
    """
    for op in reversed([op for op in function.walk() if isinstance(op, SETUP)]):
        Rewriter.erase_op(op)
    function.attributes.pop(JOINED, None)
    eliminate_dead_code(function)
    drop_arguments(function, vector_only(function))


def crosses(op: Operation) -> bool:
    """A move between the memories of the two kinds of core."""
    if not isinstance(op, CoreMoveOp):
        return False
    source, result = op.source.type, op.res.type
    assert isinstance(source, TileType)
    assert isinstance(result, TileType)
    return (source.data.loc == "vec") != (result.data.loc == "vec")


@dataclass(frozen=True)
class JoinMixedPass(ModulePass):
    """Join the cube and vector functions of mixed kernels (in value form)."""

    name = "pto-join-mixed"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        join_all(op)
