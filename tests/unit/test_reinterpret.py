"""Bytes that are read with another element width than they were written with, as values and back."""

# ruff: noqa: E501  (types make long lines)

import ml_dtypes
import numpy as np
import pytest

from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.equivalence.lanes import lane_difference, run_lanes
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from tests.unit.kernels import Array, function, kernel, run
from tests.unit.test_raise_lower import (
    X,
    alloc,
    buffers,
    functions,
    raise_all,
    same_in_every_form,
    same_lowered,
)

WORDS = np.random.default_rng(3).integers(0, 2**32, (8, 16), dtype=np.uint32)


@pytest.mark.parametrize(
    ("src", "dst"),
    [
        ("8x16xf32", "8x32xbf16"),
        ("8x16xui32", "16x16xui16"),
        ("8x16xf32", "1x512xui8"),
        ("8x16xui16", "8x8xui32"),
        ("8x16xf16", "4x16xf32"),
        ("8x32xi8", "8x16xi16"),
        ("8x32xi8", "2x32xf32"),
    ],
)
def test_a_tile_is_read_as_lanes_of_another_width(src: str, dst: str) -> None:
    tile, seen = (f"!pto.tile<vec, {t}>" for t in (src, dst))
    text = kernel(
        f"""
        %a = load x
        %b = pto.reinterpret %a : {tile} -> {seen}
        store %b to y""",
        x=src,
        y=dst,
    )
    rows, cols, dtype = src.split("x")
    size = int(rows) * int(cols)
    given = WORDS.view(np.uint8).reshape(-1)[: size * np.dtype(STORED[dtype]).itemsize]
    x = given.view(STORED[dtype]).reshape(int(rows), int(cols))
    assert run(text, 1, x=x)["y"].tobytes() == given.tobytes()
    same_in_buffers(src, dst, x)


STORED = {
    **{"f32": np.float32, "bf16": ml_dtypes.bfloat16, "f16": np.float16, "ui32": np.uint32},
    **{"ui16": np.uint16, "i16": np.int16, "i8": np.int8, "ui8": np.uint8},
}


def same_in_buffers(src: str, dst: str, x: Array) -> None:
    text = buffers(
        f"""
        alloc %a at 64 : {src}
        alloc %b at 64 : {dst}
        %a : B<{src}> := load x
        store %b : B<{dst}> to y""",
        x=src,
        y=dst,
    )
    assert same_in_every_form(text, x=x).count("pto.reinterpret") == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("T<8x16xf32> -> T<8x16xbf16>", "expects a result of 512 bytes, found 256"),
        ("T<8x16xf32, blayout=col_major> -> T<8x32xbf16>", "expects a source that is row_major"),
        ("T<8x16xf32, valid=5x16> -> T<4x64xbf16>", "expects 8 rows where not all lanes are valid, found 4"),
        ("T<8x16xf32, valid=5x16> -> T<8x32xbf16>", "expects as many valid rows as in its source"),
        ("T<8x16xf32, valid=?x5> -> T<8x32xbf16, valid=?x32>", "expects as many bytes of valid columns"),
        ("T<8x16xf32, valid=8x?> -> T<8x32xbf16, valid=8x?>", "expects as many bytes of valid columns"),
        ("B<8x16xf32> -> B<8x32xbf16>", "exists in value form only"),
    ],
)
def test_what_is_no_view_of_the_same_lanes(text: str, why: str) -> None:
    source, _, _ = text.partition(" -> ")
    make = "pto.undef" if source.startswith("T") else "pto.alloc_tile"
    body = f"%a = {make} : {source}\n%b = pto.reinterpret %a : {text}"
    with pytest.raises(UserError, match=why):
        verify_module(parse_text(kernel(body, x="8x16xf32"), "test.mlir"))


@pytest.mark.parametrize("op", ["pto.reinterpret", "pto.bitcast"])
def test_elements_without_arithmetic_are_an_error(op: str) -> None:
    text = kernel(
        f"""
        %a = load x
        %b = {op} %a : T<4x32xui8> -> T<4x32xf8E5M2>
        %c = {op} %b : T<4x32xf8E5M2> -> T<4x32xui8>
        store %c to y""",
        x="4x32xui8",
        y="4x32xui8",
    )
    for follow in (lambda: run(text, 1, x=np.zeros((4, 32), np.uint8)), lambda: run_lanes(function(text))):
        with pytest.raises(UserError, match="element type f8E5M2 has no numpy semantics"):
            follow()


def test_a_part_of_a_tile_is_read_as_other_lanes() -> None:
    """The second half as bf16, and one row of the first as bytes."""
    text = buffers(
        """
        alloc %x at 0 : 8x16xf32
        alloc %h at 256 : 4x32xbf16
        alloc %r at 64 : 1x64xui8
        %x : B<8x16xf32> := load x
        store %h : B<4x32xbf16> to y
        store %r : B<1x64xui8> to z""",
        x="8x16xf32",
        y="4x32xbf16",
        z="1x64xui8",
    )
    shown = same_in_every_form(text, x=X)
    assert (shown.count("pto.reinterpret"), shown.count("pto.subview")) == (2, 2)


def test_a_tile_is_assembled_of_lanes_of_several_widths() -> None:
    text = buffers(
        """
        alloc %a at 0 : 4x16xf32
        alloc %b at 256 : 4x32xbf16
        alloc %c at 512 : 4x32xui8
        alloc %all at 0 : 5x64xui16
        %a : B<4x16xf32> := load a
        %b : B<4x32xbf16> := load b
        %c : B<4x32xui8> := load c
        store %all : B<5x64xui16> to y""",
        a="4x16xf32",
        b="4x32xbf16",
        c="4x32xui8",
        y="5x64xui16",
    )
    rng = np.random.default_rng(1)
    b = rng.integers(0, 2**16, (4, 32), dtype=np.uint16).view(ml_dtypes.bfloat16)
    same_in_every_form(text, a=X[:4], b=b, c=rng.integers(0, 256, (4, 32), dtype=np.uint8))


def test_a_loop_carries_bytes_that_are_read_in_two_ways() -> None:
    text = buffers(
        """
        %k = arith.constant 8 : i32
        alloc %x at 0 : 8x16xf32
        alloc %w at 0 : 8x16xui32
        alloc %h at 0 : 8x32xui16
        %x : B<8x16xf32> := load x
        scf.for %i = %c0 to %c2 step %c1 {
          pto.tshrs ins(%w, %k : B<8x16xui32>, i32) outs(%w : B<8x16xui32>)
          pto.tor ins(%h, %h : B<8x32xui16>, B<8x32xui16>) outs(%h : B<8x32xui16>)
        }
        store %x : B<8x16xf32> to y""",
        x="8x16xf32",
        y="8x16xf32",
    )
    same_in_every_form(text, x=WORDS.view(np.float32))


def test_a_piece_is_written_among_lanes_of_another_width() -> None:
    text = buffers(
        """
        alloc %x at 0 : 8x16xf32
        alloc %h at 0 : 8x32xf16
        %x : B<8x16xf32> := load x
        %to = pto.subview %h[%c2, %c0] sizes [1, 32] : B<8x32xf16> -> B<1x32xf16>
        %from = pto.subview %h[%c3, %c0] sizes [1, 32] : B<8x32xf16> -> B<1x32xf16>
        pto.tadd ins(%from, %from : B<1x32xf16>, B<1x32xf16>) outs(%to : B<1x32xf16>)
        store %x : B<8x16xf32> to y""",
        x="8x16xf32",
        y="8x16xf32",
    )
    same_in_every_form(text, x=X)


def test_a_tile_that_is_assembled_does_not_keep_a_dead_one_of_another_width() -> None:
    """The bytes held something else before: that is no part of the tile that is put together there."""
    text = buffers(
        """
        alloc %old at 0 : 8x32xf32
        alloc %w at 1024 : 8x32xf32
        alloc %new at 0 : 8x32xbf16
        %old : B<8x32xf32> := load x
        pto.tadd ins(%old, %old : B<8x32xf32>, B<8x32xf32>) outs(%w : B<8x32xf32>)
        scf.for %i = %c0 to %c8 step %c1 {
          %from = pto.subview %w[%i, %c0] sizes [1, 32] : B<8x32xf32> -> B<1x32xf32>
          %to = pto.subview %new[%i, %c0] sizes [1, 32] : B<8x32xbf16> -> B<1x32xbf16>
          pto.tcvt ins(%from : B<1x32xf32>) outs(%to : B<1x32xbf16>)
        }
        store %new : B<8x32xbf16> to y""",
        x="8x32xf32",
        y="8x32xbf16",
    )
    shown = same_in_every_form(text, x=np.arange(256, dtype=np.float32).reshape(8, 32) / 3)
    assert "pto.reinterpret" not in shown


@pytest.mark.parametrize(("rows", "kept"), [((0, 4), False), ((0, 3), True), ((4, 4), True)])
def test_pieces_in_a_row_forget_what_lay_there_where_nothing_of_it_is_left(
    rows: tuple[int, int], kept: bool
) -> None:
    text = buffers(
        f"""
        alloc %old at 0 : 8x16xf32
        alloc %new at 0 : 8x32xf16
        alloc %half at 1024 : 4x32xf16
        %old : B<8x16xf32> := load x
        %half : B<4x32xf16> := load h
        %first = pto.subview %new[%c{rows[0]}, %c0] sizes [4, 32] : B<8x32xf16> -> B<4x32xf16>
        %second = pto.subview %new[%c{rows[1]}, %c0] sizes [4, 32] : B<8x32xf16> -> B<4x32xf16>
        pto.tadd ins(%half, %half : B<4x32xf16>, B<4x32xf16>) outs(%first : B<4x32xf16>)
        pto.tsub ins(%half, %half : B<4x32xf16>, B<4x32xf16>) outs(%second : B<4x32xf16>)
        store %new : B<8x32xf16> to y""",
        x="8x16xf32",
        h="4x32xf16",
        y="8x32xf16",
    )
    h = np.arange(128, dtype=np.float16).reshape(4, 32)
    shown = same_in_every_form(text, x=X, h=h)
    assert ("pto.reinterpret" in shown) == kept
    assert ("pto.undef" in shown) != kept


@pytest.mark.parametrize("rows", [1, 5, 8])
def test_rows_that_show_while_running_have_other_lanes(rows: int) -> None:
    """Lanes are swapped in rows that are valid: their number is carried by the view."""
    bf16, ui32 = "8x32xbf16, valid=?x32", "8x16xui32, valid=?x16"
    text = buffers(
        f"""
        %k = arith.constant 16 : i32
        %n32 = pto.load_scalar %arg1[%c0] : !pto.ptr<i32> -> i32
        %n = arith.index_cast %n32 : i32 to index
        {alloc("%x", 0, f"vec, {bf16}", " valid_row = %n")}
        {alloc("%p", 0, f"vec, {ui32}", " valid_row = %n")}
        {alloc("%u", 512, f"vec, {ui32}", " valid_row = %n")}
        {alloc("%d", 1024, f"vec, {ui32}", " valid_row = %n")}
        {alloc("%y", 512, f"vec, {bf16}", " valid_row = %n")}
        %from = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%n, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<?x32xbf16>
        %to = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%n, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<?x32xbf16>
        pto.tload ins(%from : !pto.partition_tensor_view<?x32xbf16>) outs(%x : B<{bf16}>)
        pto.tshls ins(%p, %k : B<{ui32}>, i32) outs(%u : B<{ui32}>)
        pto.tshrs ins(%p, %k : B<{ui32}>, i32) outs(%d : B<{ui32}>)
        pto.tor ins(%u, %d : B<{ui32}>, B<{ui32}>) outs(%u : B<{ui32}>)
        pto.tstore ins(%y : B<{bf16}>) outs(%to : !pto.partition_tensor_view<?x32xbf16>)""",
        x="8x32xbf16",
        n="1xi32",
        y="8x32xbf16",
    )
    x = np.arange(256, dtype=np.float32).astype(ml_dtypes.bfloat16).reshape(8, 32)
    n = np.array([rows], np.int32)
    same_in_every_form(text, x=x, n=n)
    got = run(text, 1, x=x, n=n)["y"].view(np.uint16)[:rows]
    swapped = x.view(np.uint16).reshape(8, 16, 2)[:, :, ::-1].reshape(8, 32)[:rows]
    assert np.array_equal(got, swapped)


def test_a_window_is_cast_where_it_is_one_stretch() -> None:
    text = kernel(
        """
        %x = pto.alloc_tile : B<8x16xf32>
        %x : B<8x16xf32> := load x
        %w = pto.subview %x[%c2, %c0] sizes [4, 16] : B<8x16xf32> -> B<4x16xf32>
        %v = pto.subview %w[%c1, %c0] sizes [2, 16] : B<4x16xf32> -> B<2x16xf32>
        %h = pto.treshape %v : B<2x16xf32> -> B<4x16xui16>
        store %h : B<4x16xui16> to y""",
        x="8x16xf32",
        y="4x16xui16",
    )
    same_in_every_form(text, x=X)


def test_a_window_of_columns_stays_in_memory() -> None:
    text = kernel(
        """
        %x = pto.alloc_tile : B<8x16xf32>
        %x : B<8x16xf32> := load x
        %w = pto.subview %x[%c0, %c8] sizes [8, 8] : B<8x16xf32> -> B<8x8xf32>
        %h = pto.treshape %w : B<8x8xf32> -> B<8x16xui16>
        store %h : B<8x16xui16> to y""",
        x="8x16xf32",
        y="8x16xui16",
    )
    with collect() as said:
        raise_all(parse_text(text, "test.mlir"))
    assert "casts a window of a tile that is not one stretch" in said.entries[0].message


def test_terms_follow_rows_of_a_known_or_unknown_number() -> None:
    """The swap by bits is the swap by gathers whatever number of rows is valid; another number is not."""

    def swap(extent: str, given: str, number: str) -> str:
        tile, word = f"T<8x32xbf16, valid={extent}x32>", f"T<8x16xui32, valid={extent}x16>"
        view = f"%part = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [{number}, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<{extent}x32xbf16>"
        out = view.replace("%part", "%out").replace("%x_view", "%y_view")
        return f"""
        {view}
        {out}
        %k = arith.constant 16 : i32
        %x = pto.tload ins(%part : !pto.partition_tensor_view<{extent}x32xbf16>){given} -> {tile}
        %p = pto.reinterpret %x : {tile} -> {word}
        %u = pto.tshls ins(%p, %k : {word}, i32){given} -> {word}
        %d = pto.tshrs ins(%p, %k : {word}, i32){given} -> {word}
        %o = pto.tor ins(%u, %d : {word}, {word}){given} -> {word}
        %y = pto.reinterpret %o : {word} -> {tile}
        pto.tstore ins(%y : {tile}) outs(%out : !pto.partition_tensor_view<{extent}x32xbf16>)"""

    shapes = {"x": "8x32xbf16", "y": "8x32xbf16"}
    full = function(kernel(swap("8", "", "%c8"), **shapes))
    five = function(kernel(swap("5", "", "%c5"), **shapes))
    number = "%n = arith.index_cast %__pypto_spmd_block_idx : i32 to index\n"
    some = [function(kernel(number + swap("?", " valid [%n]", "%n"), **shapes)) for _ in range(2)]
    assert lane_difference(some[0], some[1]) is None
    assert lane_difference(five, full) is not None
    assert lane_difference(some[0], full) is not None
    assert functions(parse_text(kernel(swap("5", "", "%c5"), **shapes), "test.mlir"))


def test_a_window_of_a_cast_is_lowered_to_a_cast_of_a_window() -> None:
    """Where the assembler assigns addresses it takes no window of a cast (ptoas 0.60)."""
    text = kernel(
        """
        %k = arith.constant 16 : i32
        %x = load x
        %w = pto.bitcast %x : T<8x16xf32> -> T<8x16xui32>
        %a = pto.subview %w[%c4, %c0] sizes [4, 16] : T<8x16xui32> -> T<4x16xui32>
        %s = pto.tshrs ins(%a, %k : T<4x16xui32>, i32) -> T<4x16xui32>
        %h = pto.reinterpret %x : T<8x16xf32> -> T<16x16xui16>
        %b = pto.subview %h[%c2, %c0] sizes [4, 16] : T<16x16xui16> -> T<4x16xui16>
        %t = pto.tor ins(%b, %b : T<4x16xui16>, T<4x16xui16>) -> T<4x16xui16>
        %l = pto.subview %h[%c3, %c0] sizes [1, 16] : T<16x16xui16> -> T<1x16xui16>
        %m = pto.tor ins(%l, %l : T<1x16xui16>, T<1x16xui16>) -> T<1x16xui16>
        store %s to y
        store %t to z
        store %m to v""",
        x="8x16xf32",
        y="4x16xui32",
        z="4x16xui16",
        v="1x16xui16",
    )
    lowered = same_lowered(text, x=X)[0]
    casts = {
        line.split()[0]
        for line in lowered.splitlines()
        if "= pto.treshape" in line or "= pto.bitcast" in line
    }
    windows = [line for line in lowered.splitlines() if "pto.subview" in line]
    assert len(windows) == 3
    assert not any(line.split("pto.subview ")[1].split("[")[0] in casts for line in windows)
