"""`pto-lower`: from tiles as values back to tiles in memory; the inverse of `pto-raise`.

    %0 = pto.tload ins(%p : …) -> T                     %a = pto.alloc_tile addr = %c0 … : TB
    %1 = pto.tadd ins(%0, %0 : T, T) -> T        =>     pto.tload ins(%p : …) outs(%a : TB)
                                                        pto.tadd ins(%a, %a : TB, TB) outs(%a : TB)

Values get buffers and buffers get addresses (`lower_places`), or none for `ptoas` to plan (`level2`). A
piece that is inserted into a tile is written straight into its window; scratch operands that the chip and
the assembler want are added.

Legal because a buffer holds one value at a time: values share one only where no two of them are alive
together, and two buffers share bytes only where they are not.
"""

from dataclasses import dataclass
from typing import Literal

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.transforms.dead_code_elimination import is_trivially_dead

from dialects.dsv4.lanes import LaneOp
from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import REMEMBERED_SCRATCH, TileOp, layout_of, segment_sizes
from dialects.pto.channels import PopOp
from dialects.pto.memory import MakeTensorViewOp
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import VIEWS, InsertOp, UndefOp
from dialects.pto.types import DYNAMIC, TileBufType, TileType
from dsv4_passes.diagnostics import UserError, about, refused
from dsv4_passes.targets import LATEST, chip_for
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.targets import ptoas as find_ptoas
from dsv4_passes.transforms.common.coalescing import tile_results
from dsv4_passes.transforms.common.origin import (
    Level,
    LoweredAs,
    Origin,
    by_origin,
    functions_of,
    give_up,
    restore,
    take_origin,
)
from dsv4_passes.transforms.mixed.join_mixed import JOINED
from dsv4_passes.transforms.raising.inline_calls import drop_inlined
from dsv4_passes.xdsl_extras.insert import insert_before
from dsv4_passes.xdsl_extras.region_values import Structured, drop_columns

from .copies import prepare
from .handles import Handles
from .placement import DoesNotFit, Places
from .ptoas_plan import planned_memory


class _Lower:
    """Lower one function in place."""

    def __init__(self, function: func.FuncOp, chip: str, ptoas: str | float, level: Level):
        body = function.body.block
        erase_dead(body)
        prepare(function, level == "level3")
        target = find_chip(chip), find_ptoas(ptoas), int(level[-1])
        try:
            self.places = Places(function, *target)
        except DoesNotFit:  # pieces in their tiles hold the tiles' bytes for longer
            self.places = Places(function, *target, nested=False)
        self.handles = Handles(body, self.places)
        self.retired: list[Operation] = []
        self.structured: list[Structured] = []
        self.block(body)
        for op in self.structured:
            drop_columns(op, [i for i, r in enumerate(op.results) if isinstance(r.type, TileType)])
            if isinstance(op, scf.IfOp):
                _drop_empty_else(op)
        for op in reversed(self.retired):
            Rewriter.erase_op(op, safe_erase=False)
        erase_dead(body)

    def block(self, block: Block) -> None:
        for op in list(block.ops):
            if isinstance(op, (scf.ForOp, scf.IfOp)):
                self.structured.append(op)
            if isinstance(op, (*VIEWS, UndefOp)) and isinstance(op.results[0].type, TileType):
                self.retired.append(op)
            elif isinstance(op, InsertOp):
                self.insert(op)
            elif isinstance(op, TileOp) and tile_results(op):
                self.tile_op(op)
            elif not isinstance(op, (scf.ForOp, scf.IfOp, scf.YieldOp)):
                self.other(op)
            for region in op.regions:
                for inner in region.blocks:
                    self.block(inner)

    def tile_op(self, op: TileOp) -> None:
        """Results become destinations; a tied operand is dropped or aliased to the destination."""
        self.retired.append(op)
        ins = [self.handles.of(v, op) for v in op.inputs()]
        outs = [self.handles.destination(result, op) for result in op.res]
        if op.TIED == "old":
            ins.pop(op.operand_names().index("old"))
        elif op.TIED:
            ins[op.operand_names().index(op.TIED)] = outs[0]
        if self.moves_onto_itself(op):
            return
        if (scratch := self.handles.scratch(op)) is not None:
            names = op.OPERANDS.split()
            at = len(ins) if names[-1] in ("tmp?", "old?") else names.index("tmp?")
            ins.insert(at, scratch)
        properties = dict(op.properties)
        properties["operandSegmentSizes"] = segment_sizes(len(ins), len(outs), 0)
        attributes = {name: attr for name, attr in op.attributes.items() if name != REMEMBERED_SCRATCH}
        new = type(op).create(operands=[*ins, *outs], properties=properties, attributes=attributes)
        insert_before(op, new)

    def moves_onto_itself(self, op: TileOp) -> bool:
        """A copy whose operand dies and has the same place."""
        if not isinstance(op, TMovOp) or len(op.ins) != 1 or op.res[0] in self.places.pieces:
            return False
        classes, source = self.places.classes, op.ins[0]
        return (
            not isinstance(source.owner, VIEWS)
            and source.type == op.res[0].type
            and classes.same(source, op.res[0])
            and classes.inside.get(source) == classes.inside.get(op.res[0])
        )

    def insert(self, op: InsertOp) -> None:
        """Nothing, where the piece has been written into its window; else a move."""
        self.retired.append(op)
        if op.source in self.places.pieces or op in self.places.classes.in_place:
            return
        move = TMovOp([self.handles.of(op.source, op)], outs=[self.handles.window(op, op)])
        insert_before(op, move)

    def other(self, op: Operation) -> None:
        """An operation that stays: it gets handles for tiles."""
        for index, value in enumerate(op.operands):
            if isinstance(value.type, TileType):
                op.operands[index] = self.handles.of(value, op)
        if isinstance(op, PopOp) and isinstance(op.tile.type, TileType):
            layout = op.tile.type.data
            if op.valid_row is not None or layout.full:
                layout = layout._replace(valid_rows=DYNAMIC, valid_cols=DYNAMIC)
            old = op.tile
            new = Rewriter.replace_value_with_new_type(old, TileBufType(layout))
            self.handles.known[new] = self.handles.known[old] = new


def _drop_empty_else(branch: scf.IfOp) -> None:
    if not branch.results and branch.false_region.blocks:
        block = branch.false_region.block
        if block.first_op is block.last_op:
            branch.false_region.detach_block(block)
            block.erase()


def erase_dead(block: Block) -> None:
    """Erase operations without effects and uses, the last ones first."""
    for op in reversed(list(block.ops)):
        for region in op.regions:
            for inner in region.blocks:
                erase_dead(inner)
        if is_trivially_dead(op) and not _describes_argument(op):
            Rewriter.erase_op(op)


def _describes_argument(op: Operation) -> bool:
    """A view of a pointer that is used without views: it alone says the argument's name and shape."""
    return isinstance(op, MakeTensorViewOp) and not all(
        isinstance(use.operation, MakeTensorViewOp) for use in op.ptr.uses
    )


def lower_function(function: func.FuncOp, chip: str, ptoas: str | float, level: Level) -> None:
    """Lower one function; functions without tile values stay as they are.

    Raises UserError where a lane operation is left, which says what is wanted and not how it is done, and
    DoesNotFit where memory is too small for what is lowered.
    """
    if (lane_op := next((op for op in function.walk() if isinstance(op, LaneOp)), None)) is not None:
        raise UserError(
            f"expected tile operations that ptoas has, found {lane_op.name}: dsv4-lower-lanes has to give it "
            "a form first; where the target has none it says why",
            lane_op.location,
        )
    if any(isinstance(r.type, TileType) for op in function.walk() for r in op.results):
        for op in function.walk():
            if isinstance(op, CoreMoveOp):
                source, result = layout_of(op.source).loc, layout_of(op.res).loc
                raise UserError(
                    f"'dsv4.move' from {source} to {result} memory has no form in one function; "
                    "run pto-split-mixed before pto-lower",
                    op.location,
                )
        _Lower(function, chip, ptoas, level)
        if level == "level2":
            _check_plan(function, chip, ptoas)


def _check_plan(function: func.FuncOp, chip: str, ptoas: str | float) -> None:
    """Raise DoesNotFit where ptoas, which plans the memory, will not find room for all tiles."""
    target = find_chip(chip)
    for space, planned in planned_memory(function, target, find_ptoas(ptoas)).items():
        if not planned.fits(size := target.memory(space).planner):
            beside = (
                " (tiles beside one another: it would give tiles with several views to others, too)"
                * planned.beside
            )
            why = (
                f"'{function.sym_name.data}' needs {planned.bytes} bytes of {space} memory as ptoas plans it"
                f"{beside}, {target.name} has {size}"
            )
            raise DoesNotFit(space, why, planned.table(), function.location)


@dataclass(frozen=True)
class PtoLowerPass(ModulePass):
    """Lower every function in value form.

    `chip` is taken from the module's `pto.target_arch` unless given; `level` is `level3` (addresses
    assigned here) or `level2` (left to the assembler); `auto` is that of the text which was raised, or
    `level3`. With `form=input` only functions that were raised are lowered, and those in which nothing was
    rewritten, unless for another level, or that do not fit into memory, come back as they were read.
    """

    name = "pto-lower"
    chip: str | None = None
    ptoas: str | float = LATEST
    level: Level | Literal["auto"] = "level3"
    """whether tiles have addresses (level3) or ptoas plans the memory (level2); auto is that of the text that
    was raised"""
    form: LoweredAs = "buffer"
    """which functions: all (buffer), or those that were read in buffer form (input), which come back as they
    were read where nothing was rewritten and no other level is asked for"""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        helpers = [helper for origin, _ in by_origin(op) for helper in origin.helpers]
        if self.form == "input":
            for origin, functions in by_origin(op):
                self.bring_back(origin, functions)
            drop_inlined(op, dict.fromkeys(helpers))
            return
        for function in functions_of(op):
            if JOINED in function.attributes:
                name = function.sym_name.data
                why = "it is the two functions of a mixed kernel seen as one; run pto-split-mixed first"
                refused(function, f"'{name}' stays in value form: {why}", "mixed kernel not split")
                continue
            self.lower(function, take_origin(function))
        drop_inlined(op, dict.fromkeys(helpers))

    def lower(self, function: func.FuncOp, origin: Origin | None) -> None:
        level = self.level
        if level == "auto":
            level = origin.level if origin is not None else "level3"
        lower_function(function, chip_for(function, self.chip).name, self.ptoas, level)

    def bring_back(self, origin: Origin, functions: list[func.FuncOp]) -> None:
        """Lower what was made of one text, or put back what was read, unless another level is asked for. The
        two functions of a mixed kernel that are seen as one cannot be lowered.
        """
        joined = any(JOINED in function.attributes for function in functions)
        if not origin.rewritten and (joined or self.level in ("auto", origin.level)):
            restore(origin, functions)
            return
        try:
            for function in functions:
                with about(function.sym_name.data):
                    self.lower(function, origin)
        except DoesNotFit as problem:
            when = "rewritten" if origin.rewritten else f"at {self.level}"
            give_up(origin, functions, functions[0], f"{when}, {problem.why}", "does not fit")
            return
        for function in functions:
            take_origin(function)
