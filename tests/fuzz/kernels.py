"""Random vector kernels that move lanes: many small sites, in every way of writing them.

A kernel works on one height and two widths: full rows and halves. What is made of what is chosen at random
among the values that are there, so that lane moves stand behind and in front of arithmetic, conversions,
windows, loops, branches and stores that are loaded again.
"""

# ruff: noqa: E501  (types make long lines)

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

MODES = ("RINT", "RINT", "RINT", "ROUND", "FLOOR", "CEIL", "TRUNC", "ODD")
FLOATS = ("f32", "f32", "f32", "bf16", "bf16", "f16")
ALL_DTYPES = (*FLOATS, "i32", "i16", "i8")
BITS = {"f32": 32, "i32": 32, "ui32": 32, "bf16": 16, "f16": 16, "i16": 16, "ui16": 16, "i8": 8}
WORDS = {32: "i32", 16: "i16"}
NUMBERS = ("0.0", "-0.0", "1.0", "-1.0", "0.5", "3.0")
TABLES = {"even": 2, "odd": 2, "swap": 1, "repeat": 1}


@dataclass(frozen=True)
class Tile:
    """A value of the kernel, or one that is to be made (then without a name)."""

    name: str
    cols: int
    dtype: str
    made: int = 0
    """How many scopes were open when it was made."""


@dataclass
class VectorKernel:
    """Writes one kernel `@k` in value form."""

    random: Random
    arch: str
    lines: list[str] = field(default_factory=list)
    tiles: list[Tile] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)
    """Element type by name."""
    count: int = 0
    row: str = "%c0"
    depth: int = 0
    small: bool = True
    """A few operations on a few rows: most faults show there, and it takes little time."""

    def __post_init__(self) -> None:
        self.small = self.maybe(0.9)
        self.rows = 8 if self.small else self.random.choice((8, 16, 16, 32))
        self.wide = 32 if self.small else self.random.choice((32, 64, 64, 128))
        self.half = self.wide // 2
        self.chunks = self.random.choice((1, 2, 3))
        self.valid = self.random.choice((None, None, None, None, self.rows - 1, self.rows // 2))
        self.dynamic = self.valid is not None and self.random.random() < 0.5

    # -- text ----------------------------------------------------------------------------------------

    def fresh(self, prefix: str = "t") -> str:
        self.count += 1
        return f"%{prefix}{self.count}"

    def say(self, text: str) -> None:
        self.lines.append(text)

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def type(self, cols: int, dtype: str) -> str:
        valid = "" if self.valid is None else f", valid={'?' if self.dynamic else self.valid}x{cols}"
        return f"!pto.tile<vec, {self.rows}x{cols}x{dtype}{valid}>"

    def of(self, tile: Tile) -> str:
        return self.type(tile.cols, tile.dtype)

    @property
    def extent(self) -> str:
        return " valid [%valid]" if self.dynamic else ""

    def make(self, text: str, cols: int, dtype: str) -> Tile:
        """`%t = text -> type`."""
        new = Tile(self.fresh(), cols, dtype)
        self.say(f"{new.name} = {text}{self.extent} -> {self.type(cols, dtype)}")
        self.tiles.append(new)
        return new

    def op(self, name: str, tiles: Sequence[Tile], cols: int, dtype: str, *scalars: tuple[str, str]) -> Tile:
        names = ", ".join([t.name for t in tiles] + [n for n, _ in scalars])
        types = ", ".join([self.of(t) for t in tiles] + [t for _, t in scalars])
        return self.make(f"pto.{name} ins({names} : {types})", cols, dtype)

    # -- memory --------------------------------------------------------------------------------------

    def argument(self, cols: int, dtype: str) -> str:
        same = [n for n, t in self.arguments.items() if t == f"{cols}x{dtype}"]
        if same and self.maybe(0.6):
            return self.random.choice(same)
        name = f"g{len(self.arguments)}"
        self.arguments[name] = f"{cols}x{dtype}"
        return name

    def part(self, name: str, row: str) -> tuple[str, str]:
        cols, _, dtype = self.arguments[name].partition("x")
        view, part = f"!pto.tensor_view<?x?x{dtype}>", self.fresh("p")
        size = "%valid" if self.dynamic else f"%c{self.valid or self.rows}"
        type_ = (
            f"!pto.partition_tensor_view<{'?' if self.dynamic else self.valid or self.rows}x{cols}x{dtype}>"
        )
        whole = self.fresh("v")
        self.say(
            f"{whole} = pto.make_tensor_view %{name}, shape = [%c{self.rows * 4}, %c{cols}], "
            f"strides = [%c{cols}, %c1] : {view}"
        )
        self.say(
            f"{part} = pto.partition_view {whole}, offsets = [{row}, %c0], sizes = [{size}, %c{cols}] : "
            f"{view} -> {type_}"
        )
        return part, type_

    def load(self, cols: int, dtype: str, name: str = "") -> Tile:
        part, type_ = self.part(name or self.argument(cols, dtype), self.row)
        return self.make(f"pto.tload ins({part} : {type_})", cols, dtype)

    def store(self, tile: Tile, name: str = "") -> str:
        name = name or self.argument(tile.cols, tile.dtype)
        part, type_ = self.part(name, self.row)
        self.say(f"pto.tstore ins({tile.name} : {self.of(tile)}) outs({part} : {type_})")
        return name

    def table(self, word: str) -> Tile:
        """Indices that a fact knows; now and then one that is of another table, or none."""
        cols = self.wide // TABLES[word]
        name = f"{word}_table"
        if self.maybe(0.05):
            name = self.random.choice(("plain_indices", *(f"{other}_table" for other in TABLES)))
        self.arguments[name] = f"{cols}xi32"
        part, type_ = self.part(name, "%c0")
        return self.make(f"pto.tload ins({part} : {type_})", cols, "i32")

    # -- values --------------------------------------------------------------------------------------

    def pick(self, cols: int, dtype: str) -> Tile:
        """A value of that kind, newest first as a rule; converted, loaded or made if there is none."""
        fitting = [t for t in self.tiles if (t.cols, t.dtype) == (cols, dtype)]
        if not fitting or self.maybe(0.1):
            near = [t for t in self.tiles if t.cols == cols and t.dtype in FLOATS]
            if near and dtype in FLOATS and self.maybe(0.5) and near[-1].dtype != dtype:
                return self.convert(near[-1], dtype)
            return self.load(cols, dtype)
        return fitting[-1] if self.maybe(0.6) else self.random.choice(fitting)

    def lane_type(self) -> str:
        """An element type; rows of a tile have at least 32 bytes."""
        dtype = self.random.choice(ALL_DTYPES)
        return "bf16" if dtype == "i8" and self.half < 32 else dtype

    def width(self) -> int:
        return self.wide if self.maybe(0.5) else self.half

    def convert(self, tile: Tile, dtype: str, mode: str = "") -> Tile:
        if "f32" not in (tile.dtype, dtype):  # short floats have no direct way
            tile = self.convert(tile, "f32")
            if dtype == "f32":
                return tile
        mode = mode or self.random.choice(MODES)
        text = f"pto.tcvt ins({tile.name} {{rmode = #pto<round_mode {mode}>}} : {self.of(tile)})"
        return self.make(text, tile.cols, dtype)

    def number(self) -> str:
        name = self.fresh("k")
        self.say(f"{name} = arith.constant {self.random.choice(NUMBERS)} : f32")
        return name

    def view(self, tile: Tile, dtype: str) -> Tile:
        """The same bits in lanes of another type of that width."""
        new = Tile(self.fresh(), tile.cols, dtype)
        self.say(f"{new.name} = pto.bitcast {tile.name} : {self.of(tile)} -> {self.of(new)}")
        self.tiles.append(new)
        return new

    # -- statements ----------------------------------------------------------------------------------

    def arithmetic(self) -> None:
        cols = self.width()
        a = self.pick(cols, "f32")
        kind = self.random.randrange(4)
        if kind < 2:
            name = self.random.choice(("tadd", "tsub", "tmul", "tmax", "tmin"))
            self.op(name, [a, self.pick(cols, "f32")], cols, "f32")
        elif kind == 2:
            self.op(self.random.choice(("tadds", "tmuls", "tmaxs")), [a], cols, "f32", (self.number(), "f32"))
        else:
            self.op(self.random.choice(("tneg", "tabs", "texp")), [a], cols, "f32")

    def integers(self) -> None:
        cols, dtype = self.width(), self.random.choice(("i32", "i16"))
        a = self.pick(cols, dtype)
        if self.maybe(0.5):
            names = ("tadd", "tsub", "tmax", *(("tor", "tand", "txor") if dtype == "i16" else ()))
            name = self.random.choice(names)
            self.op(name, [a, self.pick(cols, dtype)], cols, dtype)
            return
        k = self.fresh("k")
        self.say(f"{k} = arith.constant {self.random.choice((1, 8, 15, 16))} : {dtype}")
        names = ("tshls", "tshrs", "tands", "tors") if dtype == "i16" else ("tshls", "tshrs")
        self.op(self.random.choice(names), [a], cols, dtype, (k, dtype))

    def rounding(self) -> None:
        short = self.convert(self.pick(self.width(), "f32"), self.random.choice(("bf16", "bf16", "f16")))
        if self.maybe(0.7):
            self.convert(short, "f32")

    def mask(self, parity: int) -> str:
        return f"{{maskPattern = #pto.mask_pattern<{('P0101', 'P1010')[parity]}>}}"

    def gathered(self, tile: Tile, parity: int) -> Tile:
        text = f'pto.tgather ins({tile.name}, {self.mask(parity)} : {self.of(tile)}, "row")'
        return self.make(text, self.half, tile.dtype)

    def scattered(self, tile: Tile, parity: int) -> Tile:
        text = f'pto.tscatter ins({tile.name}, {self.mask(parity)} : {self.of(tile)}, "row")'
        return self.make(text, self.wide, tile.dtype)

    def halves(self, tile: Tile) -> tuple[Tile, Tile]:
        """Even and odd lanes, by one of the ways."""
        kind = self.random.randrange(5)
        if kind == 0 or tile.dtype == "i8":
            a, b = self.fresh(), self.fresh()
            h = self.type(self.half, tile.dtype)
            given = " valid [%valid, %valid]" if self.dynamic else ""
            self.say(f"{a}, {b} = dsv4.deinterleave {tile.name}{given} : {self.of(tile)} -> {h}, {h}")
            pair = Tile(a, self.half, tile.dtype), Tile(b, self.half, tile.dtype)
            self.tiles += pair
            return pair
        if kind == 1 and BITS[tile.dtype] == 32:
            found = [self.by_index(tile, self.table(w)) for w in ("even", "odd")]
            return found[0], found[1]
        if kind == 2 and tile.dtype == "bf16":
            return self.halves_by_bits(tile)
        return self.gathered(tile, 0), self.gathered(tile, 1)

    def halves_by_bits(self, tile: Tile) -> tuple[Tile, Tile]:
        """f32 numbers: even lanes shifted up, odd lanes masked."""
        words = Tile(self.fresh(), self.half, "ui32")
        self.say(f"{words.name} = pto.reinterpret {tile.name} : {self.of(tile)} -> {self.of(words)}")
        shift, wrong = self.fresh("k"), self.fresh("k")
        self.say(f"{shift} = arith.constant 16 : i32")
        self.say(f"{wrong} = arith.constant {self.random.choice((16, 16, 16, 15))} : i32")
        low = self.op("tshls", [words], self.half, "ui32", (shift, "i32"))
        short = self.op("tshrs", [words], self.half, "ui32", (wrong, "i32"))
        high = self.op("tshls", [short], self.half, "ui32", (shift, "i32"))
        return self.view(low, "f32"), self.view(high, "f32")

    def by_index(self, tile: Tile, index: Tile) -> Tile:
        return self.op("tgather", [tile, index], index.cols, tile.dtype)

    def apart(self) -> None:
        pair = self.halves(self.pick(self.wide, self.lane_type()))
        if self.maybe(0.5):
            self.together(pair if self.maybe(0.6) else pair[::-1])

    def together(self, pair: Sequence[Tile] = ()) -> Tile:
        """Two halves with their lanes interleaved, by one of the ways; swapped parities now and then."""
        if not pair:
            dtype = self.lane_type()
            pair = [self.pick(self.half, dtype), self.pick(self.half, dtype)]
        a, b = pair
        if a.dtype != b.dtype or a.dtype not in ALL_DTYPES:
            return a
        order = (1, 0) if self.maybe(0.15) else (0, 1)
        kind = self.random.randrange(6)
        if kind == 0 or a.dtype == "i8":
            return self.lane_op("interleave", [a, b], self.wide, a.dtype)
        if kind == 1 and a.dtype == "f32":
            return self.by_blend(a, b, order)
        if kind == 2 and a.dtype == "f32":
            return self.by_words(a, b)
        s, t = self.scattered(a, order[0]), self.scattered(b, order[1])
        if kind == 3 and a.dtype in FLOATS:
            word = WORDS[BITS[a.dtype]]
            return self.view(
                self.op("tor", [self.view(s, word), self.view(t, word)], self.wide, word), a.dtype
            )
        if a.dtype == "bf16":
            return s
        return self.op("tadd" if a.dtype in FLOATS else "tor", [s, t], self.wide, a.dtype)

    def by_blend(self, a: Tile, b: Tile, order: tuple[int, int]) -> Tile:
        whole = self.pick(self.wide, "f32") if self.maybe(0.3) else self.fill(self.wide)
        zero = self.fresh("k")
        self.say(f"{zero} = arith.constant 0.0 : f32")
        rows = "?" if self.dynamic else self.valid or self.rows
        bits = f"!pto.tile<vec, {self.rows}x{max(32, self.wide // 8)}xui8, valid={rows}x{self.wide // 8}>"
        for half, parity in ((a, order[0]), (b, order[1])):
            lanes, mark = self.scattered(half, parity), self.scattered(self.fill(self.half, "1.0"), parity)
            name = self.fresh("m")
            self.say(
                f"{name} = pto.tcmps ins({mark.name}, {zero} {{cmpMode = #pto<cmp ne>}} : {self.of(mark)}, "
                f"f32){self.extent} -> {bits}"
            )
            text = f"pto.tsel ins({name}, {lanes.name}, {whole.name} : {bits}, {self.of(lanes)}, {self.of(whole)})"
            whole = self.make(text, self.wide, "f32")
        return whole

    def fill(self, cols: int, value: str = "0.0") -> Tile:
        k = self.fresh("k")
        self.say(f"{k} = arith.constant {value} : f32")
        return self.op("texpands", [], cols, "f32", (k, "f32"))

    def by_words(self, a: Tile, b: Tile) -> Tile:
        """Both rounded to bf16, and joined in words of 32 bits."""
        mode = self.random.choice(MODES)
        parts = [self.convert(self.convert(t, "bf16", mode), "f32") for t in (a, b)]
        low, high = (self.view(t, "ui32") for t in parts)
        k = self.fresh("k")
        self.say(f"{k} = arith.constant 16 : i32")
        word = self.op(
            "tor", [self.op("tshrs", [low], self.half, "ui32", (k, "i32")), high], self.half, "ui32"
        )
        new = Tile(self.fresh(), self.wide, "bf16")
        self.say(f"{new.name} = pto.reinterpret {word.name} : {self.of(word)} -> {self.of(new)}")
        self.tiles.append(new)
        return new

    def lane_op(self, name: str, tiles: Sequence[Tile], cols: int, dtype: str, flags: str = "") -> Tile:
        names, types = ", ".join(t.name for t in tiles), ", ".join(self.of(t) for t in tiles)
        new = Tile(self.fresh(), cols, dtype)
        self.say(f"{new.name} = dsv4.{name} {names}{flags}{self.extent} : {types} -> {self.of(new)}")
        self.tiles.append(new)
        return new

    def swapped(self) -> Tile:
        tile = self.pick(self.wide, self.random.choice(FLOATS))
        kind = self.random.randrange(3)
        if kind == 0:
            return self.lane_op("swap_pairs", [tile], self.wide, tile.dtype)
        if kind == 1 and tile.dtype == "f32":
            return self.by_index(tile, self.table(self.random.choice(("swap", "repeat"))))
        return self.together(self.halves(tile)[::-1])

    def rotation(self) -> None:
        """Forward or inverse, from halves or full rows, rounded or not, and mostly stored."""
        source = self.pick(self.wide, self.random.choice(("f32", "bf16")))
        x = source if source.dtype == "f32" else self.convert(source, "f32")
        if self.maybe(0.2):
            flags = self.random.choice(("", " inverse"))
            c, s = (self.load(self.half, "f32") for _ in range(2))
            whole = self.lane_op("rotate_pairs", [x, c, s], self.wide, "f32", flags)
        elif self.maybe(0.25):
            c, s = (self.load(self.wide, "f32") for _ in range(2))
            other = self.lane_op("swap_pairs", [x], self.wide, "f32")
            sums = [self.op("tmul", pair, self.wide, "f32") for pair in ([x, c], [other, s])]
            whole = self.op("tadd", sums, self.wide, "f32")
        else:
            e, o = self.halves(x)
            c, s = (self.pick(self.half, "f32") for _ in range(2))
            if self.maybe(0.1):
                s = self.fill(self.half, self.random.choice(("-0.0", "0.0")))
            terms = [self.op("tmul", pair, self.half, "f32") for pair in ([e, c], [o, s], [e, s], [o, c])]
            names = ("tsub", "tadd") if self.maybe(0.5) else ("tadd", "tsub")
            re = self.op(names[0], terms[:2], self.half, "f32")
            ro = self.op(names[1], terms[2:], self.half, "f32")
            if self.maybe(0.5):
                mode = self.random.choice(MODES)
                re, ro = (self.convert(self.convert(t, "bf16", mode), "f32") for t in (re, ro))
            whole = self.together((re, ro))
        if self.maybe(0.7) and whole.dtype == "f32":
            whole = self.convert(whole, "bf16")
        if self.maybe(0.8):
            self.store(whole)

    def window(self) -> None:
        """Rows of a tile put somewhere else in another."""
        if self.valid is not None:
            return
        cols = self.width()
        a, b, rows = self.pick(cols, "f32"), self.pick(cols, "f32"), self.rows // 2
        small = f"!pto.tile<vec, {rows}x{cols}xf32>"
        at = self.random.choice(("%c0", f"%c{rows}"))
        to = self.random.choice(("%c0", f"%c{rows}"))
        piece, new = self.fresh(), Tile(self.fresh(), cols, "f32")
        self.say(
            f"{piece} = pto.subview {a.name}[{at}, %c0] sizes [{rows}, {cols}] : {self.of(a)} -> {small}"
        )
        if self.maybe(0.5):
            other = self.fresh()
            self.say(f"{other} = pto.tneg ins({piece} : {small}) -> {small}")
            piece = other
        self.say(
            f"{new.name} = pto.insert {piece} into {b.name}[{to}, %c0] : {small} into {self.of(b)} -> {self.of(b)}"
        )
        self.tiles.append(new)

    def stage(self) -> None:
        """A store; what it wrote is loaded again, perhaps after another store, perhaps of a branch."""
        tile = self.pick(self.width(), self.random.choice(("f32", "f32", "bf16", "i32")))
        if self.maybe(0.25):
            self.say(f"scf.if {self.condition()} {{")
            name = self.store(tile)
            self.say("}")
        else:
            name = self.store(tile)
        if self.maybe(0.6):
            self.load(tile.cols, tile.dtype, name)

    def condition(self) -> str:
        name = self.fresh("is")
        self.say(f"{name} = arith.cmpi {self.random.choice(('slt', 'sge'))}, %n, %c2 : index")
        return name

    def steps(self, most: int) -> None:
        self.depth += 1
        for _ in range(self.random.randint(1, most)):
            self.step()
        self.depth -= 1

    def branch(self) -> None:
        cols = self.width()
        outer, condition, result = self.pick(cols, "f32"), self.condition(), self.fresh()
        visible = len(self.tiles)
        self.say(f"{result} = scf.if {condition} -> ({self.of(outer)}) {{")
        for end in ("} else {", "}"):
            self.steps(2)
            fitting = [t for t in self.tiles if (t.cols, t.dtype) == (cols, "f32")]
            self.say(f"scf.yield {fitting[-1].name} : {self.of(outer)}")
            del self.tiles[visible:]
            self.say(end)
        self.tiles.append(Tile(result, cols, "f32"))

    def loop(self) -> None:
        """Over chunks of rows or not; of constant or symbolic bounds, and of no trips."""
        cols = self.width()
        start, row = self.pick(cols, "f32"), self.row
        visible = len(self.tiles)
        iv, carried, result = self.fresh("i"), self.fresh(), self.fresh()
        last = self.random.choice(("%n", "%c0", "%c1", "%c2", "%c3"))
        if last == "%n":
            last = self.fresh("last")
            self.say(f"{last} = arith.minsi %n, %c3 : index")
        self.say(
            f"{result} = scf.for {iv} = %c0 to {last} step %c1 iter_args({carried} = {start.name}) -> "
            f"({self.of(start)}) {{"
        )
        self.tiles.append(Tile(carried, cols, "f32"))
        if self.maybe(0.6):
            self.row = self.fresh("row")
            self.say(f"{self.row} = arith.muli {iv}, %c{self.rows} : index")
        self.steps(3)
        fitting = [t for t in self.tiles if (t.cols, t.dtype) == (cols, "f32")]
        self.say(f"scf.yield {fitting[-1].name} : {self.of(start)}")
        self.say("}")
        del self.tiles[visible:]
        self.row = row
        self.tiles.append(Tile(result, cols, "f32"))

    def step(self) -> None:
        kinds = [self.rotation] * 4 + [self.apart, self.together, self.swapped] * 2
        kinds += [self.arithmetic, self.rounding, self.integers, self.stage, self.window]
        if self.depth < 2:
            kinds += [self.branch, self.loop]
        self.random.choice(kinds)()

    def text(self) -> str:
        """The module."""
        if self.maybe(0.4):
            self.say("%block = arith.index_cast %__pypto_spmd_block_idx : i32 to index")
            self.say(f"%row = arith.muli %block, %c{self.rows} : index")
            self.row = "%row"
        self.random.choice((self.rotation, self.rotation, self.apart, self.together, self.swapped))()
        for _ in range(self.random.choice((0, 0, 1)) if self.small else self.random.randint(0, 4)):
            self.step()
        for tile in [t for t in self.tiles if t.dtype in ALL_DTYPES][-2 if self.small else -3 :]:
            self.store(tile)
        named = {self.rows, self.rows * 4, self.rows // 2, self.wide, self.half, self.valid or 1}
        numbers = [f"%c{n} = arith.constant {n} : index" for n in sorted({0, 1, 2, 3, *named})]
        if self.dynamic:
            numbers.append(f"%valid = arith.minsi %n, %c{self.valid} : index")
        pointers = ", ".join(f"%{n}: !pto.ptr<{t.partition('x')[2]}>" for n, t in self.arguments.items())
        body = "\n".join([*numbers, *self.lines])
        head = f"func.func @k({pointers}, %n: index, %__pypto_spmd_block_idx: i32)"
        kind = "attributes {pto.kernel_kind = #pto.kernel_kind<vector>}"
        return f'module attributes {{pto.target_arch = "{self.arch}"}} {{\n{head} {kind} {{\n{body}\nreturn\n}}\n}}\n'


def vector_kernel(random: Random, arch: str) -> str:
    return VectorKernel(random, arch).text()
