"""Lane operations that meet, and rotations of pairs, whatever they are written in."""

from collections import Counter

import pytest
from xdsl.dialects import func

from dsv4_passes.diagnostics import collect
from dsv4_passes.equivalence.lanes import lane_difference
from dsv4_passes.formats.pto.reader import parse_file
from dsv4_passes.transforms.bind_facts import bind_arrays
from dsv4_passes.transforms.lanes.checked_rewrite import Policy
from dsv4_passes.transforms.lanes.fold_lanes import fold_function
from dsv4_passes.transforms.lanes.raise_lanes import raise_lane_moves
from tests.unit.kernels import DATA, function, kernel
from tests.unit.test_raise_lanes import raised

ROWS, HALF = "T<4x64xf32>", "T<4x32xf32>"
UNCOUNTED = ("arith.", "pto.tload", "pto.tstore", "pto.make", "pto.partition", "func.")


def folded(before: func.FuncOp) -> Counter[str]:
    """What a function computes with once it is folded; it is proved to do the same, and a second run changes
    nothing.
    """
    after = before.clone()
    fold_function(after, Policy())
    after.verify()
    assert lane_difference(before, after) is None
    again = after.clone()
    assert not fold_function(again, Policy())
    assert again.is_structurally_equivalent(after)
    names = Counter(op.name.removeprefix("pto.") for op in after.walk() if not op.name.startswith(UNCOUNTED))
    return names


def of(body: str, **shapes: str) -> Counter[str]:
    return folded(function(kernel(body, **shapes)))


APART = f"""
    %x = load x
    %e, %o = dsv4.deinterleave %x : {ROWS} -> {HALF}, {HALF}"""


@pytest.mark.parametrize(
    ("halves", "expected"),
    [("%e, %o", {}), ("%o, %e", {"dsv4.swap_pairs": 1})],
    ids=["in order", "exchanged"],
)
def test_both_halves_put_together(halves: str, expected: dict[str, int]) -> None:
    body = f"""{APART}
    %y = dsv4.interleave {halves} : {HALF}, {HALF} -> {ROWS}
    store %y to y"""
    assert of(body, x="4x64xf32", y="4x64xf32") == expected


def test_halves_of_what_was_put_together() -> None:
    body = f"""
    %a = load a
    %b = load b
    %y = dsv4.interleave %a, %b : {HALF}, {HALF} -> {ROWS}
    %e, %o = dsv4.deinterleave %y : {ROWS} -> {HALF}, {HALF}
    store %o to c
    store %e to d"""
    assert of(body, **dict.fromkeys("abcd", "4x32xf32")) == {}


def test_pairs_exchanged_twice() -> None:
    body = f"""
    %x = load x
    %s = dsv4.swap_pairs %x : {ROWS} -> {ROWS}
    %y = dsv4.swap_pairs %s : {ROWS} -> {ROWS}
    store %y to y"""
    assert of(body, x="4x64xf32", y="4x64xf32") == {}


def test_halves_of_exchanged_pairs() -> None:
    body = f"""
    %x = load x
    %s = dsv4.swap_pairs %x : {ROWS} -> {ROWS}
    %e, %o = dsv4.deinterleave %s : {ROWS} -> {HALF}, {HALF}
    store %e to e
    store %o to o"""
    assert of(body, x="4x64xf32", e="4x32xf32", o="4x32xf32") == {"dsv4.deinterleave": 1}


BF16 = "T<4x32xbf16>"
ROUNDED = f"""
    %a = load a
    %b = load b
    %c = pto.tcvt ins(%a {{rmode = #pto<round_mode MODE>}} : {HALF}) -> {BF16}
    %d = pto.tcvt ins(%b {{rmode = #pto<round_mode RINT>}} : {HALF}) -> {BF16}
    %y = dsv4.interleave %c, %d : {BF16}, {BF16} -> T<4x64xbf16>
    store %y to y"""


def test_a_rounding_of_both_halves_is_one_of_rows() -> None:
    shapes = {"a": "4x32xf32", "b": "4x32xf32", "y": "4x64xbf16"}
    assert of(ROUNDED.replace("MODE", "RINT"), **shapes) == {"dsv4.interleave": 1, "tcvt": 1}
    assert of(ROUNDED.replace("MODE", "ROUND"), **shapes) == {"dsv4.interleave": 1, "tcvt": 2}
    seen = ROUNDED.replace("MODE", "RINT") + "\n    store %c to z"
    assert of(seen, **shapes, z="4x32xbf16") == {"dsv4.interleave": 1, "tcvt": 2}


def test_what_is_done_to_both_halves_is_done_to_rows() -> None:
    body = f"""
    %two = arith.constant 2.0 : f32
    {APART}
    %f = pto.tmuls ins(%e, %two : {HALF}, f32) -> {HALF}
    %p = pto.tmuls ins(%o, %two : {HALF}, f32) -> {HALF}
    store %f to f
    store %p to p"""
    shapes = {"x": "4x64xf32", "f": "4x32xf32", "p": "4x32xf32"}
    assert of(body, **shapes) == {"dsv4.deinterleave": 1, "tmuls": 1}
    other = body.replace("%p = pto.tmuls ins(%o, %two", "%p = pto.tmuls ins(%o, %three").replace(
        "%two = arith", "%three = arith.constant 3.0 : f32\n    %two = arith"
    )
    assert of(other, **shapes) == {"dsv4.deinterleave": 1, "tmuls": 2}


# -- rotations -------------------------------------------------------------------------------------------

SHAPES = {"x": "4x64xf32", "c": "4x32xf32", "s": "4x32xf32", "y": "4x64xf32"}


def halves(even: str, odd: str, table: str = HALF) -> str:
    """Both halves of a rotation: `even` and `odd` are the operations that add the products up."""
    by = "tcolexpandmul" if table != HALF else "tmul"
    products = "\n".join(
        f"    %{x}{t} = pto.{by} ins(%{x}, %{t} : {HALF}, {table}) -> {HALF}" for x in "eo" for t in "cs"
    )
    return f"""{APART}
    %c = load c
    %s = load s
{products}
    %a = pto.{even} ins(%ec, %os : {HALF}, {HALF}) -> {HALF}
    %b = pto.{odd} : {HALF}, {HALF}) -> {HALF}
    %y = dsv4.interleave %a, %b : {HALF}, {HALF} -> {ROWS}
    store %y to y"""


@pytest.mark.parametrize("table", [HALF, "T<1x32xf32>"])
@pytest.mark.parametrize(
    ("even", "odd", "flag"),
    [
        ("tsub", "tadd ins(%oc, %es", ""),
        ("tsub", "tadd ins(%es, %oc", ""),
        ("tadd", "tsub ins(%oc, %es", "inverse"),
    ],
)
def test_rotations_in_halves(even: str, odd: str, flag: str, table: str) -> None:
    shapes = SHAPES | {"c": table[2:-1], "s": table[2:-1]}
    before = function(kernel(halves(even, odd, table), **shapes))
    assert folded(before) == {"dsv4.rotate_pairs": 1}
    fold_function(before, Policy())
    (rotation,) = [op for op in before.walk() if op.name == "dsv4.rotate_pairs"]
    assert [name for name in rotation.properties if name in ("inverse", "signed")] == ([flag] if flag else [])
    assert [v.name_hint for v in rotation.operands] == ["x", "c", "s"]


@pytest.mark.parametrize("odd", ["tsub ins(%es, %oc", "tsub ins(%oc, %es", "tadd ins(%ec, %os"])
def test_what_is_no_rotation_stays(odd: str) -> None:
    assert "dsv4.rotate_pairs" not in of(halves("tsub", odd), **SHAPES)


def exchanged(merge: str, sign: str, width: int) -> str:
    """`x*c + swap(x)*s` over rows, with tables of full width or doubled ones."""
    wide = {64: "    %cw = load c\n    %sw = load s"}.get(
        width,
        f"""    %c = load c
    %s = load s
    %cw = dsv4.interleave %c, %c : {HALF}, {HALF} -> {ROWS}
    %sw = dsv4.interleave %s, %s : {HALF}, {HALF} -> {ROWS}""",
    )
    turned = {
        "": "    %sx = dsv4.swap_pairs %x : ROWS -> ROWS",
        "lanes": """    %m = arith.constant -1.0 : f32
    %e, %o = dsv4.deinterleave %x : ROWS -> HALF, HALF
    %n = pto.tmuls ins(%o, %m : HALF, f32) -> HALF
    %sx = dsv4.interleave %n, %e : HALF, HALF -> ROWS""",
    }[sign]
    return f"""
    %x = load x
{wide}
{turned.replace("ROWS", ROWS).replace("HALF", HALF)}
    %a = pto.tmul ins(%x, %cw : {ROWS}, {ROWS}) -> {ROWS}
    %b = pto.tmul ins(%sx, %sw : {ROWS}, {ROWS}) -> {ROWS}
    %y = pto.{merge} ins(%a, %b : {ROWS}, {ROWS}) -> {ROWS}
    store %y to y"""


@pytest.mark.parametrize(
    ("merge", "sign", "width", "flag"),
    [
        ("tadd", "", 64, "signed"),
        ("tadd", "lanes", 64, ""),
        ("tadd", "lanes", 32, ""),
        ("tsub", "lanes", 32, "inverse"),
        ("tsub", "lanes", 64, "inverse"),
    ],
)
def test_rotations_over_rows(merge: str, sign: str, width: int, flag: str) -> None:
    shapes = SHAPES | {"c": f"4x{width}xf32", "s": f"4x{width}xf32"}
    before = function(kernel(exchanged(merge, sign, width), **shapes))
    assert folded(before) == {"dsv4.rotate_pairs": 1}
    fold_function(before, Policy())
    (rotation,) = [op for op in before.walk() if op.name == "dsv4.rotate_pairs"]
    assert [name for name in rotation.properties if name in ("inverse", "signed")] == ([flag] if flag else [])


@pytest.mark.parametrize(
    "name",
    [
        *(f"rope_{k}/rope_{k}" for k in "abcd"),
        *(f"handwritten/{n}" for n in ("bitpack_rope", "bitpack_rope_l2", "bitswap_rope")),
    ],
)
def test_compiled_kernels_are_rotations(name: str) -> None:
    """Whatever moves lanes in them, a rotation is what is left."""
    module = parse_file(DATA / f"{name}.pto")
    if name.startswith("rope_a"):
        bind_arrays(module, str(DATA / "rope_a/inputs.npz"))
    before = raised(module)
    with collect():
        raise_lane_moves(before, Policy())
    counts = folded(before)
    assert counts.pop("dsv4.rotate_pairs") == 1
    assert set(counts) <= {"tcvt", "tadds", "subview", "tmov"}


def test_a_stretch_of_one_row_is_rows_of_the_tile() -> None:
    """Halves that were converted together, each seen as one row, are those that were computed."""
    row, pair = "T<1x128xf32>", "T<8x32xf32>"
    body = f"""
    %a = load a
    %b = load b
    %u = pto.undef : {pair}
    %v = pto.insert %a into %u[%c0, %c0] : {HALF} into {pair} -> {pair}
    %both = pto.insert %b into %v[%c4, %c0] : {HALF} into {pair} -> {pair}
    %seen = pto.reshape %both : {pair} -> T<1x256xf32>
    %e = pto.subview %seen[%c0, %c0] sizes [1, 128] : T<1x256xf32> -> {row}
    %o = pto.subview %seen[%c0, %c128] sizes [1, 128] : T<1x256xf32> -> {row}
    %w = dsv4.interleave %e, %o : {row}, {row} -> T<1x256xf32>
    %y = pto.reshape %w : T<1x256xf32> -> {ROWS}
    store %y to y"""
    assert of(body, a="4x32xf32", b="4x32xf32", y="4x64xf32") == {"dsv4.interleave": 1}


def test_rows_of_another_length_on_the_way_out_of_an_interleave() -> None:
    """A rotation is found in the rows of its tables, not in those in which its result was rounded."""
    other, wide = "T<2x64xf32>", "T<2x128xf32>"
    body = f"""
    %x = load x
    %c = load c
    %s = load s
    %turned = dsv4.rotate_pairs %x, %c, %s : {ROWS}, {HALF}, {HALF} -> {ROWS}
    %e, %o = dsv4.deinterleave %turned : {ROWS} -> {HALF}, {HALF}
    %e2 = pto.reshape %e : {HALF} -> {other}
    %o2 = pto.reshape %o : {HALF} -> {other}
    %w = dsv4.interleave %e2, %o2 : {other}, {other} -> {wide}
    %r = pto.tcvt ins(%w {{rmode = #pto<round_mode RINT>}} : {wide}) -> T<2x128xbf16>
    %y = pto.reshape %r : T<2x128xbf16> -> T<4x64xbf16>
    store %y to y"""
    found = of(body, x="4x64xf32", c="4x32xf32", s="4x32xf32", y="4x64xbf16")
    assert found == {"dsv4.rotate_pairs": 1, "tcvt": 1}


def test_halves_of_what_was_put_together_in_rows_of_another_length() -> None:
    other = "T<2x64xf32>"
    body = f"""
    %a = load a
    %b = load b
    %w = dsv4.interleave %a, %b : {HALF}, {HALF} -> {ROWS}
    %seen = pto.reshape %w : {ROWS} -> T<2x128xf32>
    %e, %o = dsv4.deinterleave %seen : T<2x128xf32> -> {other}, {other}
    store %e to y
    store %o to z"""
    found = of(body, a="4x32xf32", b="4x32xf32", y="2x64xf32", z="2x64xf32")
    assert found == {"reshape": 2}
