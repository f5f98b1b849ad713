"""Lane moves of any syntax become lane operations, and a second run finds nothing more to do."""

# ruff: noqa: E501  (types make long lines)

from collections import Counter

import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.diagnostics import Diagnostics, collect
from dsv4_passes.equivalence.lanes import lane_difference
from dsv4_passes.formats.pto.reader import parse_file
from dsv4_passes.transforms.bind_facts import bind_arrays, bind_toml
from dsv4_passes.transforms.lanes.checked_rewrite import Guard, Policy
from dsv4_passes.transforms.lanes.raise_lanes import raise_lane_moves
from dsv4_passes.transforms.mixed.join_mixed import JoinMixedPass
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from tests.unit.kernels import DATA, function, kernel

MOVES = ("tgather", "tscatter", "tsel", "tmatmul", "tshls", "tshrs", "tor", "scf.for")


def raised(module: ModuleOp) -> func.FuncOp:
    """The first function of a text, as values, cube and vector function together."""
    PtoRaisePass().apply(Context(), module)
    JoinMixedPass().apply(Context(), module)
    return next(op for op in module.walk() if isinstance(op, func.FuncOp))


def found(before: func.FuncOp, guard: Guard = "exact") -> tuple[Counter[str], Diagnostics]:
    """The lane operations of a function once it is raised, and what moves lanes otherwise; it is proved to
    do the same, and raising it again changes nothing.
    """
    after = before.clone()
    module = before.parent_op()
    attributes = module.attributes if isinstance(module, ModuleOp) else {}
    holder = ModuleOp([after], attributes=attributes)
    with collect() as said:
        raise_lane_moves(after, Policy(guard))
    holder.verify()
    assert lane_difference(before, after) is None
    again = after.clone()
    assert raise_lane_moves(again, Policy(guard)) == 0
    assert again.is_structurally_equivalent(after)
    names = Counter(op.name.removeprefix("pto.") for op in after.walk())
    return Counter({n: c for n, c in names.items() if n.startswith("dsv4.") or n.startswith(MOVES)}), said


@pytest.mark.parametrize(
    ("name", "facts", "expected"),
    [
        ("rope_a/rope_a", "rope_a/inputs.npz", {"dsv4.deinterleave": 1, "dsv4.interleave": 1}),
        ("rope_b/rope_b", None, {"dsv4.deinterleave": 1, "dsv4.interleave": 1}),
        ("rope_c/rope_c", None, {"dsv4.deinterleave": 1, "dsv4.interleave": 1}),
        ("rope_d/rope_d", None, {"dsv4.swap_pairs": 1, "dsv4.interleave": 2}),
        ("staged/head_rotate", None, {"dsv4.deinterleave": 1}),
        ("handwritten/pair", None, {"dsv4.interleave": 1}),
        ("handwritten/pair_or", None, {"dsv4.interleave": 1}),
        ("handwritten/bitpack_merge", None, {"dsv4.interleave": 1}),
        ("handwritten/bitpack_rope", None, {"dsv4.deinterleave": 1, "dsv4.interleave": 1}),
        ("handwritten/bitpack_rope_l2", None, {"dsv4.deinterleave": 1, "dsv4.interleave": 1}),
        ("handwritten/bitswap_rope", None, {"dsv4.swap_pairs": 1}),
    ],
)
def test_compiled_kernels(name: str, facts: str | None, expected: dict[str, int]) -> None:
    module = parse_file(DATA / f"{name}.pto")
    if facts is not None:
        bind_arrays(module, str(DATA / facts))
    assert found(raised(module))[0] == expected


@pytest.mark.parametrize(
    ("name", "expected", "loops"),
    [
        ("staged/reassemble", {"dsv4.interleave": 1}, 0),
        ("mixed/unrotate", {"dsv4.deinterleave": 1, "dsv4.interleave": 2}, 1),
    ],
)
def test_compiled_kernels_with_stated_facts(
    name: str, expected: dict[str, int], loops: int, tmp_path: object
) -> None:
    (path := DATA.__class__(str(tmp_path)) / "facts.toml").write_text(
        '"even_sel*" = "even"\n"odd_sel*" = "odd"\n'
    )
    module = parse_file(DATA / f"{name}.pto")
    bind_toml(module, str(path))
    assert found(raised(module))[0] == {**expected, **({"scf.for": loops} if loops else {})}


def of(body: str, **shapes: str) -> Counter[str]:
    return found(function(kernel(body, **shapes)))[0]


def mask(pattern: str) -> str:
    return f"{{maskPattern = #pto.mask_pattern<{pattern}>}}"


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16", "i16", "i32"])
def test_halves_of_any_lanes(dtype: str) -> None:
    body = f"""
    %x = load x
    %e = pto.tgather ins(%x, {mask("P0101")} : T<16x64x{dtype}>, "row") -> T<16x32x{dtype}>
    %o = pto.tgather ins(%x, {mask("P1010")} : T<16x64x{dtype}>, "row") -> T<16x32x{dtype}>
    store %e to e
    store %o to o"""
    shapes = {"x": f"16x64x{dtype}", "e": f"16x32x{dtype}", "o": f"16x32x{dtype}"}
    assert of(body, **shapes) == {"dsv4.deinterleave": 1}


@pytest.mark.parametrize("merge", ["tadd", "tor"])
@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_scatters_that_are_merged(dtype: str, merge: str) -> None:
    bits = "i32" if dtype == "f32" else "i16"
    merging = f"%y = pto.tadd ins(%s, %t : T<16x64x{dtype}>, T<16x64x{dtype}>) -> T<16x64x{dtype}>"
    if merge == "tor":
        merging = f"""%a = pto.bitcast %s : T<16x64x{dtype}> -> T<16x64x{bits}>
    %b = pto.bitcast %t : T<16x64x{dtype}> -> T<16x64x{bits}>
    %c = pto.tor ins(%a, %b : T<16x64x{bits}>, T<16x64x{bits}>) -> T<16x64x{bits}>
    %y = pto.bitcast %c : T<16x64x{bits}> -> T<16x64x{dtype}>"""
    body = f"""
    %e = load e
    %o = load o
    %s = pto.tscatter ins(%e, {mask("P0101")} : T<16x32x{dtype}>, "row") -> T<16x64x{dtype}>
    %t = pto.tscatter ins(%o, {mask("P1010")} : T<16x32x{dtype}>, "row") -> T<16x64x{dtype}>
    {merging}
    store %y to y"""
    shapes = {"e": f"16x32x{dtype}", "o": f"16x32x{dtype}", "y": f"16x64x{dtype}"}
    assert of(body, **shapes) == {"dsv4.interleave": 1}


def test_one_scatter_has_zeros_beside_it() -> None:
    body = f"""
    %e = load e
    %s = pto.tscatter ins(%e, {mask("P1010")} : T<16x32xf32>, "row") -> T<16x64xf32>
    store %s to y"""
    assert of(body, e="16x32xf32", y="16x64xf32") == {"dsv4.interleave": 1}


INDEX = """
    %zero = arith.constant 0 : i32
    %two = arith.constant 2 : i32
    %half = arith.constant 5.0e-01 : f32
    %wide = arith.constant 2.0 : f32
    %one = arith.constant 1.0 : f32
    %iota = pto.tci ins(%zero : i32) -> T<1xCOLSxi32>
    %f = pto.tcvt ins(%iota {rmode = #pto<round_mode ROUND>} : T<1xCOLSxi32>) -> T<1xCOLSxf32>
"""
TABLES = {
    "even": (32, "%ix = pto.tmuls ins(%iota, %two : T<1x32xi32>, i32) -> T<1x32xi32>"),
    "swap": (
        64,
        """%h = pto.tmuls ins(%f, %half : T<1x64xf32>, f32) -> T<1x64xf32>
    %d = pto.tcvt ins(%h {rmode = #pto<round_mode TRUNC>} : T<1x64xf32>) -> T<1x64xi32>
    %g = pto.tcvt ins(%d {rmode = #pto<round_mode ROUND>} : T<1x64xi32>) -> T<1x64xf32>
    %g2 = pto.tmuls ins(%g, %wide : T<1x64xf32>, f32) -> T<1x64xf32>
    %l = pto.tsub ins(%f, %g2 : T<1x64xf32>, T<1x64xf32>) -> T<1x64xf32>
    %l2 = pto.tmuls ins(%l, %wide : T<1x64xf32>, f32) -> T<1x64xf32>
    %p = pto.tadds ins(%f, %one : T<1x64xf32>, f32) -> T<1x64xf32>
    %q = pto.tsub ins(%p, %l2 : T<1x64xf32>, T<1x64xf32>) -> T<1x64xf32>
    %ix = pto.tcvt ins(%q {rmode = #pto<round_mode ROUND>} : T<1x64xf32>) -> T<1x64xi32>""",
    ),
}


@pytest.mark.parametrize(("word", "expected"), [("even", "dsv4.deinterleave"), ("swap", "dsv4.swap_pairs")])
def test_gathers_by_an_index_computed_in_the_kernel(word: str, expected: str) -> None:
    cols, table = TABLES[word]
    body = f"""{INDEX.replace("COLS", str(cols))}    {table}
    %x = load x
    %y = pto.tgather ins(%x, %ix : T<1x64xf32>, T<1x{cols}xi32>) -> T<1x{cols}xf32>
    store %y to y"""
    assert of(body, x="1x64xf32", y=f"1x{cols}xf32") == {expected: 1}


def test_fewer_valid_rows_are_rows_like_others() -> None:
    part = "T<16x64xf32, valid=?x64>"
    half = "T<16x32xf32, valid=?x32>"
    body = f"""
    %r = arith.index_cast %__pypto_spmd_block_idx : i32 to index
    %from = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%r, %c64] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x64xf32>
    %to = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%r, %c64] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x64xf32>
    %x = pto.tload ins(%from : !pto.partition_tensor_view<?x64xf32>) valid [%r] -> {part}
    %e = pto.tgather ins(%x, {mask("P0101")} : {part}, "row") valid [%r] -> {half}
    %n = pto.tneg ins(%e : {half}) valid [%r] -> {half}
    %s = pto.tscatter ins(%n, {mask("P0101")} : {half}, "row") valid [%r] -> {part}
    %o = pto.tgather ins(%x, {mask("P1010")} : {part}, "row") valid [%r] -> {half}
    %t = pto.tscatter ins(%o, {mask("P1010")} : {half}, "row") valid [%r] -> {part}
    %y = pto.tadd ins(%s, %t : {part}, {part}) valid [%r] -> {part}
    pto.tstore ins(%y : {part}) outs(%to : !pto.partition_tensor_view<?x64xf32>)"""
    assert of(body, x="16x64xf32", y="16x64xf32") == {"dsv4.deinterleave": 1, "dsv4.interleave": 1}


def test_other_selections_say_what_they_are() -> None:
    body = f"""
    %x = load x
    %y = pto.tgather ins(%x, {mask("P0100")} : T<16x64xf32>, "row") -> T<16x16xf32>
    store %y to y"""
    counts, said = found(function(kernel(body, x="16x64xf32", y="16x16xf32")))
    assert counts == {"tgather": 1}
    (remark,) = said.entries
    assert "it picks every fourth lane from 2 on, of 64, not even/odd, of %x" in remark.message


def test_a_selection_that_changes_the_type_says_so() -> None:
    """As the lane numbers are taken out of sorted pairs of a value and its number."""
    body = f"""
    %x = load x
    %y = pto.tgather ins(%x, {mask("P1010")} : T<16x64xf32>, "row") -> T<16x32xi32>
    store %y to y"""
    counts, said = found(function(kernel(body, x="16x64xf32", y="16x32xi32")))
    assert counts == {"tgather": 1}
    (remark,) = said.entries
    expected = "it picks the odd lanes, of %x, and takes their bits for i32: lanes are moved in one type"
    assert remark.message.endswith(expected)
