"""What forms of lane moves rest on, one by one: a kernel where one precondition fails gets another form, or
stays, and is told which; and what is built keeps to what the chips ask for.

P3 (little endian) and P7 (subnormals, NaN) are facts about bits: see test_bit_rules and test_lane_forms.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.lanes import InterleaveOp, LaneOp
from dialects.pto.allocation import AllocTileOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.memory import constant_int
from dialects.pto.moves import TTransOp
from dialects.pto.tiles import SubviewOp
from dialects.pto.types import TileLayout
from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.targets import VERSIONS, chip, ptoas
from dsv4_passes.targets import pypto as find_pypto
from dsv4_passes.transforms.check_target import CheckTargetPass
from dsv4_passes.transforms.common.decisions import record
from dsv4_passes.transforms.lanes.form_choice import NoForm, lower
from dsv4_passes.transforms.lanes.forms import LANE_FORMS
from dsv4_passes.transforms.lanes.forms.bit_pack import build_double
from dsv4_passes.transforms.lanes.forms.form import Form, Target
from dsv4_passes.transforms.lanes.forms.index_scatter import INDEX_SCATTER
from dsv4_passes.transforms.lanes.forms.transposes import doubled
from dsv4_passes.transforms.lanes.lower_lanes import LowerLanesPass
from dsv4_passes.transforms.lanes.raise_lanes import RaiseLanesPass
from dsv4_passes.transforms.lowering.lower_tiles import lower_function
from tests.unit.kernels import kernel
from tests.unit.rotations import Rotation
from tests.unit.test_lane_forms import module

BITS = ("bit-swap", "bit-pack", "bit-double")

# -- one precondition fails ------------------------------------------------------------------------------

HALF_A_ROW = "half a row, {} lanes of {} bits, is no multiple of 32 bytes"
HALF_A_ROW, BLOCKS = "half a row, ", "4x16 lanes cannot be seen in blocks of 16x16"
FAILS = {
    # bytes (P1): what a form makes of rows are whole blocks of 32 bytes. Transposes (P9): vector instructions
    "P1 half a row of bf16": (
        "deinterleave 16x16xbf16",
        "a2a3",
        "mask-gather",
        HALF_A_ROW + "8 lanes of 16 bits",
        "bit-pack",
    ),
    "P1 half a row of f32": (
        "deinterleave 16x24xf32",
        "a2a3",
        "transpose",
        HALF_A_ROW + "12 lanes of 32 bits",
        "stays",
    ),
    "P1 a row of words": (
        "swap_pairs 16x24xbf16",
        "a5",
        "bit-swap",
        HALF_A_ROW + "12 lanes of 32 bits",
        "stays",
    ),
    "P1 16-bit lanes": (
        "swap_pairs 16x32xf32",
        "a2a3",
        "bit-swap",
        "it moves 16-bit lanes, not f32",
        "transpose",
    ),
    "P1 32-bit lanes": (
        "swap_pairs 16x32xf16",
        "a2a3",
        "transpose",
        "it moves 32-bit lanes, not f16",
        "bit-swap",
    ),
    "P1 bf16 alone widens": (
        "deinterleave 16x32xf16",
        "a5",
        "bit-pack",
        "bits widen bf16 alone, not f16",
        "mask-gather",
    ),
    "P1 two tiles": ("interleave 16x32xbf16", "a5", "bit-double", "its halves are two tiles", "bit-pack"),
    "P9 rows": ("deinterleave 4x16xf32", "a2a3", "transpose", BLOCKS, "mask-gather"),
    "P9 rows of a swap": ("swap_pairs 4x16xf32", "a2a3", "transpose", BLOCKS, "flat-gather"),
    "P9 chip": ("deinterleave 16x32xf32", "a5", "transpose", "a5 transposes lane by lane", "mask-gather"),
}


@pytest.mark.parametrize("case", FAILS.values(), ids=list(FAILS))
def test_a_form_is_refused_by_name(case: tuple[str, str, str, str, str]) -> None:
    """The remark says the precondition; another form is taken, or the operation stays."""
    operation, arch, form, why, instead = case
    name, shape = operation.split()
    rows, cols, dtype = shape.split("x")
    parsed = module(arch, name, int(rows), int(cols), dtype)
    with record() as decisions, collect() as said:
        LowerLanesPass().apply(Context(), parsed)
    if instead == "stays":
        (entry,) = said.entries
        assert entry.outcome == "refused"
        assert f"{form}: {why}" in entry.message
        assert any(isinstance(op, LaneOp) for op in parsed.walk())
        return
    (decision,) = decisions.entries
    reasons = {other.form: other.why for other in decision.alternatives if other.cost is None}
    assert why in reasons[form]
    assert decision.form == instead
    assert any(f"no {form}: " in entry.message and why in entry.message for entry in said.entries)


@pytest.mark.parametrize("arch", ["a2a3", "a5"])
@pytest.mark.parametrize(
    ("rotation", "form", "why"),
    [
        (Rotation(rows=16, source="f32", result="f32", valid=8), "flat-gather", "not all rows are valid"),
        (Rotation(rows=16, valid=8), "index-scatter", "not all rows are valid"),
        (Rotation(rows=16, valid=8), "scatter-pair", "not all of the tile is valid"),
    ],
    ids=["f32", "index", "mask"],
)
def test_valid_extents(rotation: Rotation, form: str, why: str, arch: str) -> None:
    """P2: forms that see a tile as one row, or fill their whole destination, want all rows valid."""
    parsed = parse_text(rotation.text().replace('"a2a3"', f'"{arch}"'), "k.mlir")
    with collect() as said:
        LowerLanesPass().apply(Context(), parsed)
    assert any(f"{form}: {why}" in entry.message for entry in said.entries)
    assert any(isinstance(op, LaneOp) for op in parsed.walk()) == (rotation.source == "f32")


@pytest.mark.parametrize(
    ("form", "arch", "version", "why"),
    [
        ("bit-pack", "a2a3", "0.60", "a2a3 has no tands of i32"),
        ("scatter-pair", "a5", "0.43", "tscatter (mask) with ptoas 0.43: rejected"),
        ("mask-gather", "a2a3", "0.60", "pypto has no tile.gather_mask of bf16"),
        ("bit-swap", "a2a3", "0.60", "pypto of 2026-06-15 has no tile.reinterpret_view"),
        ("transpose", "a2a3", "0.60", "pypto transposes only whole tiles"),
    ],
)
def test_what_the_target_lacks(form: str, arch: str, version: str, why: str) -> None:
    """What a chip, an assembler or pypto does not take is said by name, and of no other target."""
    layout = TileLayout("vec", 16, 64, "f32" if form == "transpose" else "bf16", 16, 64)
    old = find_pypto("2026-06-15") if "pypto" in why else None
    found = Target(chip(arch), ptoas(version), old), Target(chip("a5"), ptoas("0.60"))
    lacking, other = ({str(f.refuse(t, layout)) for f in LANE_FORMS if f.name == form} for t in found)
    assert any(why in reason for reason in lacking)
    assert not any(why in reason for reason in other)


def test_an_index_of_16_bits() -> None:
    layout = TileLayout("vec", 256, 256, "bf16", 256, 256)
    for target in (Target(chip(arch), ptoas("0.60")) for arch in ("a3", "a5")):
        why = "an index of 16 bits has numbers for 32768 lanes, not for 65536"
        assert INDEX_SCATTER.refuse(target, layout) == why
        assert INDEX_SCATTER.refuse(target, layout._replace(rows=128, valid_rows=128)) is None


# -- what is built ---------------------------------------------------------------------------------------


def built(dtypes: tuple[str, ...] = ("bf16", "f16", "f32")) -> Iterator[Any]:
    for arch in ("a2a3", "a5"):
        for number, form in enumerate(LANE_FORMS):
            for dtype in dtypes:
                parsed = lowered(arch, "0.60", form, dtype)
                if parsed is not None:
                    yield pytest.param(arch, form, dtype, id=f"{arch}-{form.name}-{number}-{dtype}")


def lowered(arch: str, version: str, form: Form, dtype: str) -> ModuleOp | None:
    """A kernel with one lane operation in that form, with addresses; None where that is not legal."""
    doubles = form.build in (build_double, doubled)
    parsed = module(arch, form.operation, 16, 64, dtype, doubles)
    function = next(op for op in parsed.walk() if isinstance(op, func.FuncOp))
    try:
        lower(function, Target(chip(arch), ptoas(version)), "halves", True, (), [form])
        lower_function(function, arch, version, "level3")
    except NoForm:
        return None
    return parsed


@pytest.mark.parametrize(("arch", "form", "dtype"), list(built()))
def test_what_is_built_is_legal(arch: str, form: Form, dtype: str) -> None:
    """For every version whose rules are known: element types, no tensor shifts, unsigned words (P4), nothing
    written onto what is still read (P8), blocks and scratch of transposes (P9).
    """
    for version in VERSIONS:
        if (parsed := lowered(arch, version, form, dtype)) is None:
            continue
        parsed.verify()
        with collect():
            CheckTargetPass(arch, version).apply(Context(), parsed)
        tiles = [op for op in parsed.walk() if isinstance(op, TileOp)]
        names = {op.mnemonic() for op in tiles}
        assert not names & {"tshl", "tshr", "txor", "tnot"}
        for op in tiles:
            if form.name in BITS and op.mnemonic() in ("tshls", "tshrs"):
                assert layout_of(op.ins[0]).dtype == "ui32"
            kept = [v for name, v in op.named_operands() if name in op.NOT_IN_PLACE]
            assert not any(overlap(v, op.destinations()[0]) for v in kept), op.name
            if isinstance(op, TTransOp) and arch == "a2a3":
                rows, cols = layout_of(op.ins[0]).shape
                assert (rows % 16, cols % 8) == (0, 0)
                if len(op.ins) > 1:
                    assert layout_of(op.ins[1]).bytes >= layout_of(parent(op.ins[0])).bytes


def parent(value: Any) -> Any:
    while isinstance(value.owner, SubviewOp):
        value = value.owner.source
    return value


def overlap(one: Any, other: Any) -> bool:
    """Both tiles have bytes in one stretch of memory: a window counts as the tile that it is of."""
    ends: list[tuple[int, int]] = []
    for value in map(parent, (one, other)):
        if not isinstance(value.owner, AllocTileOp) or value.owner.addr is None:
            return False
        start = constant_int(value.owner.addr)
        assert start is not None
        ends.append((start, start + layout_of(value).bytes))
    return ends[0][0] < ends[1][1] and ends[1][0] < ends[0][1]


def test_masks_are_those_of_the_chip() -> None:
    """A2/A3 has no `tands` of i32: a tile of i32 masks, as there is no `texpands` of ui32; A5 has it."""
    kinds = {}
    for arch in ("a2a3", "a5"):
        parsed = parse_text(Rotation(rows=16, arch=arch).text(), "k.mlir")
        LowerLanesPass().apply(Context(), parsed)
        masks = ("tand", "tands", "texpands")
        found = [op for op in parsed.walk() if isinstance(op, TileOp) and op.mnemonic() in masks]
        kinds[arch] = {op.mnemonic(): layout_of(op.res[0]).dtype for op in found}
    assert kinds == {"a2a3": {"texpands": "i32", "tand": "ui32"}, "a5": {"tands": "i32"}}


# -- what is read ----------------------------------------------------------------------------------------

HALF, WORDS = "T<16x64xf32>", "T<16x64xui32>"
PACKED = f"""
    %c16_i32 = arith.constant 16 : i32
    %es = load e
    %os = load o
    %e = pto.tcvt ins(%es {{rmode = #pto<round_mode RINT>}} : T<16x64xSHORT>) -> {HALF}
    %o = pto.tcvt ins(%os {{rmode = #pto<round_mode RINT>}} : T<16x64xSHORT>) -> {HALF}
    %ew = pto.reinterpret %e : {HALF} -> {WORDS}
    %ow = pto.reinterpret %o : {HALF} -> {WORDS}
    %low = pto.tshrs ins(%ew, %c16_i32 : {WORDS}, i32) -> {WORDS}
    %w = pto.tor ins(%low, %ow : {WORDS}, {WORDS}) -> {WORDS}
    %y = pto.reinterpret %w : {WORDS} -> T<16x128xbf16>
    store %y to y"""


LATE = f"%o = pto.tcvt ins(%os {{rmode = #pto<round_mode RINT>}} : T<16x64xSHORT>) -> {HALF}"


@pytest.mark.parametrize(
    ("old", "new", "halves"),
    [
        ("", "", ["es", "os"]),
        ("%ow = pto.reinterpret %o", "%ow = pto.reinterpret %e", ["es", "es"]),
        ("%ew = pto.reinterpret %e", "%ew = pto.reinterpret %o", ["os", "os"]),
        ("ui32", "i32", []),  # a signed word brings its sign along
        (LATE, "%o = load f", []),  # bits of it where the even lanes go
        ("ins(%low, %ow", "ins(%ew, %ow", []),  # bits of even lanes where the odd ones go
    ],
    ids=["packed", "P3 even", "P3 odd", "P4 signed", "P5 not rounded", "P6 not shifted"],
)
def test_words_that_are_no_pairs_are_not_taken_for_pairs(old: str, new: str, halves: list[str]) -> None:
    """The even lane is the low half of a word; of a word that holds anything else nothing is said."""
    text = (PACKED.replace(old, new) if old else PACKED).replace("SHORT", "bf16")
    parsed = parse_text(
        kernel(text, e="16x64xbf16", o="16x64xbf16", f="16x64xf32", y="16x128xbf16"), "k.mlir"
    )
    with collect():
        RaiseLanesPass().apply(Context(), parsed)
    found = [op for op in parsed.walk() if isinstance(op, InterleaveOp)]
    assert [v.name_hint for op in found for v in op.ins] == halves
