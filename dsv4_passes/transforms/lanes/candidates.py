"""Gathers and scatters by mask that hold given lanes.

`source(index, ids, before)` looks for the cheapest way to have the lanes `ids` as an f32 tile in vector
memory in front of an operation: a value that holds them, a part of one, every second lane, or several of
these side by side. `interleavings` puts two such sources together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from dialects.pto.moves import TMovOp
from dialects.pto.tiles import InsertOp, SubviewOp, UndefOp
from dialects.pto.types import TileType
from dsv4_passes.transforms.common.lane_index import Ids, LaneIndex

from .adjacent_loads import adjacent_loads, load_together
from .builder import Builder, index_constant, layout_of
from .checked_rewrite import Candidate, CheckedRewrite
from .forms.scatter_pair import PATTERNS, Build, gather, interleave, plus_zero, scatter, vec_type

SEGMENTS = (2, 4, 8)
PLACES = ("vec", "mat", "left", "right")


@dataclass(frozen=True)
class Selection:
    """A way to have some lanes: what it is called in remarks, and how it is built."""

    what: str
    build: Build
    half: tuple[SSAValue, int] | None = None
    """The value of which these are the even (0) or odd (1) lanes."""


def source(index: LaneIndex, ids: Ids, before: Operation) -> Selection | None:
    """The cheapest form that holds these lanes, the sign of zeros aside; None if nothing does."""
    if (found := _single(index, ids, before)) is not None:
        return found
    for count in SEGMENTS:
        width, rest = divmod(ids.shape[2], count)
        if rest or width < 2:
            continue
        parts = [_single(index, ids[:, :, i * width : (i + 1) * width], before) for i in range(count)]
        if all(part is not None for part in parts):
            if (found := _of_one_load(index, [p.half for p in parts if p is not None], before)) is not None:
                return found
            forms = [part.build for part in parts if part is not None]
            what = " | ".join(dict.fromkeys(part.what for part in parts if part is not None))
            return Selection(f"{count} times {what}, side by side", lambda b: side_by_side(b, forms))
    return None


def interleavings(checked: CheckedRewrite, value: SSAValue) -> Iterator[Candidate]:
    """Forms for a value whose even and odd lanes can be had."""
    ids = checked.index.ids(value)
    anchor = value.owner
    if ids is None or ids.shape[2] % 2:
        return
    assert isinstance(anchor, Operation)
    even, odd = ids[:, :, 0::2], ids[:, :, 1::2]
    for lane, half, other in ((0, even, odd), (1, odd, even)):
        if checked.is_zero(other) and not checked.is_zero(half):
            if (found := source(checked.index, half, anchor)) is not None:
                what, pattern = f"raw mask scatter {PATTERNS[lane]}", PATTERNS[lane]
                yield Candidate(what, lambda b: scatter(b, found.build(b), pattern))
                yield Candidate(f"{what} + 0", lambda b: plus_zero(b, scatter(b, found.build(b), pattern)))
            return
    bare = checked.unrounded(even), checked.unrounded(odd)
    for halves, drops in ((bare, True), ((even, odd), False)):
        if halves[0] is None or halves[1] is None:
            continue
        first, second = (source(checked.index, half, anchor) for half in (halves[0], halves[1]))
        if first is None or second is None:
            continue
        for how in ("tadd", "tor"):
            yield Candidate(
                f"two raw mask scatters merged by {how}",
                lambda b, e=first, o=second, how=how: interleave(b, e.build(b), o.build(b), how),
                drops,
            )


def _single(index: LaneIndex, ids: Ids, before: Operation) -> Selection | None:
    """Lanes of one known value: all of them, a stretch of each row, or every second one."""
    for value in best(index.same(ids, before)):
        return Selection("the value itself", lambda b, v=value: b.f32_in_vec(v))
    for value, lane in best_halves(index.whole(ids, before)):
        what = f"mask gather {PATTERNS[lane]}"
        return Selection(
            what, lambda b, v=value, p=PATTERNS[lane]: gather(b, b.f32_in_vec(v), p), (value, lane)
        )
    for value, col in index.slices(ids, before):
        if layout_of(value).loc == "vec":
            width = ids.shape[2]
            return Selection("a slice", lambda b, v=value, c=col, w=width: columns(b, v, c, w))
    return None


def _of_one_load(
    index: LaneIndex, halves: Sequence[tuple[SSAValue, int] | None], before: Operation
) -> Selection | None:
    """Halves of tiles that were loaded from side by side: one load of them all, one gather."""
    known = [half for half in halves if half is not None]
    if len(known) < len(halves) or len({lane for _, lane in known}) != 1:
        return None
    loads = adjacent_loads([value for value, _ in known])
    if loads is None or not index.visible(loads[0].res[0], before):
        return None
    pattern = PATTERNS[known[0][1]]
    return Selection(
        f"mask gather {pattern} of one load in place of {len(loads)}",
        lambda b: gather(b, b.f32_in_vec(load_together(b, loads)), pattern),
    )


def rank(value: SSAValue) -> tuple[int, int]:
    """Cheapest first: what is in vector memory, and as f32."""
    layout = layout_of(value)
    return PLACES.index(layout.loc) if layout.loc in PLACES else len(PLACES), int(layout.dtype != "f32")


def reachable(value: SSAValue) -> bool:
    """Not in the accumulator: the replacement must not rest on what is to be replaced."""
    return layout_of(value).loc in PLACES


def best(values: Iterator[SSAValue]) -> list[SSAValue]:
    return sorted(filter(reachable, values), key=rank)[:1]


def best_halves(values: Iterator[tuple[SSAValue, int]]) -> list[tuple[SSAValue, int]]:
    return sorted((pair for pair in values if reachable(pair[0])), key=lambda pair: rank(pair[0]))[:1]


def columns(builder: Builder, value: SSAValue, col: int, width: int) -> SSAValue:
    """A stretch of columns as a tile of its own."""
    layout = layout_of(value)
    piece = TileType(layout._replace(cols=width, valid_cols=width))
    window = SubviewOp(
        value, [index_constant(builder, 0), index_constant(builder, col)], (layout.rows, width), piece
    )
    builder.add(window)
    copy = TMovOp([window.res], result=piece)
    builder.add(copy)
    return builder.f32_in_vec(copy.res[0])


def side_by_side(builder: Builder, parts: Sequence[Callable[[Builder], SSAValue]]) -> SSAValue:
    """Tiles of equal width next to each other in one tile."""
    values = [part(builder) for part in parts]
    layout = layout_of(values[0])
    undef = UndefOp(vec_type(layout.rows, layout.cols * len(values)))
    builder.add(undef)
    whole: SSAValue = undef.res
    for number, value in enumerate(values):
        insert = InsertOp(
            value, whole, index_constant(builder, 0), index_constant(builder, number * layout.cols)
        )
        builder.add(insert)
        whole = insert.res
    return whole
