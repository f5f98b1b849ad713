"""`pto-split-mixed`: a joined function becomes a cube and a vector function again.

    func.func @k(…) {                                func.func @k_aic(…) {
      %e = pto.tmatmul …                               %e = pto.tmatmul …
      %v = dsv4.move %e : acc -> vec        =>         pto.tpush_to_aiv(%e) }
      … %v … }                                       func.func @k_aiv(…) {
                                                       %v = pto.tpop_from_aic …
                                                       … %v …
                                                       pto.tfree_from_aic }

The inverse of `pto-join-mixed`. An operation goes where its tiles are, scalars, loops and branches go to
both. A channel, or a direction of one, with nothing left to carry is not set up. All tiles cross as a whole
(split = 0), also where the sub-blocks shared them before: the first vector core does the work. Where the
second one runs the vector function as well, on a2a3 or because the function takes its number, it only pops,
frees and pushes, tiles of 0x0, to stay in step. A function without anything left for one of the two becomes
an ordinary kernel.

Legal because pushes, pops and frees of one channel are in one order on both sides, and there is an order
of all operations in which none of them waits (see `crossings`). That order is the only thing between the
two functions: where one side writes GM that the other one touches, the function stays as it is.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    DictionaryAttr,
    IndexType,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    i8,
    i32,
    i64,
)
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import get_effects, is_side_effect_free

from dialects.pto import control
from dialects.pto.attributes import KernelKindAttr
from dialects.pto.base import MEMORY_TYPES, target_arch
from dialects.pto.pipes import BufferOp, ImportReservedBufferOp, InitializePipeOp, ReserveBufferOp
from dsv4_passes.diagnostics import note, refused
from dsv4_passes.equivalence.gm_mod_ref import root, writes
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.common.origin import (
    LoweredAs,
    Origin,
    functions_of,
    give_up,
    note_origin,
    origin_of,
    take_origin,
)
from dsv4_passes.transforms.program.drop_dead_args import drop_arguments

from .channel_schedule import (
    CannotSplit,
    ChannelKey,
    Side,
    find_crossings,
    side_of,
    slots_of,
)
from .join_mixed import JOINED, SETUP, VECTOR_ONLY, crosses, vector_only
from .merge import ENDS
from .projection import CoreProjection, SecondSubblock, only_reads
from .subblocks import splits_tiles, subblock_parameter

SIDES: tuple[Side, Side] = ("cube", "vector")
SUBBLOCK = next(op for op in control.OPERATIONS if op.name == "pto.get_subblock_idx")
_BITS = {"c2v": 1, "v2c": 2}


# -- setting up channels -------------------------------------------------------------------------------


def _home(op: Operation, cube: str) -> Side:
    """The side that a set-up operation belongs to; `cube` is the name of the cube function."""
    if isinstance(op, ReserveBufferOp):
        return "vector" if op.space.data == "vec" else "cube"
    if isinstance(op, ImportReservedBufferOp):
        return "vector" if op.peer_func.string_value() == cube else "cube"
    return "cube" if op.name == "pto.aic_initialize_pipe" else "vector"


def _set_up(
    op: InitializePipeOp, values: dict[SSAValue, SSAValue], used: set[ChannelKey], into: Block
) -> None:
    """Copy how a channel is set up, for the directions that carry something."""
    if op.acc_push_epilogue is not None:
        raise CannotSplit(op, "its pushes convert what they push")
    left = [direction for direction in op.directions if (direction, op.channel) in used]
    if not left:
        return
    new = op.clone(values)
    into.add_op(new)
    if new.nosplit is not None:
        new.properties["nosplit"] = BoolAttr.from_bool(
            True
        )  # whatever it was before the functions were joined
    if len(left) < len(op.directions):
        # as many slots as before: the buffers are as long as they were
        new.properties["slot_num"] = IntegerAttr(slots_of(op).count, i32)
        new.properties["dir_mask"] = IntegerAttr(_BITS[left[0]], i8)
        unused = new.v2c_consumer_buf if left == ["c2v"] else new.c2v_consumer_buf
        if unused is not None:
            zero = arith.ConstantOp(IntegerAttr(0, i32))
            Rewriter.insert_op(zero, InsertPoint.before(new))
            new.operands[new.operands.index(unused)] = zero.result


# -- the two functions ---------------------------------------------------------------------------------


class _Split:
    """Both halves of one joined function."""

    def __init__(self, function: func.FuncOp):
        names = function.attributes[JOINED]
        self.function, self.names = function, names.data.split() if isinstance(names, StringAttr) else []
        if len(self.names) != len(SIDES):
            raise CannotSplit(function, f"{JOINED} does not name two functions")
        if any(isinstance(op, SETUP) and op.parent is not function.body.block for op in function.walk()):
            raise CannotSplit(function, "channels are set up in a loop or branch")
        self.plan = find_crossings(function)
        _require_own_memory(function)
        halves = [self.half(side, name) for side, name in zip(SIDES, self.names, strict=True)]
        working = [i for i, half in enumerate(halves) if _works(half)]
        if not self.plan.pops and len(working) == 1:
            halves = [self.half(SIDES[working[0]], function.sym_name.data, alone=True)]
        self.halves = halves

    def half(self, side: Side, name: str, alone: bool = False) -> func.FuncOp:
        """The function of one side, not yet in the module; `alone`: there is no other."""
        old = self.function
        entry = Block(arg_types=[a.type for a in old.body.block.args])
        values: dict[SSAValue, SSAValue] = {}
        for source, made in zip(old.body.block.args, entry.args, strict=True):
            made.name_hint = source.name_hint
            values[source] = made
        self.top(side, values, entry)
        number = subblock_parameter(old)
        twice = number is not None or find_chip(target_arch(old)).both_subblocks_run
        if side == "vector" and not alone and twice:
            self.subblocks(None if number is None else values[number], values, entry)
        else:
            CoreProjection(side, self.plan, values).block(old.body.block, entry)
        entry.add_op(func.ReturnOp())
        half = func.FuncOp(name, old.function_type, Region(entry), arg_attrs=old.arg_attrs)
        half.location = old.location
        half.attributes |= {n: a for n, a in old.attributes.items() if n != JOINED}
        half.attributes["pto.kernel_kind"] = KernelKindAttr(side)
        eliminate_dead_code(half)
        extra = vector_only(half)
        if side == "cube" or alone:
            drop_arguments(half, extra)
        elif half.arg_attrs is not None:
            rows = ({n: a for n, a in row.data.items() if n != VECTOR_ONLY} for row in half.arg_attrs.data)
            half.arg_attrs = ArrayAttr(map(DictionaryAttr, rows))
        return half

    def top(self, side: Side, values: dict[SSAValue, SSAValue], entry: Block) -> None:
        """What both sub-blocks need: scalars that depend on arguments only, and the channels."""
        buffers: list[BufferOp] = []
        used = self.plan.used()
        for op in self.function.body.block.ops:
            if isinstance(op, InitializePipeOp):
                if _home(op, self.names[0]) == side:
                    _set_up(op, values, used, entry)
            elif isinstance(op, BufferOp):
                if _home(op, self.names[0]) == side:
                    entry.add_op(made := op.clone(values))
                    buffers.append(made)
            elif op.regions or not op.results or not is_side_effect_free(op) or op in self.plan.pops:
                continue
            elif side_of(op) is None and all(v in values for v in op.operands):
                entry.add_op(op.clone(values))
        for buffer in buffers:
            if not list(buffer.res.uses):
                Rewriter.erase_op(buffer)

    def subblocks(self, number: SSAValue | None, values: dict[SSAValue, SSAValue], entry: Block) -> None:
        """`if subblock_idx == 0 {work} else {keep the channels in step}`; `number`: of the sub-block."""
        body = self.function.body.block
        if number is None:
            entry.add_op(asked := SUBBLOCK.create(result_types=[i64]))
            number = asked.results[0]
        index = arith.IndexCastOp(number, IndexType())
        index.result.name_hint = "subblock_idx"
        zero = arith.ConstantOp(IntegerAttr(0, IndexType()))
        first = arith.CmpiOp(index.result, zero.result, "eq")
        entry.add_ops([index, zero, first])
        work, keep = Block(), Block()
        CoreProjection("vector", self.plan, dict(values)).block(body, work)
        SecondSubblock(self.plan, dict(values), zero.result).block(body, keep)
        for block in (work, keep):
            block.add_op(scf.YieldOp())
        branch = scf.IfOp(first.result, [], Region(work), Region(keep))
        branch.location = self.function.location
        entry.add_op(branch)


def _works(function: func.FuncOp) -> bool:
    """The function does something that can be seen."""
    return any(not op.regions and not only_reads(op) and not isinstance(op, ENDS) for op in function.walk())


def _require_own_memory(function: func.FuncOp) -> None:
    """Nothing that one side writes in GM is touched by the other: only channels order the two."""
    touched: dict[tuple[SSAValue | None, str], Operation] = {}
    written: dict[tuple[SSAValue | None, str], Operation] = {}
    for op in function.walk():
        if op.regions or isinstance(op, (*SETUP, *ENDS)):
            continue
        side = None if crosses(op) else side_of(op)
        if get_effects(op) == set():
            continue
        for value in op.operands:
            if isinstance(value.type, MEMORY_TYPES):
                for where in (side,) if side else SIDES:
                    touched[root(value), where] = op
                    if writes(op):
                        written[root(value), where] = op
    for (argument, side), op in written.items():
        other = touched.get((argument, "cube" if side == "vector" else "vector"))
        if other is not None:
            raise CannotSplit(op, "both kinds of core touch the tensor that it writes")


def split(function: func.FuncOp) -> list[func.FuncOp]:
    """Put a cube and a vector function in the place of a joined one. Raises CannotSplit.

    One function, if the other one would have nothing to do.
    """
    made = _Split(function).halves
    for half in made:
        Rewriter.insert_op(half, InsertPoint.before(function))
    if (origin := take_origin(function)) is not None:
        note_origin(made, origin)
    names = " and ".join(f"'{half.sym_name.data}'" for half in made)
    note(function, f"'{function.sym_name.data}' is split into {names}")
    Rewriter.erase_op(function)
    return made


@dataclass(frozen=True)
class SplitMixedPass(ModulePass):
    """Split joined functions (in value form) into a cube and a vector function.

    With `form=input` only those that something was rewritten in; one that cannot be split becomes again
    the two functions that were read.
    """

    name = "pto-split-mixed"
    form: LoweredAs = "buffer"
    """which functions: all that were joined (buffer), or those that something was rewritten in (input), the
    others becoming again the two that were read"""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in functions_of(op):
            origin = origin_of(function) if self.form == "input" else None
            if JOINED not in function.attributes or (self.form == "input" and not _is_worth_it(origin)):
                continue
            try:
                if origin is not None and any(map(splits_tiles, origin.functions)):
                    raise CannotSplit(function, "one sub-block would do the work of both")
                split(function)
            except CannotSplit as problem:
                if origin is not None:
                    why = f"something is left for the cube, and they cannot be split again: {problem}"
                    give_up(origin, [function], problem.op, why, "cube part left")
                    continue
                name = function.sym_name.data
                refused(problem.op, f"'{name}' stays one function: {problem}", "mixed kernel not split")


def _is_worth_it(origin: Origin | None) -> bool:
    return origin is not None and origin.rewritten
