"""Lanes move alike whatever number of rows is valid: known, partial, or known only while running."""

# ruff: noqa: E501  (types make long lines)

import ml_dtypes
import numpy as np
import pytest
from xdsl.dialects import func

from dsv4_passes.equivalence.facts import Fact
from dsv4_passes.equivalence.lanes import lane_difference, run_lanes
from dsv4_passes.formats.pto.reader import parse_text
from tests.unit.kernels import Array, function, kernel, run
from tests.unit.test_raise_lower import lower_all, printed

SHAPES = {"x": "8x32xbf16", "y": "8x32xbf16"}
EVEN, ODD = (f"{{maskPattern = #pto.mask_pattern<{p}>}}" for p in ("P0101", "P1010"))


def swap(extent: str, form: str, wrong: bool = False) -> str:
    """Pairs of lanes exchanged in the first rows of x; `extent` is their number in types."""
    number, given = ("%n", " valid [%n]") if extent == "?" else (f"%c{extent}", "")

    def tile(cols: int, dtype: str) -> str:
        return f"T<8x{cols}x{dtype}, valid={extent}x{cols}>"

    def part(name: str) -> str:
        return f"%{name}_rows = pto.partition_view %{name}_view, offsets = [%c0, %c0], sizes = [{number}, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<{extent}x32xbf16>"

    whole, half, word, bits = tile(32, "bf16"), tile(16, "bf16"), tile(16, "ui32"), tile(32, "ui16")
    first, second = (EVEN, ODD) if wrong else (ODD, EVEN)
    forms = {
        "bits": f"""
            %k = arith.constant 16 : i32
            %p = pto.reinterpret %x : {whole} -> {word}
            %u = pto.tshls ins(%p, %k : {word}, i32){given} -> {word}
            %d = pto.tshrs ins(%p, %k : {word}, i32){given} -> {word}
            %o = pto.tor ins(%u, %d : {word}, {word}){given} -> {word}
            %y = pto.reinterpret %o : {word} -> {whole}""",
        "scatters": f"""
            %o = pto.tgather ins(%x, {first} : {whole}, "row"){given} -> {half}
            %e = pto.tgather ins(%x, {second} : {whole}, "row"){given} -> {half}
            %p = pto.tscatter ins(%o, {EVEN} : {half}, "row"){given} -> {whole}
            %q = pto.tscatter ins(%e, {ODD} : {half}, "row"){given} -> {whole}
            %pi = pto.bitcast %p : {whole} -> {bits}
            %qi = pto.bitcast %q : {whole} -> {bits}
            %yi = pto.tor ins(%pi, %qi : {bits}, {bits}){given} -> {bits}
            %y = pto.bitcast %yi : {bits} -> {whole}""",
        "assembled": f"""
            %k = arith.constant 16 : i32
            %z = pto.undef : T<16x32xbf16>
            %t = pto.insert %x into %z[%c8, %c0] : {whole} into T<16x32xbf16> -> T<16x32xbf16>
            %w = pto.subview %t[%c8, %c0] sizes [8, 32] valid [{number}, %c32] : T<16x32xbf16> -> {whole}
            %p = pto.reinterpret %w : {whole} -> {word}
            %u = pto.tshls ins(%p, %k : {word}, i32){given} -> {word}
            %d = pto.tshrs ins(%p, %k : {word}, i32){given} -> {word}
            %o = pto.tor ins(%u, %d : {word}, {word}){given} -> {word}
            %y = pto.reinterpret %o : {word} -> {whole}""",
    }
    start = "%n = arith.index_cast %__pypto_spmd_block_idx : i32 to index" if extent == "?" else ""
    return kernel(
        f"""
        {start}
        {part("x")}
        {part("y")}
        %x = pto.tload ins(%x_rows : !pto.partition_tensor_view<{extent}x32xbf16>){given} -> {whole}
        {forms[form]}
        pto.tstore ins(%y : {whole}) outs(%y_rows : !pto.partition_tensor_view<{extent}x32xbf16>)""",
        **SHAPES,
    )


def of(extent: str, form: str, wrong: bool = False) -> func.FuncOp:
    return function(swap(extent, form, wrong))


@pytest.mark.parametrize("form", ["scatters", "assembled"])
@pytest.mark.parametrize("extent", ["1", "5", "8", "?"])
def test_forms_are_equal(extent: str, form: str) -> None:
    assert lane_difference(of(extent, "bits"), of(extent, form)) is None


@pytest.mark.parametrize("extent", ["5", "8", "?"])
def test_the_wrong_lanes_are_told_apart(extent: str) -> None:
    assert lane_difference(of(extent, "bits"), of(extent, "scatters", wrong=True)) is not None


def test_other_rows_are_told_apart() -> None:
    assert lane_difference(of("5", "bits"), of("8", "bits")) is not None
    assert lane_difference(of("?", "bits"), of("8", "bits")) is not None


@pytest.mark.parametrize("form", ["bits", "scatters", "assembled"])
@pytest.mark.parametrize("extent", ["5", "8"])
def test_the_numbers_are_swapped(extent: str, form: str) -> None:
    x: Array = np.arange(256, dtype=np.uint16).reshape(8, 32)
    got = run(swap(extent, form), 1, x=x.view(ml_dtypes.bfloat16))["y"].view(np.uint16)
    rows = int(extent)
    assert np.array_equal(got[:rows], x.reshape(8, 16, 2)[:rows, :, ::-1].reshape(rows, 32))
    assert not got[rows:].any()


@pytest.mark.parametrize("form", ["bits", "assembled"])
def test_casts_get_their_rows_without_a_window(form: str) -> None:
    """ptoas 0.60 takes no window of a cast where it assigns addresses, and no extent from a cast's source."""
    lowered = printed(lower_all(parse_text(swap("?", form), "test.mlir"), "level2")).splitlines()
    casts = [line.split()[0] for line in lowered if "= pto.treshape" in line]
    assert casts
    assert not any(f"pto.subview {cast}[" in line for cast in casts for line in lowered)
    sized = [line.split()[1].strip(",") for line in lowered if line.strip().startswith("pto.set_validshape")]
    open_ = [line.split()[0] for line in lowered if "= pto.treshape" in line and line.endswith("valid=?x?>")]
    assert open_ == sized


INDEX = """
    %n = arith.index_cast %__pypto_spmd_block_idx : i32 to index
    %rows = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%n, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x16xf32>
    %out = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%n, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x16xf32>
    %x = pto.tload ins(%rows : !pto.partition_tensor_view<?x16xf32>) valid [%n] -> T<8x16xf32, valid=?x16>
    %i = load i
    %y = pto.tscatter ins(%x, %i : T<8x16xf32, valid=?x16>, T<8x16xi32>) valid [%n] -> T<8x16xf32, valid=?x16>
    pto.tstore ins(%y : T<8x16xf32, valid=?x16>) outs(%out : !pto.partition_tensor_view<?x16xf32>)"""


def scattered_from(index: Array) -> set[object]:
    """The arguments that the stored lanes are loaded from, where the index is known."""
    text = kernel(INDEX, x="8x16xf32", i="8x16xi32", y="8x16xf32")
    found = run_lanes(function(text), selectors={1: Fact("table", "swap", index)})
    (store,) = found.stores
    return {found.context.domain.table.head(int(t))[1] for t in store.ids.reshape(-1)}


def test_an_index_scatter_moves_rows_that_stay_rows() -> None:
    """The rows beyond the valid ones may not be put where valid ones are."""
    lanes = np.arange(128).reshape(8, 16)
    assert scattered_from(lanes ^ 1) == {0}
    assert scattered_from(lanes[::-1]) == {"unknown"}
