"""Kernels that move 16-bit lanes by shifts of 32-bit ones: bits of the simulator, proofs, bytes as values."""

import ml_dtypes
import numpy as np
import pytest
from xdsl.dialects import func

from dsv4_passes.equivalence.lanes import lane_difference
from dsv4_passes.formats.pto.reader import parse_file
from tests.unit.kernels import DATA, Array, function, kernel, run
from tests.unit.test_raise_lower import LEVELS, functions, lower_all, printed, raise_all

HANDWRITTEN = DATA / "handwritten"
NAMES = ("bitpack_merge", "bitpack_rope", "bitpack_rope_l2", "bitswap_rope")


def arrays(name: str, what: str) -> dict[str, Array]:
    """bf16 arrays are stored as their bits."""
    found = dict(np.load(HANDWRITTEN / f"{name}.{what}.npz"))
    return {k: a.view(ml_dtypes.bfloat16) if a.dtype == np.uint16 else a for k, a in found.items()}


def result(text: str, inputs: dict[str, Array]) -> Array:
    return bits(run(text, 1, **inputs)["y"])


def bits(lanes: Array) -> Array:
    """Bit patterns of bf16 lanes, one for all NaN."""
    stored = lanes.view(np.uint16)
    return np.where((stored & 0x7FFF) > 0x7F80, np.uint16(0x7FC0), stored)


def raised(name: str) -> func.FuncOp:
    return functions(raise_all(parse_file(HANDWRITTEN / f"{name}.pto")))[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_has_the_bits_of_the_simulator_in_every_form(name: str) -> None:
    inputs, expected = arrays(name, "inputs"), arrays(name, "cpu_sim")["y"]
    texts = [(HANDWRITTEN / f"{name}.pto").read_text()]
    value = raise_all(parse_file(HANDWRITTEN / f"{name}.pto"))
    texts.append(printed(value))
    assert "pto.reinterpret" in texts[-1]
    texts += [printed(lower_all(value.clone(), level)) for level in LEVELS]
    for text in texts:
        assert np.array_equal(result(text, inputs), bits(expected))


@pytest.mark.parametrize("name", NAMES)
def test_no_lane_is_copied_where_addresses_are_assigned(name: str) -> None:
    lowered = printed(lower_all(raise_all(parse_file(HANDWRITTEN / f"{name}.pto")), "level3"))
    assert "pto.tmov" not in lowered


@pytest.mark.parametrize("name", NAMES)
def test_raising_what_was_lowered_is_proved_to_change_nothing(name: str) -> None:
    before = raised(name)
    for level in LEVELS:
        lowered = lower_all(raise_all(parse_file(HANDWRITTEN / f"{name}.pto")), level)
        after = functions(raise_all(lowered))[0]
        assert lane_difference(before, after) is None


# -- the same functions by gathers and scatters ------------------------------------------------------

EVEN, ODD = (f"{{maskPattern = #pto.mask_pattern<{p}>}}" for p in ("P0101", "P1010"))
RINT = "{rmode = #pto<round_mode RINT>}"
ROTATE = """
    %ec = pto.tmul ins(%e, %c : T<64x32xf32>, T<64x32xf32>) -> T<64x32xf32>
    %os = pto.tmul ins(%o, %s : T<64x32xf32>, T<64x32xf32>) -> T<64x32xf32>
    %es = pto.tmul ins(%e, %s : T<64x32xf32>, T<64x32xf32>) -> T<64x32xf32>
    %oc = pto.tmul ins(%o, %c : T<64x32xf32>, T<64x32xf32>) -> T<64x32xf32>
    %re = pto.tsub ins(%ec, %os : T<64x32xf32>, T<64x32xf32>) -> T<64x32xf32>
    %ro = pto.tadd ins(%es, %oc : T<64x32xf32>, T<64x32xf32>) -> T<64x32xf32>"""
MERGE = f"""
    %e16 = pto.tcvt ins(%re {RINT} : T<64x32xf32>) -> T<64x32xbf16>
    %o16 = pto.tcvt ins(%ro {RINT} : T<64x32xf32>) -> T<64x32xbf16>
    %p = pto.tscatter ins(%e16, {EVEN} : T<64x32xbf16>, "row") -> T<64x64xbf16>
    %q = pto.tscatter ins(%o16, {ODD} : T<64x32xbf16>, "row") -> T<64x64xbf16>
    %pi = pto.bitcast %p : T<64x64xbf16> -> T<64x64xi16>
    %qi = pto.bitcast %q : T<64x64xbf16> -> T<64x64xi16>
    %yi = pto.tor ins(%pi, %qi : T<64x64xi16>, T<64x64xi16>) -> T<64x64xi16>
    %y16 = pto.bitcast %yi : T<64x64xi16> -> T<64x64xbf16>
    store %y16 to y"""
APART = f"""
    %x16 = load x
    %xe = pto.tgather ins(%x16, {EVEN} : T<64x64xbf16>, "row") -> T<64x32xbf16>
    %xo = pto.tgather ins(%x16, {ODD} : T<64x64xbf16>, "row") -> T<64x32xbf16>
    %e = pto.tcvt ins(%xe {RINT} : T<64x32xbf16>) -> T<64x32xf32>
    %o = pto.tcvt ins(%xo {RINT} : T<64x32xbf16>) -> T<64x32xf32>"""
TABLES = """
    %c = load cos
    %s = load sin"""
HALVES = {"x": "64x64xbf16", "cos": "64x32xf32", "sin": "64x32xf32", "y": "64x64xbf16"}
SWAP = f"""
    %x = load x
    %c = load cos
    %s = load sin
    %xe = pto.tgather ins(%x, {EVEN} : T<64x64xbf16>, "row") -> T<64x32xbf16>
    %xo = pto.tgather ins(%x, {ODD} : T<64x64xbf16>, "row") -> T<64x32xbf16>
    %p = pto.tscatter ins(%xo, {EVEN} : T<64x32xbf16>, "row") -> T<64x64xbf16>
    %q = pto.tscatter ins(%xe, {ODD} : T<64x32xbf16>, "row") -> T<64x64xbf16>
    %pi = pto.bitcast %p : T<64x64xbf16> -> T<64x64xui16>
    %qi = pto.bitcast %q : T<64x64xbf16> -> T<64x64xui16>
    %wi = pto.tor ins(%pi, %qi : T<64x64xui16>, T<64x64xui16>) -> T<64x64xui16>
    %w = pto.bitcast %wi : T<64x64xui16> -> T<64x64xbf16>
    %xf = pto.tcvt ins(%x {RINT} : T<64x64xbf16>) -> T<64x64xf32>
    %wf = pto.tcvt ins(%w {RINT} : T<64x64xbf16>) -> T<64x64xf32>
    %a = pto.tmul ins(%xf, %c : T<64x64xf32>, T<64x64xf32>) -> T<64x64xf32>
    %b = pto.tmul ins(%wf, %s : T<64x64xf32>, T<64x64xf32>) -> T<64x64xf32>
    %r = pto.tadd ins(%a, %b : T<64x64xf32>, T<64x64xf32>) -> T<64x64xf32>
    %y16 = pto.tcvt ins(%r {RINT} : T<64x64xf32>) -> T<64x64xbf16>
    store %y16 to y"""
FULL = {"x": "64x64xbf16", "cos": "64x64xf32", "sin": "64x64xf32", "y": "64x64xbf16"}
PAIRS = {"e": "64x32xf32", "o": "64x32xf32", "y": "64x64xbf16"}
LOADS = """
    %re = load e
    %ro = load o"""


def test_two_forms_of_one_rotation_are_equal() -> None:
    assert lane_difference(raised("bitpack_rope"), raised("bitpack_rope_l2")) is None
    assert lane_difference(raised("bitpack_rope"), raised("bitswap_rope")) is not None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bitpack_merge", kernel(LOADS + MERGE, **PAIRS)),
        ("bitpack_rope", kernel(APART + TABLES + ROTATE + MERGE, **HALVES)),
        ("bitpack_rope_l2", kernel(APART + TABLES + ROTATE + MERGE, **HALVES)),
        ("bitswap_rope", kernel(SWAP, **FULL)),
    ],
    ids=lambda v: v if v in NAMES else "",
)
def test_bits_and_gathers_are_equal(name: str, text: str) -> None:
    assert lane_difference(raised(name), function(text)) is None
    names: list[str] = ["e", "o"] if name == "bitpack_merge" else ["x", "cos", "sin"]
    renamed = dict(zip(names, arrays(name, "inputs").values(), strict=True))
    assert np.array_equal(result(text, renamed), bits(arrays(name, "cpu_sim")["y"]))


WORDS = """
    %k = arith.constant 16 : i32
    %m = arith.constant -65536 : i32
    %x16 = load x
    %w = pto.reinterpret %x16 : T<64x64xbf16> -> T<64x32xui32>
    %ew = pto.tshls ins(%w, %k : T<64x32xui32>, i32) -> T<64x32xui32>
    %e = pto.bitcast %ew : T<64x32xui32> -> T<64x32xf32>"""
MASKED = {
    "a scalar": """
    %ow = pto.tands ins(%w, %m : T<64x32xui32>, i32) -> T<64x32xui32>""",
    "a tile of i32": """
    %mask = pto.texpands ins(%m : i32) -> T<64x32xi32>
    %wi = pto.bitcast %w : T<64x32xui32> -> T<64x32xi32>
    %oi = pto.tand ins(%wi, %mask : T<64x32xi32>, T<64x32xi32>) -> T<64x32xi32>
    %ow = pto.bitcast %oi : T<64x32xi32> -> T<64x32xui32>""",
    "a tile of ui32": """
    %mi = pto.texpands ins(%m : i32) -> T<64x32xi32>
    %mask = pto.bitcast %mi : T<64x32xi32> -> T<64x32xui32>
    %ow = pto.tand ins(%w, %mask : T<64x32xui32>, T<64x32xui32>) -> T<64x32xui32>""",
    "halves of i16": f"""
    %xi = pto.bitcast %x16 : T<64x64xbf16> -> T<64x64xi16>
    %oh = pto.tgather ins(%xi, {ODD} : T<64x64xi16>, "row") -> T<64x32xi16>
    %p = pto.tscatter ins(%oh, {ODD} : T<64x32xi16>, "row") -> T<64x64xi16>
    %ow = pto.reinterpret %p : T<64x64xi16> -> T<64x32xui32>""",
}
PACKED = f"""
    %o = pto.bitcast %ow : T<64x32xui32> -> T<64x32xf32>
    {TABLES}
    {ROTATE}
    %e16 = pto.tcvt ins(%re {RINT} : T<64x32xf32>) -> T<64x32xbf16>
    %o16 = pto.tcvt ins(%ro {RINT} : T<64x32xf32>) -> T<64x32xbf16>
    %ef = pto.tcvt ins(%e16 {RINT} : T<64x32xbf16>) -> T<64x32xf32>
    %of = pto.tcvt ins(%o16 {RINT} : T<64x32xbf16>) -> T<64x32xf32>
    %ei = pto.bitcast %ef : T<64x32xf32> -> T<64x32xui32>
    %oi2 = pto.bitcast %of : T<64x32xf32> -> T<64x32xui32>
    %low = pto.tshrs ins(%ei, %k : T<64x32xui32>, i32) -> T<64x32xui32>
    %both = pto.tor ins(%low, %oi2 : T<64x32xui32>, T<64x32xui32>) -> T<64x32xui32>
    %y16 = pto.reinterpret %both : T<64x32xui32> -> T<64x64xbf16>
    store %y16 to y"""


@pytest.mark.parametrize("mask", MASKED)
def test_masks_of_halves_are_equal(mask: str) -> None:
    text = kernel(WORDS + MASKED[mask] + PACKED, **HALVES)
    assert lane_difference(raised("bitpack_rope"), function(text)) is None
    other = text.replace("arith.constant -65536", "arith.constant -32768")
    if mask != "halves of i16":
        assert lane_difference(raised("bitpack_rope"), function(other)) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        MERGE.replace("RINT", "ROUND"),
        MERGE.replace("P0101", "P1111").replace("P1010", "P0101").replace("P1111", "P1010"),
        MERGE.replace("%pi, %qi", "%pi, %pi"),
    ],
    ids=["other rounding", "other parity", "one half only"],
)
def test_what_is_not_the_same_is_told_apart(wrong: str) -> None:
    text = kernel(APART + TABLES + ROTATE + wrong, **HALVES)
    assert lane_difference(raised("bitpack_rope"), function(text)) is not None
