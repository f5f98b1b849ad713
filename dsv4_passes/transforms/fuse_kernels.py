"""Make one kernel of two that run one after the other, and hand values over without going through GM.

`concatenate` puts the second body behind the first, in the same block. `forward` then replaces each load
of a stage by what was stored there, found by lanes: a tile that holds them, a box of one, or several
side by side. What cannot be found is a `NotForwarded` with the load.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IndexType, IntegerAttr, StringAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.functions import Parameter, argument_attributes, parameters
from dialects.dsv4.opaque import MoveOp
from dialects.pto.attributes import RoundModeAttr
from dialects.pto.base import layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.memory import MakeTensorViewOp, PartitionViewOp, TLoadOp, TStoreOp
from dialects.pto.tiles import InsertOp, SubviewOp, UndefOp
from dialects.pto.types import TileLayout, TileType
from dsv4_passes.analysis.facts import facts_of
from dsv4_passes.analysis.lane_effects import Store
from dsv4_passes.analysis.lane_index import Ids, LaneIndex
from dsv4_passes.analysis.lanes import LaneContext, LaneRun, run_lanes

from .split_assembled import split_assembled
from .tidy import tidy
from .unroll import unroll_loops


class NotForwarded(Exception):
    """Why a load of a stage stays a load."""

    def __init__(self, load: Operation, why: str):
        super().__init__(why)
        self.load = load


@dataclass(frozen=True)
class Shared:
    """A parameter of the fused kernel: which parameters of the two it stands for, and its attributes."""

    name: str
    type: Attribute
    attributes: dict[str, Attribute]
    first: int | None
    second: int | None


def concatenate(first: func.FuncOp, second: func.FuncOp, shared: Sequence[Shared], name: str) -> func.FuncOp:
    """A function whose body is that of `first`, then that of `second`.

    `shared` says how their visible parameters map; hidden ones (block numbers, extents) are one each.
    """
    block = Block()
    maps: tuple[dict[SSAValue, SSAValue], dict[SSAValue, SSAValue]] = ({}, {})
    rows: list[dict[str, Attribute]] = []
    for parameter in shared:
        argument = block.insert_arg(parameter.type, len(block.args))
        argument.name_hint = parameter.name
        rows.append(parameter.attributes)
        for side, index, function in ((0, parameter.first, first), (1, parameter.second, second)):
            if index is not None:
                maps[side][function.body.block.args[index]] = argument
    known: dict[str, SSAValue] = {}
    for side, function in ((0, first), (1, second)):
        for parameter in parameters(function):
            if parameter.hidden is None:
                continue
            key = f"{parameter.hidden} {parameter.name if parameter.hidden == 'dim' else ''}"
            old = function.body.block.args[parameter.index]
            if key not in known:
                known[key] = argument = block.insert_arg(old.type, len(block.args))
                argument.name_hint = old.name_hint
                rows.append(argument_attributes(function, parameter.index))
            maps[side][old] = known[key]
    for side, function in ((0, first), (1, second)):
        _copy_body(function, block, maps[side])
    block.add_op(func.ReturnOp())
    fused = func.FuncOp(
        name,
        ([a.type for a in block.args], []),
        Region(block),
        arg_attrs=ArrayAttr([DictionaryAttr(row) for row in rows]),
    )
    fused.location = first.location
    for key in ("dsv4.role", "dsv4.decorator"):
        if (attr := first.attributes.get(key)) is not None:
            fused.attributes[key] = attr
    return fused


def _copy_body(function: func.FuncOp, into: Block, mapping: dict[SSAValue, SSAValue]) -> None:
    for op in function.body.block.ops:
        if isinstance(op, func.ReturnOp):
            continue
        copy = op.clone(mapping)
        for a, b in zip(op.walk(), copy.walk(), strict=True):
            b.location = a.location
        into.add_op(copy)


def argument_behind(view: SSAValue) -> SSAValue | None:
    """The pointer argument a view looks at."""
    op = view.owner
    if isinstance(op, PartitionViewOp):
        op = op.source.owner
    return op.ptr if isinstance(op, MakeTensorViewOp) else None


def accesses(function: func.FuncOp, argument: SSAValue) -> Iterator[TLoadOp | TStoreOp]:
    """Loads from and stores to one pointer argument."""
    for op in function.walk():
        if isinstance(op, TLoadOp) and argument_behind(op.ins[0]) is argument:
            yield op
        elif isinstance(op, TStoreOp) and argument_behind(op.outs[0]) is argument:
            yield op


def forward(function: func.FuncOp, stages: Sequence[SSAValue]) -> None:
    """Replace every load of the stages by stored values and drop their stores.

    Short loops around such accesses are unrolled first: a value inside a loop is not one value.
    """
    unroll_loops(
        function, lambda loop: any(a.parent_op() is loop for s in stages for a in accesses(function, s))
    )
    for stage in stages:
        while (
            load := next((a for a in accesses(function, stage) if isinstance(a, TLoadOp)), None)
        ) is not None:
            run = run_lanes(function, selectors=facts_of(function), context=LaneContext())
            value = stored_value(function, run, stage, load)
            load.res[0].replace_all_uses_with(value)
            load.detach()
            load.erase()
        for store in list(accesses(function, stage)):
            store.detach()
            store.erase()
    split_assembled(function)
    tidy(function)


def stored_value(function: func.FuncOp, run: LaneRun, stage: SSAValue, load: TLoadOp) -> SSAValue:
    """What the load would read, from the tiles that were stored, in the load's memory."""
    index = LaneIndex(function, run)
    ids = index.ids(load.res[0])
    if ids is None or len(ids) != 1:
        raise NotForwarded(load, "it is in a loop, or not all of its lanes are valid")
    stores = [s for s in run.stores if argument_behind(s.op.operands[-1]) is stage]
    if not all(index.visible(s.op.operands[0], load) for s in stores):
        raise NotForwarded(load, "what it reads is stored in a loop or a branch")
    return assemble(load, ids[0], stores)


def assemble(load: TLoadOp, wanted: Ids, stores: Sequence[Store]) -> SSAValue:
    """The wanted lanes from boxes of stored tiles: one box if possible, else several put together.

    Each box is moved to the load's memory by itself.
    """
    target = layout_of(load.res[0])
    pieces: list[tuple[int, int, SSAValue]] = []
    open_ = np.ones(wanted.shape, np.bool_)
    while open_.any():
        row, col = (int(i) for i in np.argwhere(open_)[0])
        found = next((b for s in stores if (b := box_from(wanted, row, col, s)) is not None), None)
        if found is None:
            raise NotForwarded(load, f"lane [{row}, {col}] of what it reads is not stored in the same block")
        source, (at_row, at_col), (height, width) = found
        piece = cut(load, source, at_row, at_col, height, width)
        pieces.append((row, col, moved(load, piece, target)))
        open_[row : row + height, col : col + width] = False
    if len(pieces) == 1:
        return pieces[0][2]
    undef = UndefOp(TileType(target))
    _insert(load, undef)
    whole: SSAValue = undef.res
    for row, col, piece in pieces:
        insert = InsertOp(piece, whole, _index(load, row), _index(load, col))
        _insert(load, insert)
        whole = insert.res
    return whole


def moved(load: TLoadOp, value: SSAValue, target: TileLayout) -> SSAValue:
    """A tile in the memory and layout of another, whose box it is."""
    rows, cols = layout_of(value).shape
    result = TileType(target._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols))
    if value.type == result:
        return value
    move = MoveOp(value, result)
    _insert(load, move)
    return move.res


def box_from(
    wanted: Ids, row: int, col: int, store: Store
) -> tuple[SSAValue, tuple[int, int], tuple[int, int]] | None:
    """The largest box of a stored tile that continues the wanted lanes at `[row, col]`."""
    for at_row, at_col in np.argwhere(store.ids == wanted[row, col])[:4]:
        height = min(wanted.shape[0] - row, store.ids.shape[0] - at_row)
        width = min(wanted.shape[1] - col, store.ids.shape[1] - at_col)
        same = (
            wanted[row : row + height, col : col + width]
            == store.ids[at_row : at_row + height, at_col : at_col + width]
        )
        if same.all():
            return store.op.operands[0], (int(at_row), int(at_col)), (int(height), int(width))
    return None


def cut(load: TLoadOp, source: SSAValue, row: int, col: int, rows: int, cols: int) -> SSAValue:
    """A box of a stored tile, as a store would have written it: the tile itself where it is all of it."""
    layout = layout_of(source)
    if (row, col, rows, cols) != (0, 0, *layout.shape):
        piece = TileType(layout._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols))
        op = SubviewOp(source, [_index(load, row), _index(load, col)], (rows, cols), piece)
        _insert(load, op)
        source, layout = op.res, layout_of(op.res)
    want = layout_of(load.res[0]).dtype
    if layout.dtype != want:
        source = _converted(load, source, want)
    return source


def _converted(load: TLoadOp, source: SSAValue, want: str) -> SSAValue:
    """What a converting store (from the accumulator, to nearest even) writes, as an operation."""
    layout = layout_of(source)
    if layout.dtype != "f32" or want not in ("bf16", "f16"):
        raise NotForwarded(load, f"the store converts {layout.dtype} to {want}")
    plain = TileLayout("vec", layout.rows, layout.cols, layout.dtype, *layout.shape)
    move = MoveOp(source, TileType(plain))
    _insert(load, move)
    result = TileType(plain._replace(dtype=want))
    convert = TCvtOp([move.res], result=result, properties={"rmode": RoundModeAttr("RINT")})
    _insert(load, convert)
    return convert.res[0]


def _index(before: Operation, value: int) -> SSAValue:
    op = arith.ConstantOp(IntegerAttr(value, IndexType()))
    op.result.name_hint = f"c{value}_index"
    _insert(before, op)
    return op.result


def _insert(before: Operation, op: Operation) -> None:
    op.location = before.location
    Rewriter.insert_op(op, InsertPoint.before(before))


def merge_parameters(
    first: func.FuncOp,
    second: func.FuncOp,
    pairs: Mapping[int, int],
    directions: Mapping[tuple[int | None, int | None], Attribute],
) -> list[Shared]:
    """Parameters of the fused kernel: those of `first`, then those of `second` that are not among them.

    `pairs` maps parameters of `second` to those of `first` that are the same tensor.
    """
    taken: set[str] = set()

    def shared(parameter: Parameter, function: func.FuncOp, a: int | None, b: int | None) -> Shared:
        name, number = parameter.name, 1
        while name in taken:
            name, number = f"{parameter.name}_{number}", number + 1
        taken.add(name)
        attributes = argument_attributes(function, parameter.index) | {"dsv4.name": StringAttr(name)}
        if (direction := directions.get((a, b))) is not None:
            attributes["dsv4.direction"] = direction
        return Shared(name, function.body.block.args[parameter.index].type, attributes, a, b)

    back = {a: b for b, a in pairs.items()}
    rows = [shared(p, first, p.index, back.get(p.index)) for p in parameters(first) if p.hidden is None]
    rows += [
        shared(p, second, None, p.index)
        for p in parameters(second)
        if p.hidden is None and p.index not in pairs
    ]
    return rows
