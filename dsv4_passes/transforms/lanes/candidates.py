"""Gathers and scatters by mask that hold given lanes.

`Selections(index, before).source(ids)` looks for the cheapest way to have the lanes `ids` in vector memory in
front of an operation: a value that holds them, a part of one, every second lane, or several of these side by
side. `interleavings` puts two such sources together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from dialects.pto.base import layout_of
from dsv4_passes.interpreter.numerics import computes_as_float
from dsv4_passes.transforms.common.lane_index import Ids, LaneIndex

from .adjacent_loads import adjacent_loads, load_together
from .builder import PLACES, Builder, equal_parts
from .checked_rewrite import Candidate, CheckedRewrite
from .forms.scatter_pair import PATTERNS, gather, interleave, scatter
from .lane_values import Build, columns, plus_zero, side_by_side


@dataclass(frozen=True)
class Selection:
    """A way to have some lanes: what it is called in remarks, and how it is built."""

    what: str
    build: Build
    half: tuple[SSAValue, int] | None = None
    """The value of which these are the even (0) or odd (1) lanes."""


class Selections:
    """Looks for lanes, as a tile of an element type in vector memory, in front of an operation.

    As f32 any short float is widened, which is exact; in another type only tiles of that type serve.
    """

    def __init__(self, index: LaneIndex, before: Operation, dtype: str = "f32"):
        self.index, self.before, self.dtype = index, before, dtype

    def source(self, ids: Ids) -> Selection | None:
        """The cheapest form that holds these lanes, the sign of zeros aside; None if nothing does."""
        if (found := self.single(ids)) is not None:
            return found
        for count, width in equal_parts(ids.shape[2]):
            if (found := self.pieces(ids, count, width)) is not None:
                return found
        return None

    def single(self, ids: Ids) -> Selection | None:
        """Lanes of one known value: all of them, a stretch of each row, or every second one."""
        values = filter(self.usable, self.index.same(ids, self.before))
        if (value := min(values, key=self.rank, default=None)) is not None:
            return Selection("the value itself", lambda b: self.fetch(b, value))
        pairs = (pair for pair in self.index.whole(ids, self.before) if self.usable(pair[0]))
        if (pair := min(pairs, key=lambda pair: self.rank(pair[0]), default=None)) is not None:
            of, lane = pair
            pattern = PATTERNS[lane]
            what = f"mask gather {pattern}"
            return Selection(what, lambda b: gather(b, self.fetch(b, of), pattern), pair)
        for value, col in self.index.slices(ids, self.before):
            if layout_of(value).loc == "vec" and self.usable(value):
                width = ids.shape[2]
                return Selection("a slice", lambda b: self.fetch(b, columns(b, value, col, width)))
        return None

    def pieces(self, ids: Ids, count: int, width: int) -> Selection | None:
        """Parts of each row from different values, put side by side."""
        found = [self.single(ids[:, :, i * width : (i + 1) * width]) for i in range(count)]
        parts = [part for part in found if part is not None]
        if len(parts) < count:
            return None
        if (one := self.of_one_load([part.half for part in parts])) is not None:
            return one
        forms = [part.build for part in parts]
        what = " | ".join(dict.fromkeys(part.what for part in parts))
        return Selection(f"{count} times {what}, side by side", lambda b: side_by_side(b, forms))

    def of_one_load(self, halves: Sequence[tuple[SSAValue, int] | None]) -> Selection | None:
        """Halves of tiles that were loaded from side by side: one load of them all, one gather."""
        known = [half for half in halves if half is not None]
        if len(known) < len(halves) or len({lane for _, lane in known}) != 1:
            return None
        loads = adjacent_loads([value for value, _ in known])
        if loads is None or not self.index.visible(loads[0].res[0], self.before):
            return None
        pattern = PATTERNS[known[0][1]]
        return Selection(
            f"mask gather {pattern} of one load in place of {len(loads)}",
            lambda b: gather(b, self.fetch(b, load_together(b, loads)), pattern),
        )

    def fetch(self, builder: Builder, value: SSAValue) -> SSAValue:
        """The lanes of a value in vector memory, in the element type that is wanted."""
        return builder.f32_in_vec(value) if self.dtype == "f32" else builder.in_vec(value)

    def usable(self, value: SSAValue) -> bool:
        """Not in the accumulator, as a replacement must not rest on what is replaced; of the right type."""
        layout = layout_of(value)
        return layout.loc in PLACES and self.dtype in ("f32", layout.dtype)

    def rank(self, value: SSAValue) -> tuple[int, int]:
        """Cheapest first: what is in vector memory, and of the type that is wanted."""
        layout = layout_of(value)
        return PLACES.index(layout.loc), int(layout.dtype != self.dtype)


def interleavings(checked: CheckedRewrite, value: SSAValue) -> Iterator[Candidate]:
    """Scatters by mask for a value whose even and odd lanes can be had: in its own element type, which moves
    the fewest bytes, then as f32.
    """
    layout = layout_of(value)
    if layout.loc == "vec" and layout.dtype != "f32":
        yield from _interleavings(checked, value, layout.dtype)
    yield from _interleavings(checked, value, "f32")


def _interleavings(checked: CheckedRewrite, value: SSAValue, dtype: str) -> Iterator[Candidate]:
    ids = checked.index.ids(value)
    anchor = value.owner
    if ids is None or ids.shape[2] % 2:
        return
    assert isinstance(anchor, Operation)
    selections = Selections(checked.index, anchor, dtype)
    even, odd = ids[:, :, 0::2], ids[:, :, 1::2]
    for lane, half, other in ((0, even, odd), (1, odd, even)):
        if checked.is_zero(other) and not checked.is_zero(half):
            if (found := selections.source(half)) is not None:
                what, pattern = f"raw mask scatter {PATTERNS[lane]}", PATTERNS[lane]
                yield Candidate(what, lambda b: scatter(b, found.build(b), pattern))
                if computes_as_float(dtype):
                    yield Candidate(
                        f"{what} + 0", lambda b: plus_zero(b, scatter(b, found.build(b), pattern))
                    )
            return
    bare = checked.unrounded(even), checked.unrounded(odd)
    for halves, drops in ((bare, True), ((even, odd), False)):
        if halves[0] is None or halves[1] is None:
            continue
        first, second = selections.source(halves[0]), selections.source(halves[1])
        if first is None or second is None:
            continue
        for how in ("tadd", "tor"):
            yield Candidate(
                f"two raw mask scatters merged by {how}",
                lambda b, e=first, o=second, how=how: interleave(b, e.build(b), o.build(b), how),
                drops,
            )
