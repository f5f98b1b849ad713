"""Bytes that a tile of some valid rows leaves as they were, read through another tile, are what they were."""

# ruff: noqa: E501  (types make long lines)

import numpy as np
import pytest

from dsv4_passes.formats.pto.reader import new_context, parse_text
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from dsv4_passes.validation.modules import compare_modules
from tests.unit.kernels import run

A, ROWS, QUARTER = "8x16xf32", "8x16xf32, valid=?x?", "4x16xf32"
START = f"""module attributes {{pto.target_arch = "a3"}} {{
func.func @k(%x: !pto.ptr<f32>, %z: !pto.ptr<f32>, %y: !pto.ptr<f32>, %n: index) {{
%c0 = arith.constant 0 : index
%c1 = arith.constant 1 : index
%c4 = arith.constant 4 : index
%c7 = arith.constant 7 : index
%c8 = arith.constant 8 : index
%c16 = arith.constant 16 : index
%a0 = arith.constant 0 : i64
%a256 = arith.constant 256 : i64
%a1024 = arith.constant 1024 : i64
%valid = arith.minsi %n, %c7 : index
%xv = pto.make_tensor_view %x, shape = [%c8, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
%zv = pto.make_tensor_view %z, shape = [%c8, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
%yv = pto.make_tensor_view %y, shape = [%c8, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
%xp = pto.partition_view %xv, offsets = [%c0, %c0], sizes = [%c8, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x16xf32>
%xq = pto.partition_view %xv, offsets = [%c4, %c0], sizes = [%c4, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<4x16xf32>
%zp = pto.partition_view %zv, offsets = [%c0, %c0], sizes = [%valid, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x16xf32>
%yp = pto.partition_view %yv, offsets = [%c0, %c0], sizes = [%c8, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x16xf32>
%yq = pto.partition_view %yv, offsets = [%c0, %c0], sizes = [%valid, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x16xf32>
%C = pto.alloc_tile addr = %a1024 valid_row = %valid valid_col = %c16 : !pto.tile_buf<vec, {ROWS}>
pto.tload ins(%zp : !pto.partition_tensor_view<?x16xf32>) outs(%C : !pto.tile_buf<vec, {ROWS}>)
"""
FLOATS = f"""%B = pto.alloc_tile addr = %a0 valid_row = %valid valid_col = %c16 : !pto.tile_buf<vec, {ROWS}>
pto.tneg ins(%C : !pto.tile_buf<vec, {ROWS}>) outs(%B : !pto.tile_buf<vec, {ROWS}>)
"""
HALVES = f"""%B = pto.alloc_tile addr = %a0 valid_row = %valid valid_col = %c16 : !pto.tile_buf<vec, 8x16xbf16, valid=?x?>
pto.tcvt ins(%C {{rmode = #pto<round_mode FLOOR>}} : !pto.tile_buf<vec, {ROWS}>) outs(%B : !pto.tile_buf<vec, 8x16xbf16, valid=?x?>)
"""
AGAIN = f"""%E = pto.alloc_tile addr = %a256 : !pto.tile_buf<vec, {QUARTER}>
pto.tload ins(%xq : !pto.partition_tensor_view<4x16xf32>) outs(%E : !pto.tile_buf<vec, {QUARTER}>)
"""
FULL = f"""%D = pto.alloc_tile addr = %a0 : !pto.tile_buf<vec, {A}>
pto.tstore ins(%D : !pto.tile_buf<vec, {A}>) outs(%yp : !pto.partition_tensor_view<8x16xf32>)
"""
SOME = f"""%D = pto.alloc_tile addr = %a0 valid_row = %valid valid_col = %c16 : !pto.tile_buf<vec, {ROWS}>
pto.tstore ins(%D : !pto.tile_buf<vec, {ROWS}>) outs(%yq : !pto.partition_tensor_view<?x16xf32>)
"""


def loaded(negated: bool, tile: str = A, pieces: int = 1) -> str:
    """x at address 0, or -x; in one tile or in two."""
    text = ""
    for i in range(pieces):
        kind, source = (tile, "%xp") if pieces == 1 else (QUARTER, f"%x{i}")
        shape = kind[: len(A)]
        if pieces == 2:
            text += f"%x{i} = pto.partition_view %xv, offsets = [%c{4 * i}, %c0], sizes = [%c4, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<4x16xf32>\n"
        text += f"%A{i} = pto.alloc_tile addr = %a{256 * i} : !pto.tile_buf<vec, {kind}>\n"
        text += f"pto.tload ins({source} : !pto.partition_tensor_view<{shape}>) outs(%A{i} : !pto.tile_buf<vec, {kind}>)\n"
        if negated:
            text += (
                f"pto.tneg ins(%A{i} : !pto.tile_buf<vec, {kind}>) outs(%A{i} : !pto.tile_buf<vec, {kind}>)\n"
            )
    return text


def kernel(*parts: str) -> str:
    return "".join([START, *parts, "return\n}\n}\n"])


def outcome(before: str, after: str) -> str:
    (verdict,) = compare_modules(parse_text(before, "a.pto"), parse_text(after, "b.pto"))
    return verdict.outcome


@pytest.mark.parametrize(
    "rest", [(HALVES, AGAIN, FULL), (HALVES, AGAIN, SOME), (HALVES, SOME), (FLOATS, FULL)]
)
@pytest.mark.parametrize("pieces", [1, 2])
def test_what_lies_beside_is_what_it_was(rest: tuple[str, ...], pieces: int) -> None:
    texts = [kernel(loaded(negated, pieces=pieces), *rest) for negated in (False, True)]
    assert outcome(texts[0], texts[0]) == "proved"
    assert outcome(*texts) == "different"


def test_nothing_is_proved_of_what_is_not_known_to_lie_there() -> None:
    """The bytes of a tile in columns are none that a tile in rows can be told to hold."""
    texts = [kernel(loaded(n, "8x16xf32, blayout=col_major"), FLOATS, FULL) for n in (False, True)]
    assert outcome(*texts) == "undecided"


@pytest.mark.parametrize("rest", [(HALVES, AGAIN, SOME), (HALVES, SOME), (FLOATS, FULL)])
def test_lowering_keeps_it(rest: tuple[str, ...]) -> None:
    before = parse_text(kernel(loaded(True), *rest), "a.pto")
    after = before.clone()
    PtoRaisePass().apply(new_context(), after)
    PtoLowerPass().apply(new_context(), after)
    (verdict,) = compare_modules(before, after)
    assert verdict.outcome == "proved"


SCATTERED = f"""%I = pto.alloc_tile addr = %a1024 valid_row = %valid valid_col = %c8 : !pto.tile_buf<vec, 8x8xf32, valid=?x?>
pto.tload ins(%zh : !pto.partition_tensor_view<?x8xf32>) outs(%I : !pto.tile_buf<vec, 8x8xf32, valid=?x?>)
%B = pto.alloc_tile addr = %a0 valid_row = %valid valid_col = %c16 : !pto.tile_buf<vec, {ROWS}>
pto.tscatter ins(%I, {{maskPattern = #pto.mask_pattern<P0101>}} : !pto.tile_buf<vec, 8x8xf32, valid=?x?>, "row") outs(%B : !pto.tile_buf<vec, {ROWS}>)
"""


def scattered(negated: bool) -> str:
    half = "%zh = pto.partition_view %zv, offsets = [%c0, %c0], sizes = [%valid, %c8] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x8xf32>\n"
    return kernel(half, loaded(negated), SCATTERED, FULL)


@pytest.mark.parametrize("rows", [0, 3, 9])
def test_on_numbers_it_is_what_it_was(rows: int) -> None:
    random = np.random.default_rng(rows)
    x, z = (random.standard_normal((8, 16)).astype(np.float32) for _ in range(2))
    given = {"x": x, "z": z, "y": np.zeros_like(x), "n": np.array(rows)}
    found = run(kernel(loaded(True), FLOATS, FULL), **given)["y"]
    count = min(rows, 7)
    np.testing.assert_array_equal(found, np.concatenate([-z[:count], -x[count:]]))


def test_a_scatter_fills_the_whole_tile() -> None:
    """What lay beside its valid lanes is gone: nothing is proved of that, and it is zeros."""
    assert outcome(scattered(False), scattered(True)) == "undecided"
    x = np.ones((8, 16), np.float32)
    assert not run(scattered(False), x=x, z=x, y=x, n=np.array(3))["y"][3:].any()
