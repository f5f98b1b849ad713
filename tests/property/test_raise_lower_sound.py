"""Random kernels on overlapping tiles: raised, and lowered again at both levels, they compute the same bits.

Every statement names its tiles by address, most of them anew, at random places of one small arena: results
lie on operands, on parts of other tiles and on what a loop carries. Reads are of bytes that were written;
what a random kernel reads beyond that (in a loop that runs twice, or not at all) is left out.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.pto.elements import element_bits
from dialects.pto.types import TileBufType, TileType
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.transforms.common.origin import Level
from dsv4_passes.transforms.lowering.lower_tiles import lower_function
from dsv4_passes.transforms.raising.raise_tiles import raise_function

ARENA = 2048  # bytes
SLOT = 512
SHAPES = [(8, 16), (8, 16), (8, 16), (16, 8), (4, 16), (8, 8), (1, 16), (2, 16), (1, 128), (1, 64)]
OTHER_LANES = [
    *[("ui16", (8, 32)), ("ui16", (16, 16)), ("ui16", (1, 32)), ("ui32", (8, 16)), ("ui32", (4, 16))],
    *[("i32", (16, 8)), ("ui8", (16, 32)), ("ui8", (1, 64)), ("i16", (2, 32))],
]
BINARY = ["tadd", "tsub", "tmax", "tmin"]
TENSOR = "!pto.tensor_view<?x?xf32>"


@dataclass(frozen=True)
class Tile:
    """A handle: its name, type, place in bytes and shape; `rows` of it are valid."""

    name: str
    type: str
    address: int
    shape: tuple[int, int]
    rows: int
    width: int = 4

    @property
    def bytes(self) -> slice:
        return slice(self.address, self.address + self.rows * self.shape[1] * self.width)


@dataclass
class Kernel:
    """A kernel in the making. `known` are bytes of the arena that are certainly written by now."""

    rng: random.Random
    lines: list[str] = field(default_factory=list[str])
    handles: list[list[Tile]] = field(default_factory=lambda: [[]])
    loops: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    names: int = 0
    stores: int = 0

    def __post_init__(self) -> None:
        rng = self.rng
        self.known = np.zeros(ARENA, np.bool_)
        self.m, self.n = rng.randrange(3), rng.randrange(1, 9)
        for slot in range(ARENA // SLOT):
            if rng.random() < 0.8:
                self.load(self.tile((8, 16), slot * SLOT))
        for _ in range(rng.randrange(3, 12)):
            self.statement(2)
        for _ in range(4):
            self.store()

    def text(self) -> str:
        body = "\n".join(self.lines)
        rows = 64 * max(1, self.stores)
        views = "\n".join(
            f"%{name}_view = pto.make_tensor_view %{name}, shape = [%c{size}, %c128], "
            f"strides = [%c128, %c1] : {TENSOR}"
            for name, size in (("x", 64), ("y", rows))
        )
        kinds = {"c": "index", "a": "i64", "f": "f32", "s": "i32"}
        constants = "\n".join(
            f"%{kind}{number} = arith.constant {number}{'.5' * (kind == 'f')} : {kinds[kind]}"
            for kind, number in sorted(set(re.findall(r"%([cafs])(\d+)\b", views + body)))
        )
        return (
            "func.func @k(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>, %m: index, %n: index) {\n"
            f"{constants}\n{views}\n{body}\nreturn\n}}\n"
        )

    # -- pieces of text ----------------------------------------------------------------------------

    def name(self) -> str:
        self.names += 1
        return f"%v{self.names}"

    def add(self, line: str) -> None:
        self.lines.append(line)

    def tile(
        self, shape: tuple[int, int], address: int | None = None, dtype: str = "f32", partly: bool = False
    ) -> Tile:
        """A handle at an address, or at a random one; `partly`: of `%n` valid rows."""
        rng, (rows, cols) = self.rng, shape
        width = element_bits(dtype) // 8
        if address is None:
            last = ARENA - rows * cols * width
            slots = [a for a in range(0, ARENA, SLOT) if a <= last]
            address = rng.choice(slots) if rng.random() < 0.7 else rng.randrange(0, last + 1, 32)
        name, layout = self.name(), ", blayout=col_major" if cols == 1 else ""
        valid, type_ = "", f"!pto.tile_buf<vec, {rows}x{cols}x{dtype}{layout}>"
        if partly:
            valid, type_ = f" valid_row = %n valid_col = %c{cols}", type_[:-1] + ", valid=?x?>"
        known = [t for scope in self.handles for t in scope]
        made = Tile(name, type_, address, shape, min(rows, self.n) if partly else rows, width)
        same = [t for t in known if (t.type, t.address, t.rows) == (type_, address, made.rows)]
        if same and rng.random() < 0.3:
            return rng.choice(same)
        self.add(f"{name} = pto.alloc_tile addr = %a{address}{valid} : {type_}")
        self.handles[-1].append(made)
        return made

    def source(self, shape: tuple[int, int], partly: bool = False, dtype: str = "f32") -> Tile | None:
        """A tile of which everything is known."""
        width = element_bits(dtype) // 8
        size = (min(shape[0], self.n) if partly else shape[0]) * shape[1] * width
        places = range(0, ARENA - shape[0] * shape[1] * width + 1, 32)
        places = [a for a in places if self.known[a : a + size].all()]
        round_ = [a for a in places if a % SLOT == 0]
        if round_ and self.rng.random() < 0.7:
            places = round_
        return self.tile(shape, self.rng.choice(places), dtype, partly) if places else None

    def wrote(self, tile: Tile) -> None:
        self.forget(tile)
        self.known[tile.bytes] = True

    def forget(self, tile: Tile) -> None:
        self.known[tile.address : tile.address + tile.shape[0] * tile.shape[1] * tile.width] = False

    # -- statements --------------------------------------------------------------------------------

    def statement(self, depth: int) -> None:
        kinds: list[Callable[[], None]] = [
            *[self.binary] * 5,
            *[self.unary] * 3,
            *[self.window_in, self.window_out, self.window_out, self.move] * 2,
            *[self.fill, self.reduce, self.narrow, self.store, self.recast, self.partly, self.extents],
            *[self.words, self.words, self.piece_of_words],
            lambda: self.load(self.tile(self.rng.choice(SHAPES))),
        ]
        if depth:
            kinds += [lambda: self.loop(depth)] * 3 + [lambda: self.branch(depth)] * 2
        self.rng.choice(kinds)()

    def block(self, depth: int) -> None:
        self.handles.append([])
        for _ in range(self.rng.randrange(1, 5)):
            self.statement(depth)
        self.handles.pop()

    def loop(self, depth: int) -> None:
        rng, before = self.rng, self.known.copy()
        trips = rng.choice([0, 1, 2, 3, 3, None])
        end = "%m" if trips is None else f"%c{trips}"
        iv, carried, result = self.name(), self.name(), self.name()
        scalar = rng.random() < 0.3
        head = f"scf.for {iv} = %c0 to {end} step %c1"
        self.add(f"{result} = {head} iter_args({carried} = %f1) -> (f32) {{" if scalar else head + " {")
        self.loops.append((iv, self.m if trips is None else trips))
        self.block(depth - 1)
        self.loops.pop()
        if scalar:
            following = self.name()
            self.handles.append([])
            tile = self.tile(rng.choice(SHAPES))
            self.handles.pop()
            self.add(f"pto.texpands ins({carried} : f32) outs({tile.name} : {tile.type})")
            self.wrote(tile)
            self.add(f"{following} = arith.addf {carried}, %f2 : f32")
            self.add(f"scf.yield {following} : f32")
        self.add("}")
        if not trips:
            self.known &= before
        if scalar:
            tile = self.tile(rng.choice(SHAPES))
            self.add(f"pto.texpands ins({result} : f32) outs({tile.name} : {tile.type})")
            self.wrote(tile)

    def branch(self, depth: int) -> None:
        rng, condition = self.rng, self.name()
        left = rng.choice([*(iv for iv, _ in self.loops[-1:] * 3), "%m"])
        predicate = rng.choice(["eq", "ne", "slt"])
        right = rng.choice(["%c0", "%c0", "%c1"])
        self.add(f"{condition} = arith.cmpi {predicate}, {left}, {right} : index")
        before = self.known.copy()
        self.add(f"scf.if {condition} {{")
        self.block(depth - 1)
        one, self.known = self.known, before.copy()
        if rng.random() < 0.5:
            self.add("} else {")
            self.block(depth - 1)
        self.add("}")
        self.known &= one

    def load(self, tile: Tile) -> None:
        (rows, cols), part = tile.shape, self.name()
        iv = self.loops[-1][0] if self.loops and self.rng.random() < 0.5 else f"%c{self.rng.randrange(40)}"
        box = f"!pto.partition_tensor_view<{rows}x{cols}xf32>"
        self.add(
            f"{part} = pto.partition_view %x_view, offsets = [{iv}, %c0], "
            f"sizes = [%c{rows}, %c{cols}] : {TENSOR} -> {box}"
        )
        self.add(f"pto.tload ins({part} : {box}) outs({tile.name} : {tile.type})")
        self.wrote(tile)

    def store(self) -> None:
        """Every store has rows of its own, and every trip of the innermost loop."""
        if (tile := self.source(self.rng.choice(SHAPES))) is None:
            return
        (rows, cols), part, row = tile.shape, self.name(), f"%c{64 * self.stores}"
        self.stores += 1
        if self.loops:
            step, at = self.name(), self.name()
            self.add(f"{step} = arith.muli {self.loops[-1][0]}, %c16 : index")
            self.add(f"{at} = arith.addi {step}, {row} : index")
            row = at
        box = f"!pto.partition_tensor_view<{rows}x{cols}xf32>"
        self.add(
            f"{part} = pto.partition_view %y_view, offsets = [{row}, %c0], "
            f"sizes = [%c{rows}, %c{cols}] : {TENSOR} -> {box}"
        )
        self.add(f"pto.tstore ins({tile.name} : {tile.type}) outs({part} : {box})")

    def binary(self) -> None:
        shape, partly = self.rng.choice(SHAPES), self.rng.random() < 0.1
        partly = partly and shape[0] == 8
        a, b = self.source(shape, partly), self.source(shape, partly)
        if a is None or b is None:
            return
        at = self.rng.choice([a.address, b.address, None])
        d = self.tile(shape, at, partly=partly)
        op = self.rng.choice(BINARY)
        self.add(f"pto.{op} ins({a.name}, {b.name} : {a.type}, {b.type}) outs({d.name} : {d.type})")
        self.wrote(d)

    def unary(self) -> None:
        shape = self.rng.choice(SHAPES)
        if (a := self.source(shape)) is None:
            return
        d = self.tile(shape, self.rng.choice([a.address, None]))
        if self.rng.random() < 0.5:
            self.add(f"pto.tabs ins({a.name} : {a.type}) outs({d.name} : {d.type})")
        else:
            number = self.rng.randrange(3)
            self.add(f"pto.tadds ins({a.name}, %f{number} : {a.type}, f32) outs({d.name} : {d.type})")
        self.wrote(d)

    def move(self) -> None:
        shape = self.rng.choice(SHAPES)
        if (a := self.source(shape)) is None:
            return
        d = self.tile(shape, self.rng.choice([a.address, None]))
        self.add(f"pto.tmov ins({a.name} : {a.type}) outs({d.name} : {d.type})")
        self.wrote(d)

    def fill(self) -> None:
        d = self.tile(self.rng.choice(SHAPES))
        self.add(f"pto.texpands ins(%f{self.rng.randrange(4)} : f32) outs({d.name} : {d.type})")
        self.wrote(d)

    def partly(self) -> None:
        """A tile of `%n` valid rows; what lies below them is nobody's."""
        d = self.tile((8, 16), partly=True)
        self.add(f"pto.texpands ins(%f{self.rng.randrange(4)} : f32) outs({d.name} : {d.type})")
        self.wrote(d)

    def extents(self) -> None:
        """A handle that sees fewer rows from now on; a later handle on its bytes sees all again."""
        if (a := self.source((8, 16))) is None:
            return
        handle, d = self.name(), self.tile((8, 16), partly=True)
        type_ = a.type[:-1] + ", valid=?x?>"
        self.add(f"{handle} = pto.alloc_tile addr = %a{a.address} valid_row = %c8 valid_col = %c16 : {type_}")
        self.add(f"pto.set_validshape {handle}, %n, %c16 : {type_}")
        self.add(f"pto.tabs ins({handle} : {type_}) outs({d.name} : {d.type})")
        self.wrote(d)

    def recast(self) -> None:
        """The same bytes in another shape: by an operation."""
        if (a := self.source((8, 16))) is None:
            return
        name, shape = self.name(), self.rng.choice([(16, 8), (1, 128), (4, 32)])
        type_ = f"!pto.tile_buf<vec, {shape[0]}x{shape[1]}xf32>"
        self.add(f"{name} = pto.treshape {a.name} : {a.type} -> {type_}")
        d = self.tile(shape, self.rng.choice([a.address, None]))
        self.add(f"pto.tabs ins({name} : {type_}) outs({d.name} : {d.type})")
        self.wrote(d)

    def reduce(self) -> None:
        """Sums of rows as a column, which is added as one, or read as a row."""
        if (a := self.source((8, 16))) is None:
            return
        scratch = self.tile((8, 16), self.rng.choice([ARENA, ARENA, None]))
        column = self.tile((8, 1))
        apart = abs(scratch.address - column.address) >= SLOT and abs(scratch.address - a.address) >= SLOT
        if not apart:
            scratch = self.tile((8, 16), ARENA)
        self.add(
            f"pto.trowsum ins({a.name}, {scratch.name} : {a.type}, {scratch.type}) "
            f"outs({column.name} : {column.type})"
        )
        self.forget(scratch)
        self.wrote(column)
        if self.rng.random() < 0.5:
            row, d = self.tile((1, 8), column.address), self.tile((1, 8))
            self.add(f"pto.tabs ins({row.name} : {row.type}) outs({d.name} : {d.type})")
        else:
            if (wide := self.source((8, 16))) is None:
                return
            d = self.tile((8, 16), self.rng.choice([wide.address, None]))
            self.add(
                f"pto.trowexpandadd ins({wide.name}, {column.name} : {wide.type}, {column.type}) "
                f"outs({d.name} : {d.type})"
            )
        self.wrote(d)

    def narrow(self) -> None:
        """To half the bytes and back, often in place."""
        if (a := self.source((8, 16))) is None:
            return
        half = self.tile((8, 16), self.rng.choice([a.address, a.address, None]), "bf16")
        self.add(
            f"pto.tcvt ins({a.name} {{rmode = #pto<round_mode RINT>}} : {a.type}) "
            f"outs({half.name} : {half.type})"
        )
        self.wrote(half)
        d = self.tile((8, 16), self.rng.choice([a.address, None]))
        if abs(d.address - half.address) < SLOT and d.address != half.address:
            d = self.tile((8, 16), half.address)
        self.add(f"pto.tcvt ins({half.name} : {half.type}) outs({d.name} : {d.type})")
        self.wrote(d)

    def words(self) -> None:
        """Bytes that are read, and written, as lanes of another width."""
        dtype, shape = self.rng.choice(OTHER_LANES)
        if (a := self.source(shape, dtype=dtype)) is None:
            return
        d = self.tile(shape, self.rng.choice([a.address, None]), dtype)
        self.change(a, d.name, d.type)
        self.wrote(d)

    def change(self, a: Tile, name: str, type_: str) -> None:
        if "xui8" not in a.type and self.rng.random() < 0.7:
            number = self.rng.choice([1, 8, 16])
            self.add(f"pto.tshrs ins({a.name}, %s{number} : {a.type}, i32) outs({name} : {type_})")
        else:
            self.add(f"pto.tor ins({a.name}, {a.name} : {a.type}, {a.type}) outs({name} : {type_})")

    def piece_of_words(self) -> None:
        """One row among bytes that may have been written as lanes of another width."""
        dtype, (rows, cols) = self.rng.choice([lanes for lanes in OTHER_LANES if lanes[1][0] > 1])
        whole = self.tile((rows, cols), None, dtype)
        if (a := self.source((1, cols), dtype=dtype)) is None:
            return
        name, row = self.name(), self.rng.randrange(rows)
        type_ = f"!pto.tile_buf<vec, 1x{cols}x{dtype}>"
        self.add(
            f"{name} = pto.subview {whole.name}[%c{row}, %c0] sizes [1, {cols}] : {whole.type} -> {type_}"
        )
        self.change(a, name, type_)
        width = cols * whole.width
        start = whole.address + row * width
        self.known[start : start + width] = True

    def box(self, rows: int, cols: int) -> tuple[str, str, tuple[int, int]]:
        """Where in an 8x16 tile a box begins, as operands, and its shape."""
        shape = self.rng.choice([(1, 16), (2, 16), (4, 16), (8, 8), (2, 8)])
        row, col = self.rng.randrange(0, rows - shape[0] + 1), self.rng.randrange(0, cols - shape[1] + 1, 8)
        if self.loops and shape[0] <= 4 and self.loops[-1][1] + shape[0] <= 9 and self.rng.random() < 0.6:
            return self.loops[-1][0], f"%c{col}", shape
        return f"%c{row}", f"%c{col}", shape

    def window(self, whole: Tile) -> tuple[str, str, tuple[int, int]]:
        row, col, shape = self.box(*whole.shape)
        name, type_ = self.name(), f"!pto.tile_buf<vec, {shape[0]}x{shape[1]}xf32>"
        self.add(
            f"{name} = pto.subview {whole.name}[{row}, {col}] sizes [{shape[0]}, {shape[1]}] : "
            f"{whole.type} -> {type_}"
        )
        return name, type_, shape

    def window_in(self) -> None:
        if (whole := self.source((8, 16))) is None:
            return
        name, type_, shape = self.window(whole)
        d = self.tile(shape, self.rng.choice([whole.address, None, None]))
        self.add(f"pto.tabs ins({name} : {type_}) outs({d.name} : {d.type})")
        self.wrote(d)

    def window_out(self) -> None:
        if (whole := self.source((8, 16))) is None:
            return
        name, type_, shape = self.window(whole)
        if self.rng.random() < 0.3:
            self.add(f"pto.tadds ins({name}, %f1 : {type_}, f32) outs({name} : {type_})")
        elif (a := self.source(shape)) is not None:
            self.add(f"pto.tabs ins({a.name} : {a.type}) outs({name} : {type_})")


def functions(module: ModuleOp) -> list[func.FuncOp]:
    return [op for op in module.walk() if isinstance(op, func.FuncOp)]


def run(module: ModuleOp, made: Kernel) -> bytes:
    """What the kernel stores."""
    inputs = {
        "x": np.random.default_rng(0).standard_normal((64, 128), np.float32),
        "y": np.zeros((64 * max(1, made.stores), 128), np.float32),
        "m": np.array(made.m),
        "n": np.array(made.n),
    }
    return run_on_arrays(choose_kernel(find_kernels(module), None, "test"), inputs, 1, "test")["y"].tobytes()


def forms(module: ModuleOp) -> set[type]:
    kinds = (TileBufType, TileType)
    return {type(r.type) for op in module.walk() for r in op.results if isinstance(r.type, kinds)}


def check(made: Kernel) -> str:
    """`raised`, `stays` in buffer form, or `undefined`: it reads what nobody wrote. Raises if it is wrong."""
    if not made.stores:
        return "undefined"
    module = parse_text(made.text(), "test.mlir")
    try:
        expected = run(module, made)
    except UserError:
        return "undefined"
    for function in functions(module):
        raise_function(function)
    if TileBufType in forms(module):
        return "stays"
    assert run(module, made) == expected, "raised"
    levels: tuple[Level, ...] = ("level2", "level3")
    for level in levels:
        lowered = module.clone()
        for function in functions(lowered):
            lower_function(function, "a3", "0.60", level)
        verify_module(lowered)
        assert TileType not in forms(lowered)
        assert run(lowered, made) == expected, level
    return "raised"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 40))
def test_raising_and_lowering_keep_all_bits(seed: int):
    assume(check(Kernel(random.Random(seed))) == "raised")


@pytest.mark.parametrize("seed", [7336, 7441, 7504])
def test_a_branch_may_leave_fewer_valid_rows_than_the_other(seed: int):
    """Nobody reads the tile with the extent that it has then: who reads it says how much of it is valid."""
    assert check(Kernel(random.Random(seed))) == "raised"
