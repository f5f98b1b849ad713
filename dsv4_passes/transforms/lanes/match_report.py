"""Why a site was not raised: how far the match got, and what would lift it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from dialects.pto.base import layout_of
from dialects.pto.convert import TSelOp, TSelsOp
from dialects.pto.elements import element_bits
from dialects.pto.lanes import TGatherOp, TScatterOp
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.interpreter.numerics import computes_as_float
from dsv4_passes.transforms.common.lane_index import Ids
from dsv4_passes.transforms.facts.selections import DENSE, describe

from .checked_rewrite import CheckedRewrite
from .index_facts import unknown_index
from .lane_sources import Finder, named
from .products import is_site as is_product
from .products import loaded_by, products, unknown
from .stays import MissingFacts, say_stays


def refuse(
    checked: CheckedRewrite | None,
    function: func.FuncOp,
    value: SSAValue,
    reasons: Sequence[str],
    missing: MissingFacts,
) -> int:
    """Say why a site stays, or note it where a fact is missing. Nothing is said of a product that selects
    nothing, nor of an operation that may do more than move lanes; the number of such products, 0 or 1, is
    returned.
    """
    op, layout = value.owner, layout_of(value)
    assert isinstance(op, Operation)
    product = layout.loc == "acc" or is_product(value)
    if not product and not isinstance(op, (TGatherOp, TScatterOp, TSelOp, TSelsOp)):
        return 0
    found = unknown(function, value) if product else unknown_index(function, value)
    if found is not None and product and f" {DENSE}" in found[0]:
        return 1
    known = facts_of(function)
    selects = any(loaded_by(op.rhs) in known for op in products(value))
    if found is None and (checked is None or (product and not reasons and not selects)):
        return 1
    reason = "not a selection" if product else "not a pair of halves"
    otherwise = ("" if checked is None else how_far(checked, value)), reason
    site = f"'{op.name}' of {layout.rows}x{layout.cols}"
    if found is not None:
        missing.note(op, site, found)
    else:
        say_stays(value, site, None, reasons, otherwise)
    return 0


def how_far(checked: CheckedRewrite, value: SSAValue) -> str:
    """A description of its lanes, as far as they are known."""
    ids = checked.index.ids(value)
    if ids is None:
        return _not_whole(checked, value)
    finder = Finder(checked, value)
    if (text := _of_one_value(checked, finder, ids)) is not None:
        return text
    if ids.shape[2] % 2:
        return f"it has {ids.shape[2]} columns, which make no pairs"
    halves = [finder.source(ids[:, :, lane::2]) for lane in (0, 1)]
    for name, other, half in (("even", "odd", halves[0]), ("odd", "even", halves[1])):
        if half is not None:
            return f"its {name} lanes are {half.what}, its {other} lanes are not those of a known value"
    return "its even and odd lanes are not those of known values"


def _not_whole(checked: CheckedRewrite, value: SSAValue) -> str:
    tiles = checked.run.instances.get(value)
    if not tiles:
        return "it was not reached when the function was followed"
    layout = tiles[0].layout
    if any(tile.valid[1] != layout.cols for tile in tiles):
        return f"only {tiles[0].valid[1]} of its {layout.cols} columns are valid, and pairs need all of a row"
    if any(tile.valid[0] != tiles[0].valid[0] for tile in tiles):
        return "it has other valid rows in other trips of a loop"
    return "not all of its lanes are known: some were never written"


def _of_one_value(checked: CheckedRewrite, finder: Finder, ids: Ids) -> str | None:
    """`it picks lanes 0, 4, 8 … of 64` where the lanes of each row are those of a row of one value."""
    index, wanted = checked.index, layout_of(finder.site).dtype
    seen: dict[str, Ids] = {wanted: index.strip(ids)}
    for value, lanes in index.plain.items():
        if value is finder.site or not index.visible(value, finder.before):
            continue
        if lanes.shape[:2] != ids.shape[:2] or lanes.shape[2] < 2:
            continue
        places = _places(lanes, seen[wanted])
        if places is not None:
            return f"it {_picked(places, lanes.shape[2])}, of {named(value)}{_in_type(value, finder.site)}"
        dtype = layout_of(value).dtype
        one_width = element_bits(dtype) == element_bits(wanted)
        if one_width and computes_as_float(dtype) != computes_as_float(wanted):
            if dtype not in seen:
                seen[dtype] = index.strip(checked.context.domain.bitcast(ids, wanted, dtype))
            if (places := _places(lanes, seen[dtype])) is not None:
                picked = f"it {_picked(places, lanes.shape[2])}, of {named(value)}"
                return f"{picked}, and takes their bits for {wanted}: lanes are moved in one type"
    return None


def _places(lanes: Ids, wanted: Ids) -> list[int] | None:
    """Which of some lanes those are that are wanted, in each row the same ones."""
    where = {int(term): i for i, term in enumerate(lanes[0, 0])}
    places = [where.get(int(term), -1) for term in wanted[0, 0]]
    found = min(places) >= 0 and np.array_equal(lanes[:, :, places], wanted)
    return places if found else None


def _picked(places: list[int], of: int) -> str:
    halves = {
        tuple(range(lane, of, 2)): f"picks the {name} lanes" for lane, name in enumerate(("even", "odd"))
    }
    return halves.get(tuple(places)) or describe(_one_hot(places, of))


def _in_type(value: SSAValue, site: SSAValue) -> str:
    """Another element type is what keeps lanes that would otherwise do."""
    have, want = layout_of(value).dtype, layout_of(site).dtype
    if have == want or (computes_as_float(have) and computes_as_float(want)):
        return ""
    return f", but as {want}, and nothing converts {have} to it lane by lane"


def _one_hot(places: Sequence[int], of: int) -> NDArray[np.float32]:
    """The matrix that picks these lanes."""
    matrix = np.zeros((of, len(places)), np.float32)
    matrix[list(places), np.arange(len(places))] = 1
    return matrix
