"""Convert two tiles at once, where one can lie behind the other.

    %e = tsub …                                   %e = tsub …;  %o = tadd …          (next to each other)
    %o = tadd …                                   %b = %e above %o : 32x64
    %e16 = tcvt %e;  %o16 = tcvt %o         =>    %b16 = tcvt %b
    %ef = tcvt %e16;  %of = tcvt %o16             %bf = tcvt %b16
    tor (tshrs %ef, 16), %of                      tor (tshrs %bf[0, 0], 16), %bf[16, 0]

Every vector operation has a head and a tail that cost as much as twenty repeats; one on twice the rows pays
them once. Taken together are conversions of one kind, and what follows each of them alike, whose results meet
again. Legal because the operations work lane by lane; an operand is written straight into its part of the
tile, so it must have no other use.
"""

from collections.abc import Iterator, Sequence

from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from dialects.pto.base import TileOp, layout_of
from dialects.pto.broadcast import TColExpandOp
from dialects.pto.convert import TCvtOp
from dialects.pto.elementwise import BinaryOp, ScalarOp, UnaryOp
from dialects.pto.memory import TLoadOp
from dialects.pto.tiles import BitcastOp, InsertOp, ReinterpretOp, ReshapeOp, SubviewOp, UndefOp
from dialects.pto.types import TileLayout, TileType

from .builder import Builder, index_constant

VIEWS = (ReshapeOp, ReinterpretOp, BitcastOp)
COMPUTED = (BinaryOp, ScalarOp, UnaryOp)
WRITERS = (*COMPUTED, TLoadOp)
"""Operations that can write into a part of a tile."""
NEAR = 3
"""Results meet where operations so many steps behind them are the same."""

TileView = ReshapeOp | ReinterpretOp | BitcastOp
Step = TileOp | TileView


def convert_adjacent_tiles(function: func.FuncOp, loaded: bool = True) -> bool:
    """Take conversions together wherever two of a kind are found; whether there were any.

    One conversion of two tiles that are `loaded` waits for both; without, only what is computed is joined.
    """
    writers = WRITERS if loaded else COMPUTED
    found = False
    for block in [block for op in function.walk() for region in op.regions for block in region.blocks]:
        places = {op: number for number, op in enumerate(block.ops)}
        done: set[Operation] = set()
        conversions = [op for op in block.ops if isinstance(op, TCvtOp) and op.res and not _is_f16(op)]
        for first in conversions:
            for second in conversions:
                if places[second] <= places[first] or not done.isdisjoint((first, second)):
                    continue
                chains = _chains(first, second)
                if (reader := _first_reader(chains, places, writers)) is not None:
                    done.update(op for chain in chains for op in chain)
                    _join(chains, reader)
                    found = True
    return found


def _chains(first: Operation, second: Operation) -> tuple[list[Step], list[Step]]:
    """What is done to two values alike, from the views in front of their conversions on."""
    chains: tuple[list[Step], list[Step]] = ([], [])
    ops = [first, second]
    while all(isinstance(op.operands[0].owner, VIEWS) for op in ops) and _alike(
        *(before := [op.operands[0].owner for op in ops])
    ):
        if any(only_user(view.results[0]) is None for view in before if isinstance(view, Operation)):
            break
        ops = [op for op in before if isinstance(op, Operation)]
    while _alike(*ops):
        for chain, op in zip(chains, ops, strict=True):
            assert isinstance(op, (TileOp, *VIEWS))
            chain.append(op)
        users = [only_user(op.results[0]) for op in ops]
        if users[0] is None or users[1] is None or users[0] is users[1]:
            break
        ops = [user for user in users if user is not None]
    return chains


def _is_f16(op: TCvtOp) -> bool:
    """f16 halves are seen as bf16 to be put together; raising does not find them in a common tile."""
    return "f16" in (layout_of(op.ins[0]).dtype, layout_of(op.res[0]).dtype)


def only_user(value: SSAValue) -> Operation | None:
    """The operation that uses a value, if there is one use."""
    users = [use.operation for use in value.uses]
    return users[0] if len(users) == 1 else None


def _alike(one: object, other: object) -> bool:
    """The same operation on one tile, lane by lane, or the same view; whole tiles in rows."""
    if type(one) is not type(other) or not isinstance(one, (TCvtOp, ScalarOp, UnaryOp, *VIEWS)):
        return False
    assert isinstance(other, Operation)
    tiles = [one.operands[0], *one.results], [other.operands[0], *other.results]
    return (
        [v.type for v in tiles[0]] == [v.type for v in tiles[1]]
        and all(_plain(v) for v in tiles[0])
        and list(one.operands[1:]) == list(other.operands[1:])
        and one.properties == other.properties
    )


def _plain(value: SSAValue) -> bool:
    if not isinstance(value.type, TileType):
        return False
    layout = value.type.data
    where = layout.loc, layout.blayout, layout.slayout
    return layout.full and where == ("vec", "row_major", "none_box")


def _first_reader(
    chains: Sequence[Sequence[Step]], places: dict[Operation, int], writers: tuple[type[TileOp], ...]
) -> Operation | None:
    """Who first reads one of the results, if the values can be written next to each other before it and the
    results meet.
    """
    if not all(chains) or chains[0][0].operands[0] is chains[1][0].operands[0]:
        return None
    ready = 0
    for chain in chains:
        writer = chain[0].operands[0].owner
        while isinstance(writer, VIEWS):
            ready = max(ready, places.get(writer, 0))
            writer = writer.source.owner
        if not isinstance(writer, writers) or writer not in places:
            return None
        owners = [v.owner for step in chain for v in step.operands[1:]]
        ready = max(places[writer], ready, *(places.get(o, 0) for o in owners if isinstance(o, Operation)))
    uses = [use.operation for chain in chains for use in chain[-1].results[0].uses]
    readers = [reader for user in uses if (reader := _in_block(user, places)) is not None]
    ahead = [set(_ahead(chain[-1], NEAR)) for chain in chains]
    if not readers or not ahead[0] & ahead[1] or chains[0][-1] in ahead[1]:
        return None
    first = min(readers, key=lambda op: places[op])
    return first if places[first] > ready else None


def _in_block(op: Operation | None, places: dict[Operation, int]) -> Operation | None:
    """The operation of the block that another one is or stands in."""
    while op is not None and op not in places:
        op = op.parent_op()
    return op


def _ahead(op: Operation, steps: int) -> Iterator[Operation]:
    """The operations that read what an operation makes, up to some steps on; a row that is repeated
    (full_broadcasts.py) is none.
    """
    for use in op.results[0].uses:
        yield use.operation
        left = steps if _repeats(use.operation) else steps - 1
        if left and use.operation.results:
            yield from _ahead(use.operation, left)


def _repeats(op: Operation) -> bool:
    return isinstance(op, TColExpandOp) or (
        isinstance(op, ReshapeOp) and isinstance(op.source.owner, TColExpandOp)
    )


def _join(chains: Sequence[Sequence[Step]], before: Operation) -> None:
    """Put one chain on a tile of both values in the place of two."""
    builder = Builder(before, instead_of=chains[1][-1])
    roots = [chain[0].operands[0] for chain in chains]
    value = _one_above_the_other(builder, roots)
    for step in chains[0]:
        layout = _doubled(layout_of(step.results[0]))
        if isinstance(step, VIEWS):
            again: Operation = type(step)(value, TileType(layout))
        else:
            properties = {n: a for n, a in step.properties.items() if n != "operandSegmentSizes"}
            again = type(step)([value, *step.operands[1:]], result=TileType(layout), properties=properties)
        builder.add(again)
        value = again.results[0]
        value.name_hint = step.results[0].name_hint
    for number, chain in enumerate(chains):
        old = chain[-1].results[0]
        layout = layout_of(old)
        offsets = [index_constant(builder, number * layout.rows), index_constant(builder, 0)]
        part = SubviewOp(value, offsets, (layout.rows, layout.cols), old.type)
        builder.add(part)
        old.replace_all_uses_with(part.res)
        for step in reversed(chain):
            Rewriter.erase_op(step)


def _doubled(layout: TileLayout) -> TileLayout:
    return layout._replace(rows=2 * layout.rows, valid_rows=2 * layout.rows)


def _one_above_the_other(builder: Builder, parts: Sequence[SSAValue]) -> SSAValue:
    layout = layout_of(parts[0])
    undef = UndefOp(TileType(_doubled(layout)))
    builder.add(undef)
    whole: SSAValue = undef.res
    for number, part in enumerate(parts):
        row, col = index_constant(builder, number * layout.rows), index_constant(builder, 0)
        insert = InsertOp(part, whole, row, col)
        builder.add(insert)
        whole = insert.res
    return whole
