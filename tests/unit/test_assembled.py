"""Pieces are computed in the tile that they are put together to, and only where that is right."""

import numpy as np

from dsv4_passes.formats.pto.reader import parse_text
from tests.unit.kernels import kernel
from tests.unit.test_raise_lower import X, lower_all, outputs, printed, same_lowered

SHAPES = {"x": "8x16xf32", "y": "8x16xf32", "z": "4x16xf32"}
TILE, HALF = "T<8x16xf32>", "T<4x16xf32>"
HALVES = f"""
    %x = load x
    %t = pto.subview %x[%c0, %c0] sizes [4, 16] : {TILE} -> {HALF}
    %b = pto.subview %x[%c4, %c0] sizes [4, 16] : {TILE} -> {HALF}"""


def add(result: str, a: str, b: str, tile: str = HALF) -> str:
    return f"{result} = pto.tadd ins({a}, {b} : {tile}, {tile}) -> {tile}"


def together(first: str, second: str, rows: tuple[int, int] = (0, 4)) -> str:
    return f"""
    %u = pto.undef : {TILE}
    %v = pto.insert {first} into %u[%c{rows[0]}, %c0] : {HALF} into {TILE} -> {TILE}
    %w = pto.insert {second} into %v[%c{rows[1]}, %c0] : {HALF} into {TILE} -> {TILE}"""


def copies(text: str) -> int:
    """How many copies the kernel needs where addresses are assigned; its bits are the same."""
    return same_lowered(text, x=X)[1].count("pto.tmov")


def test_pieces_that_others_read_too() -> None:
    """The second piece is computed from the first, which is stored as well."""
    body = HALVES + f"""
    {add("%p", "%t", "%b")}
    {add("%q", "%p", "%p")}
    {together("%p", "%q")}
    {add("%y", "%w", "%w", TILE)}
    store %p to z
    store %y to y"""  # fmt: skip
    assert copies(kernel(body, **SHAPES)) == 0


def test_a_piece_that_is_read_when_its_tile_is_dead() -> None:
    """The sum must not lie on the tile, of which a piece is still needed."""
    body = HALVES + f"""
    {add("%p", "%t", "%b")}
    {add("%q", "%b", "%b")}
    {together("%p", "%q")}
    {add("%y", "%w", "%w", TILE)}
    store %y to y
    {add("%r", "%p", "%q")}
    store %r to z"""  # fmt: skip
    assert copies(kernel(body, **SHAPES)) == 0


def test_a_piece_that_is_seen_as_another_shape() -> None:
    body = HALVES + f"""
    {add("%p", "%t", "%b")}
    %bytes = pto.reinterpret %p : {HALF} -> T<8x16xui16>
    %back = pto.reinterpret %bytes : T<8x16xui16> -> {HALF}
    {together("%back", "%t")}
    store %p to z
    store %w to y"""  # fmt: skip
    assert copies(kernel(body, **SHAPES)) == 1  # the other one is a part of another tile


def test_a_piece_that_is_put_into_two_tiles_is_copied_once() -> None:
    body = HALVES + f"""
    {add("%p", "%t", "%b")}
    {add("%q", "%b", "%b")}
    {together("%p", "%q")}
    store %w to y
    %u2 = pto.undef : {TILE}
    %v2 = pto.insert %q into %u2[%c0, %c0] : {HALF} into {TILE} -> {TILE}
    %w2 = pto.insert %p into %v2[%c4, %c0] : {HALF} into {TILE} -> {TILE}
    {add("%y", "%w", "%w2", TILE)}
    store %y to y
    store %p to z"""  # fmt: skip
    assert copies(kernel(body, **SHAPES)) == 2


def test_pieces_that_lie_over_each_other_are_copied() -> None:
    body = HALVES + f"""
    {add("%p", "%t", "%b")}
    {add("%q", "%b", "%b")}
    {together("%p", "%q", (0, 2))}
    %s = pto.subview %w[%c0, %c0] sizes [4, 16] : {TILE} -> {HALF}
    {add("%r", "%s", "%p")}
    store %r to z
    {add("%r2", "%q", "%p")}
    store %r2 to z"""  # fmt: skip
    assert copies(kernel(body, **SHAPES)) == 2


def test_a_tile_that_is_written_on_does_not_take_a_piece_that_is_read_later() -> None:
    """The tile is changed in place where the piece lies."""
    body = HALVES + f"""
    {add("%p", "%t", "%b")}
    {add("%q", "%b", "%b")}
    {together("%p", "%q")}
    store %w to y
    {add("%n", "%b", "%q")}
    %w2 = pto.insert %n into %w[%c0, %c0] : {HALF} into {TILE} -> {TILE}
    {add("%y", "%w2", "%w2", TILE)}
    store %y to y
    {add("%r", "%p", "%n")}
    store %r to z"""  # fmt: skip
    assert copies(kernel(body, **SHAPES)) >= 1


def test_a_loop_that_carries_the_tile() -> None:
    """A trip reads what the last one put together, and a piece of its own after that."""
    body = HALVES + f"""
    %f = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %x) -> ({TILE}) {{
      %s = pto.subview %a[%c4, %c0] sizes [4, 16] : {TILE} -> {HALF}
      {add("%p", "%s", "%t")}
      {add("%q", "%p", "%b")}
      {together("%p", "%q")}
      {add("%m", "%w", "%a", TILE)}
      %g = pto.subview %m[%c0, %c0] sizes [4, 16] : {TILE} -> {HALF}
      {add("%r", "%p", "%g")}
      store %r to z
      scf.yield %m : {TILE}
    }}
    store %f to y"""  # fmt: skip
    copies(kernel(body, **SHAPES))


def test_where_pieces_in_tiles_do_not_fit_they_are_copied() -> None:
    """A piece in its tile holds all bytes of it up to its own end, while another tile is large."""
    tile, half = "T<256x64xf32>", "T<128x64xf32>"
    body = f"""
    %e = load e
    %t = load t
    store %t to s
    %p = load p
    %u = pto.undef : {tile}
    %v = pto.insert %p into %u[%c0, %c0] : {half} into {tile} -> {tile}
    %w = pto.insert %e into %v[%c128, %c0] : {half} into {tile} -> {tile}
    store %w to y
    store %e to z"""
    shapes = {"e": "128x64xf32", "p": "128x64xf32", "y": "256x64xf32", "z": "128x64xf32"}
    p = np.arange(128 * 64, dtype=np.float32).reshape(128, 64)
    for rows, expected in ((480, 0), (520, 1)):
        wide = f"{rows}x64xf32"
        t = np.ones((rows, 64), np.float32)
        text = kernel(body, **shapes, t=wide, s=wide)
        lowered = lower_all(
            parse_text(text, "test.mlir"), "level3"
        )  # level2 has no room for views like these
        inputs = {"e": -p, "p": p, "t": t}
        assert outputs(lowered, inputs) == outputs(parse_text(text, "test.mlir"), inputs)
        assert printed(lowered).count("pto.tmov") == expected
