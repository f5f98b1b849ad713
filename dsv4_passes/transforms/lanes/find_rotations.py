"""Rotations of pairs, recognised by what each lane is.

A value is a rotation of `x` by tables `c` and `s` where its even lanes are `e*c - o*s` and its odd ones
`o*c + e*s` for the lanes `e` and `o` of each pair of `x`, or the inverse: in halves that are interleaved, or
over whole rows with the pairs exchanged. Products and sums commute, and a sign may stand at a lane, at the
sine or at the product; `a - b` is `a + (-b)`. Where no sign shows, it stands in the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from dialects.dsv4.lanes import RotatePairsOp
from dialects.pto.base import layout_of
from dsv4_passes.equivalence.terms import TermTable
from dsv4_passes.transforms.common.lane_index import Ids

from .builder import Builder, valid_of
from .checked_rewrite import Candidate, CheckedRewrite
from .lane_sources import Finder, LaneSource
from .lane_values import Build, as_type

FLAGS = {(True, False): None, (False, True): "inverse"}
"""By whether the product with the sine is subtracted, of the even and of the odd lanes."""


@dataclass(frozen=True)
class Turn:
    """What lanes are as rotations of others: the tables' lanes, and whether the second product is
    subtracted, each for all lanes of one parity.
    """

    cos: Ids
    sin: Ids
    minus: bool


def rotations(checked: CheckedRewrite, value: SSAValue) -> Iterator[Candidate]:
    """Ways to have a value as a rotation of another one."""
    ids = checked.index.ids(value)
    if ids is None or ids.shape[2] % 2 or layout_of(value).dtype != "f32":
        return
    finder = Finder(checked, value)
    for x, lanes in list(_rotated(checked, finder, ids)):
        turns = [_turn(finder.table, ids, lanes, parity) for parity in (0, 1)]
        if turns[0] is None or turns[1] is None:
            continue
        for tables, flag, what in _tables(finder, turns[0], turns[1]):
            text = f"a rotation{f' ({flag})' if flag else ''} by tables of {what}"
            yield Candidate(text, _build(x, tables, flag))


def _build(x: SSAValue, tables: tuple[Build, Build], flag: str | None) -> Build:
    def build(builder: Builder) -> SSAValue:
        cos, sin = (as_type(builder, table(builder), "f32") for table in tables)
        turned = as_type(builder, builder.in_vec(x), "f32")
        op = RotatePairsOp([turned, cos, sin], valid=valid_of(turned), flag=flag)
        builder.add(op)
        return op.res[0]

    return build


def _rotated(checked: CheckedRewrite, finder: Finder, ids: Ids) -> Iterator[tuple[SSAValue, Ids]]:
    """Values whose first pair is in the first two lanes as it would be if they were rotated."""
    table, index = finder.table, checked.index
    for value in list(index.plain):
        if value is finder.site or not finder.usable(value) or not index.visible(value, finder.before):
            continue
        lanes = index.ids(value)
        if lanes is None or lanes.shape != ids.shape:
            continue
        first = [int(term) for term in lanes[0, 0, :2]]
        if all(_parts(table, int(ids[0, 0, j]), first[j], first[1 - j]) for j in (0, 1)):
            yield value, lanes


def _turn(table: TermTable, ids: Ids, lanes: Ids, parity: int) -> Turn | None:
    """All lanes of one parity as a rotation of the pairs in `lanes`; None where one is not."""
    wanted, this, other = ids[:, :, parity::2], lanes[:, :, parity::2], lanes[:, :, 1 - parity :: 2]
    triples = np.stack([wanted.reshape(-1), this.reshape(-1), other.reshape(-1)], axis=1)
    unique, inverse = np.unique(triples, axis=0, return_inverse=True)
    parts: list[tuple[int, int, bool]] = []
    for row in unique.tolist():
        found = _parts(table, *row)
        if found is None or found[2] != (parts[0][2] if parts else found[2]):
            return None
        parts.append(found)
    at = inverse.reshape(wanted.shape)
    cos, sin = (np.array([part[i] for part in parts], np.int64)[at] for i in (0, 1))
    return Turn(cos, sin, parts[0][2])


def _parts(table: TermTable, term: int, this: int, other: int) -> tuple[int, int, bool] | None:
    """`c`, `s` and False where the term is `this*c + other*s`, True where it is `this*c - other*s`."""
    if table.head(term) != ("add",):
        return None
    summands = table.args(term)
    for first, second in (summands, summands[::-1]):
        cos, sin = _cofactor(table, first, this), _cofactor(table, second, other)
        if cos is not None and sin is not None and not cos[1]:
            return cos[0], sin[0], sin[1]
    return None


def _cofactor(table: TermTable, product: int, factor: int) -> tuple[int, bool] | None:
    """What a product has beside a factor, and whether the sign is turned."""
    (product, minus), (factor, turned) = _without_sign(table, product), _without_sign(table, factor)
    if table.head(product) != ("mul",) or factor not in (args := table.args(product)):
        return None
    return args[1 - args.index(factor)], minus != turned


def _without_sign(table: TermTable, term: int) -> tuple[int, bool]:
    return (table.args(term)[0], True) if table.head(term) == ("neg",) else (term, False)


def _tables(finder: Finder, even: Turn, odd: Turn) -> Iterator[tuple[tuple[Build, Build], str | None, str]]:
    """The tables of a rotation: half as wide where the lanes of a pair agree, of one row where all do."""
    flag = FLAGS.get((even.minus, odd.minus))
    alike = np.array_equal(even.cos, odd.cos) and np.array_equal(even.sin, odd.sin)
    signed = (even.minus, odd.minus) == (False, False)
    if not signed and even.minus == odd.minus:
        return
    if alike and not signed:
        yield from _found(finder, even.cos, even.sin, flag)
    woven = [np.stack(pair, axis=-1).reshape(finder_shape(even.cos)) for pair in _pairs(even, odd)]
    yield from _found(finder, woven[0], woven[1], "signed" if signed else flag)


def finder_shape(half: Ids) -> tuple[int, int, int]:
    """The shape of rows twice as wide."""
    trips, rows, cols = half.shape
    return trips, rows, 2 * cols


def _pairs(even: Turn, odd: Turn) -> tuple[tuple[Ids, Ids], tuple[Ids, Ids]]:
    return (even.cos, odd.cos), (even.sin, odd.sin)


def _found(
    finder: Finder, cos: Ids, sin: Ids, flag: str | None
) -> Iterator[tuple[tuple[Build, Build], str | None, str]]:
    """Both tables in rows of one kind: one row for all, or a row for each."""
    rows = [1] if all((t == t[:, :1]).all() for t in (cos, sin)) else []
    for count in (*rows, None):
        sources: list[LaneSource] = []
        for table in (cos, sin):
            source = _one_row(finder, table) if count else finder.source(table)
            if source is not None:
                sources.append(source)
        if len(sources) == 2:
            what = f"{cos.shape[2]} columns{' and one row' if count else ''}"
            yield (sources[0].build, sources[1].build), flag, what


def _one_row(finder: Finder, table: Ids) -> LaneSource | None:
    value = finder.whole(table[:, :1], rows=1)
    return None if value is None else LaneSource("a row", layout_of(value).dtype, lambda b: b.in_vec(value))
