"""Random kernels of the kind that rotary embeddings are written as.

One function in value form works on chunks of ROWS rows: products with matrices that select or nearly do, lane
moves, conversions, sums, blends, stores that are loaded again, in loops and branches, in blocks. No operation
mixes rows, so a row of the results depends on that row of the inputs only.
"""

# ruff: noqa: E501  (types make long lines)

from dataclasses import dataclass, field

import numpy as np

from tests.property.rope_numbers import Argument, Array, near_selector, selector

ROWS, WIDE, CHUNKS = 16, 32, 3
HALF = WIDE // 2
MODES = ("RINT", "RINT", "ROUND", "FLOOR", "TRUNC", "ODD")
BOXED = "blayout=col_major, slayout=row_major"


@dataclass(frozen=True)
class Tile:
    name: str
    loc: str
    rows: int
    cols: int
    dtype: str

    @property
    def type(self) -> str:
        extra = {
            "mat": f", {BOXED}",
            "left": f", {BOXED}",
            "right": ", slayout=col_major",
            "acc": f", {BOXED}, fractal=1024",
        }.get(self.loc, "")
        return f"!pto.tile<{self.loc}, {self.rows}x{self.cols}x{self.dtype}{extra}>"


@dataclass
class Maker:
    """Writes one kernel; on a5 a vector tile can be moved to the cube by an operation of one function."""

    random: np.random.Generator
    arch: str = "a3"
    arguments: list[Argument] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    tiles: list[Tile] = field(default_factory=list)
    rights: set[str] = field(default_factory=set)
    """Right operands: what is not finite there is so for all rows."""
    count: int = 0
    row: str = "%c0"

    # -- text ------------------------------------------------------------------------------------

    def fresh(self, prefix: str = "t") -> str:
        self.count += 1
        return f"%{prefix}{self.count}"

    def emit(self, text: str) -> None:
        self.lines.append(text)

    def tile(self, text: str, loc: str, rows: int, cols: int, dtype: str) -> Tile:
        """`%t = text -> type`."""
        new = Tile(self.fresh(), loc, rows, cols, dtype)
        self.emit(f"{new.name} = {text} -> {new.type}")
        if loc == "vec":
            self.tiles.append(new)
        return new

    def maybe(self, chance: float) -> bool:
        return bool(self.random.random() < chance)

    def pick(self, *choices: str) -> str:
        return choices[int(self.random.integers(len(choices)))]

    # -- memory ----------------------------------------------------------------------------------

    def argument(
        self, dtype: str, rows: int, cols: int, word: str = "", matrix: Array | None = None
    ) -> Argument:
        """A tensor of those extents; one that is there already, now and then."""
        same = [
            a
            for a in self.arguments
            if (a.dtype, a.rows, a.cols, a.word) == (dtype, rows, cols, word)
            and (a.matrix is None) == (matrix is None)
        ]
        if same and self.maybe(0.75 if matrix is None else 0.6):
            return same[int(self.random.integers(len(same)))]
        self.arguments.append(Argument(f"g{len(self.arguments)}", dtype, rows, cols, word, matrix))
        return self.arguments[-1]

    def part(
        self, a: Argument, row: str, col: int, rows: int | str, cols: int, turned: bool = False
    ) -> tuple[str, str]:
        """A box of an argument, and its type; `turned` exchanges its extents by a view of their strides."""
        shape, strides = f"[%c{a.rows}, %c{a.cols}]", f"[%c{a.cols}, %c1]"
        view, whole, box = self.fresh("v"), f"!pto.tensor_view<?x?x{a.dtype}>", self.fresh("p")
        offsets, layout = f"[{row}, %c{col}]", ""
        if turned:
            shape, strides = f"[%c{a.cols}, %c{a.rows}]", f"[%c1, %c{a.cols}]"
            offsets, layout = f"[%c{col}, {row}]", " {layout = #pto.layout<dn>}"
            assert isinstance(rows, int)
            rows, cols = cols, rows
        size = f"%c{rows}" if isinstance(rows, int) else rows
        type_ = f"!pto.partition_tensor_view<{rows if isinstance(rows, int) else '?'}x{cols}x{a.dtype}>"
        self.emit(
            f"{view} = pto.make_tensor_view %{a.name}, shape = {shape}, strides = {strides}{layout} : {whole}"
        )
        self.emit(
            f"{box} = pto.partition_view {view}, offsets = {offsets}, sizes = [{size}, %c{cols}] : {whole} -> {type_}"
        )
        return box, type_

    def load(
        self, a: Argument, row: str, col: int, rows: int, cols: int, loc: str, turned: bool = False
    ) -> Tile:
        box, type_ = self.part(a, row, col, rows, cols, turned)
        extents = (cols, rows) if turned else (rows, cols)
        return self.tile(f"pto.tload ins({box} : {type_})", loc, *extents, a.dtype)

    def store(self, t: Tile, a: Argument, row: str) -> None:
        box, type_ = self.part(a, row, 0, ROWS, t.cols)
        self.emit(f"pto.tstore ins({t.name} : {t.type}) outs({box} : {type_})")

    # -- vector tiles ----------------------------------------------------------------------------

    def vector(self, cols: int, dtype: str = "f32") -> Tile:
        """A vector tile of that width, newest first as a rule; loaded if there is none."""
        fitting = [t for t in self.tiles if (t.cols, t.dtype) == (cols, dtype)]
        if not fitting or self.maybe(0.15):
            return self.load(self.argument(dtype, ROWS * CHUNKS, cols), self.row, 0, ROWS, cols, "vec")
        return fitting[-1] if self.maybe(0.6) else fitting[int(self.random.integers(len(fitting)))]

    def convert(self, t: Tile, dtype: str, mode: str = "") -> Tile:
        mode = mode or self.pick(*MODES)
        return self.tile(
            f"pto.tcvt ins({t.name} {{rmode = #pto<round_mode {mode}>}} : {t.type})",
            "vec",
            t.rows,
            t.cols,
            dtype,
        )

    def constant(self, value: float) -> str:
        name = self.fresh("k")
        self.emit(f"{name} = arith.constant {value:.6e} : f32")
        return name

    def arithmetic(self) -> None:
        cols = WIDE if self.maybe(0.5) else HALF
        a = self.vector(cols)
        kind = self.random.integers(8)
        if kind < 3:
            b, op = self.vector(cols), self.pick("tadd", "tsub", "tmul", "tmax", "tmin")
            self.tile(f"pto.{op} ins({a.name}, {b.name} : {a.type}, {b.type})", "vec", ROWS, cols, "f32")
        elif kind < 6:
            op = self.pick("tadds", "tmuls", "tmaxs")
            k = self.constant(float(self.random.choice([0.0, -0.0, 1.0, -1.0, 0.5, 3.0])))
            self.tile(f"pto.{op} ins({a.name}, {k} : {a.type}, f32)", "vec", ROWS, cols, "f32")
        else:
            self.tile(f"pto.{self.pick('tneg', 'tabs')} ins({a.name} : {a.type})", "vec", ROWS, cols, "f32")

    def round_trip(self) -> None:
        t = self.vector(WIDE if self.maybe(0.5) else HALF)
        short = self.convert(t, self.pick("bf16", "bf16", "f16"))
        if self.maybe(0.7):
            self.convert(short, "f32")

    def lane_move(self) -> None:
        pattern = self.pick("P0101", "P1010")
        mask = f"{{maskPattern = #pto.mask_pattern<{pattern}>}}"
        if self.maybe(0.5):
            t = self.vector(WIDE)
            self.tile(f'pto.tgather ins({t.name}, {mask} : {t.type}, "row")', "vec", ROWS, HALF, "f32")
        else:
            t = self.vector(HALF)
            self.tile(f'pto.tscatter ins({t.name}, {mask} : {t.type}, "row")', "vec", ROWS, WIDE, "f32")

    def interleave(self) -> None:
        """Two scatters, put together by a sum or by preserve blends."""
        halves = [self.vector(HALF), self.vector(HALF)]
        masks = [f"{{maskPattern = #pto.mask_pattern<{p}>}}" for p in ("P0101", "P1010")]
        if self.maybe(0.3):
            masks.reverse()
        blend, zero, one = self.maybe(0.7), self.constant(0.0), self.constant(1.0)
        whole = self.tile(f"pto.texpands ins({zero} : f32)", "vec", ROWS, WIDE, "f32")
        if self.maybe(0.3):
            whole = self.vector(WIDE)
        ones = self.tile(f"pto.texpands ins({one} : f32)", "vec", ROWS, HALF, "f32")
        bits = f"!pto.tile<vec, {ROWS}x{WIDE}xui8, valid={ROWS}x{WIDE // 8}>"
        for half, mask in zip(halves, masks, strict=True):
            lanes = self.tile(
                f'pto.tscatter ins({half.name}, {mask} : {half.type}, "row")', "vec", ROWS, WIDE, "f32"
            )
            if not blend:
                whole = self.tile(
                    f"pto.tadd ins({whole.name}, {lanes.name} : {whole.type}, {lanes.type})",
                    "vec",
                    ROWS,
                    WIDE,
                    "f32",
                )
                continue
            mark = self.tile(
                f'pto.tscatter ins({ones.name}, {mask} : {ones.type}, "row")', "vec", ROWS, WIDE, "f32"
            )
            name = self.fresh("m")
            self.emit(
                f"{name} = pto.tcmps ins({mark.name}, {zero} {{cmpMode = #pto<cmp ne>}} : {mark.type}, f32) -> {bits}"
            )
            whole = self.tile(
                f"pto.tsel ins({name}, {lanes.name}, {whole.name} : {bits}, {lanes.type}, {whole.type})",
                "vec",
                ROWS,
                WIDE,
                "f32",
            )

    def index_scatter(self) -> None:
        half = self.vector(HALF)
        table = np.arange(ROWS)[:, None] * WIDE + 2 * np.arange(HALF)[None] + int(self.random.integers(2))
        if self.maybe(0.3):
            table[:, ::2] = table[:, ::2][:, ::-1]
        a = Argument(f"g{len(self.arguments)}", "i32", ROWS, HALF, "table", table.astype(np.int32))
        self.arguments.append(a)
        index = self.load(a, "%c0", 0, ROWS, HALF, "vec")
        self.tiles.remove(index)
        self.tile(
            f"pto.tscatter ins({half.name}, {index.name} : {half.type}, {index.type})",
            "vec",
            ROWS,
            WIDE,
            "f32",
        )

    # -- products --------------------------------------------------------------------------------

    def left(self, cols: int, dtype: str) -> list[Tile]:
        """A left operand, as one tile or as two of half as many columns."""
        chunks = 2 if cols == WIDE and self.maybe(0.25) else 1
        way = self.random.integers(4)
        width = cols // chunks
        if way < 2:
            a = self.argument(dtype, ROWS * CHUNKS, cols)
            if way == 0 and chunks == 2:
                mats = [self.load(a, self.row, i * width, ROWS, width, "mat") for i in range(chunks)]
                return [self.move(m, "left") for m in mats]
            mat = self.load(a, self.row, 0, ROWS, cols, "mat")
        else:
            t = self.vector(cols) if dtype == "f32" or way == 2 else self.vector(cols, dtype)
            if t.dtype != dtype:
                t = self.convert(t, dtype)
            mat = self.move(t, "mat")
        if chunks == 1:
            return [self.move(mat, "left")]
        return [self.extract(mat, "left", 0, i * width, ROWS, width) for i in range(chunks)]

    def move(self, t: Tile, loc: str, dtype: str | None = None) -> Tile:
        crosses = self.arch != "a5" and t.loc == "vec" and loc == "mat"  # from a vector core to the cube
        text = f"dsv4.move {t.name} : {t.type}" if crosses else f"pto.tmov ins({t.name} : {t.type})"
        return self.tile(text, loc, t.rows, t.cols, dtype or t.dtype)

    def extract(self, t: Tile, loc: str, row: int, col: int, rows: int, cols: int) -> Tile:
        text = f"pto.textract ins({t.name}, %c{row}, %c{col} : {t.type}, index, index)"
        return self.tile(text, loc, rows, cols, t.dtype)

    def right(self, rows: int, cols: int, dtype: str, chunks: int) -> list[Tile]:
        """A selector, or nearly one, or what nothing is known of."""
        turned, kind = self.maybe(0.3), self.random.integers(8)
        shape = (cols, rows) if turned else (rows, cols)
        if kind < 5 and rows != cols:
            odd = int(self.random.integers(2))
            a = self.argument(dtype, *shape, "odd" if odd else "even", selector(*shape, odd))
        elif kind < 7:
            near = near_selector(self.random, rows, cols)
            a = self.argument(dtype, *shape, "near", near.T.copy() if turned else near)
        else:
            a = self.argument(dtype, *shape)
        width = rows // chunks
        if chunks == 2 and self.maybe(0.5):
            boxes = [(f"%c{0 if turned else i * width}", i * width if turned else 0) for i in range(chunks)]
            extents = (cols, width) if turned else (width, cols)
            mats = [self.load(a, r, c, *extents, "mat", turned) for r, c in boxes]
            self.rights |= {m.name for m in mats}
            return [self.move(m, "right") for m in mats]
        mat = self.load(a, "%c0", 0, *shape, "mat", turned)
        self.rights.add(mat.name)
        if chunks == 1:
            return [self.move(mat, "right")]
        return [self.extract(mat, "right", i * width, 0, width, cols) for i in range(chunks)]

    def product(self) -> None:
        dtype = self.pick("bf16", "bf16", "bf16", "f16", "f32")
        k, n = ((WIDE, HALF), (HALF, WIDE), (HALF, WIDE), (HALF, HALF))[int(self.random.integers(4))]
        acc: Tile | None = None
        for _ in range(2 if k == HALF and self.maybe(0.7) else 1):
            lefts = self.left(k, dtype)
            rights = self.right(k, n, dtype, len(lefts))
            for a, b in zip(lefts, rights, strict=True):
                if acc is None:
                    text = f"pto.tmatmul ins({a.name}, {b.name} : {a.type}, {b.type})"
                else:
                    text = f"pto.tmatmul.acc ins({acc.name}, {a.name}, {b.name} : {acc.type}, {a.type}, {b.type})"
                acc = self.tile(text, "acc", ROWS, n, "f32")
            if acc is not None and k == HALF and self.maybe(0.3):  # the halves are added by a vector core
                self.move(acc, "vec")
                acc = None
        if acc is None:
            halves = [t for t in self.tiles if (t.cols, t.dtype) == (n, "f32")][-2:]
            if len(halves) == 2:
                a, b = halves
                self.tile(f"pto.tadd ins({a.name}, {b.name} : {a.type}, {b.type})", "vec", ROWS, n, "f32")
            return
        if self.maybe(0.25):
            self.store(acc, self.argument(self.pick("f32", "bf16"), ROWS * CHUNKS, n), self.row)
        if self.maybe(0.85):
            self.move(acc, "vec")

    def reassemble(self) -> None:
        """Halves are rounded for the cube, put together there, and perhaps rounded again."""
        mode, again = self.pick("RINT", "RINT", "ROUND", "FLOOR"), self.maybe(0.7)
        acc: Tile | None = None
        parts: list[Tile] = []
        for odd in (0, 1) if self.maybe(0.8) else (1, 0):
            short = self.convert(self.vector(HALF), "bf16", mode)
            a = self.move(self.move(short, "mat"), "left")
            matrix = selector(HALF, WIDE, odd)
            known = self.argument("bf16", HALF, WIDE, "odd" if odd else "even", matrix)
            b = self.move(self.load(known, "%c0", 0, HALF, WIDE, "mat"), "right")
            given = f"{a.name}, {b.name} : {a.type}, {b.type}"
            if acc is None:
                acc = self.tile(f"pto.tmatmul ins({given})", "acc", ROWS, WIDE, "f32")
            else:
                given = f"{acc.name}, {a.name}, {b.name} : {acc.type}, {a.type}, {b.type}"
                acc = self.tile(f"pto.tmatmul.acc ins({given})", "acc", ROWS, WIDE, "f32")
            if self.maybe(0.15):
                parts.append(self.move(acc, "vec"))
                acc = None
        whole = self.move(acc, "vec") if acc is not None else parts.pop()
        if parts:
            given = f"{parts[0].name}, {whole.name} : {whole.type}, {whole.type}"
            whole = self.tile(f"pto.tadd ins({given})", "vec", ROWS, WIDE, "f32")
        if again:
            whole = self.convert(whole, "bf16", mode if self.maybe(0.8) else "ROUND")
        self.store(whole, self.argument(whole.dtype, ROWS * CHUNKS, WIDE), self.row)

    # -- memory again, loops, branches -----------------------------------------------------------

    def stage(self) -> None:
        """A store; what it wrote is loaded again, perhaps after another store."""
        t = self.vector(WIDE if self.maybe(0.5) else HALF, self.pick("f32", "f32", "bf16"))
        a = self.argument(t.dtype, ROWS * CHUNKS, t.cols)
        if self.maybe(0.2):
            self.partial_store(t, a)
        elif self.maybe(0.3):
            condition = self.fresh("is")
            self.emit(f"{condition} = arith.cmpi {self.pick('slt', 'sge')}, %n, %c8 : index")
            self.emit(f"scf.if {condition} {{")
            self.store(t, a, self.row)
            self.emit("}")
        else:
            self.store(t, a, self.row)
        if self.maybe(0.6):
            self.load(a, self.row, 0, ROWS, t.cols, "vec")

    def partial_store(self, t: Tile, a: Argument) -> None:
        cut, open_ = self.fresh("cut"), t.type.replace(">", ", valid=?x?>")
        self.emit(f"{cut} = pto.set_validshape {t.name}, %n, %c{t.cols} : {t.type} -> {open_}")
        box, type_ = self.part(a, self.row, 0, "%n", t.cols)
        self.emit(f"pto.tstore ins({cut} : {open_}) outs({box} : {type_})")

    def branch(self) -> None:
        """One of two tiles, made on either side."""
        result, condition, visible = self.fresh(), self.fresh("is"), len(self.tiles)
        cols = WIDE if self.maybe(0.5) else HALF
        outer = self.vector(cols)
        visible = len(self.tiles)
        self.emit(f"{condition} = arith.cmpi {self.pick('slt', 'sge')}, %n, %c8 : index")
        self.emit(f"{result} = scf.if {condition} -> ({outer.type}) {{")
        for side in ("} else {", "}"):
            for _ in range(int(self.random.integers(1, 3))):
                self.step(2)
            fitting = [t for t in self.tiles if (t.cols, t.dtype) == (cols, "f32")]
            self.emit(f"scf.yield {fitting[-1].name} : {outer.type}")
            del self.tiles[visible:]
            self.emit(side)
        self.tiles.append(Tile(result, "vec", ROWS, cols, "f32"))

    def loop(self) -> None:
        """A loop over chunks of rows, or one that sums something up."""
        cols = WIDE if self.maybe(0.5) else HALF
        start = self.vector(cols)
        visible, row = len(self.tiles), self.row
        iv, carried, result = self.fresh("i"), self.fresh(), self.fresh()
        last = self.pick("%n", "%c2", "%c3")
        if last == "%n":
            last = self.fresh("last")
            self.emit(f"{last} = arith.minsi %n, %c3 : index")
        self.emit(
            f"{result} = scf.for {iv} = %c0 to {last} step %c1 iter_args({carried} = {start.name}) -> ({start.type}) {{"
        )
        self.tiles.append(Tile(carried, "vec", ROWS, cols, "f32"))
        if self.maybe(0.7):
            self.row = self.fresh("row")
            self.emit(f"{self.row} = arith.muli {iv}, %c{ROWS} : index")
        for _ in range(int(self.random.integers(1, 4))):
            self.step(1)
        fitting = [t for t in self.tiles if (t.cols, t.dtype) == (cols, "f32")]
        self.emit(f"scf.yield {fitting[-1].name} : {start.type}")
        self.emit("}")
        del self.tiles[visible:]
        self.row = row
        self.tiles.append(Tile(result, "vec", ROWS, cols, "f32"))

    def step(self, depth: int = 0) -> None:
        kinds = [self.product] * 5 + [self.reassemble] * 3 + [self.arithmetic] * 4 + [self.interleave] * 2
        kinds += [self.round_trip, self.lane_move, self.index_scatter, self.stage, self.stage, self.stage]
        if depth < 1:
            kinds.append(self.loop)
        if depth < 2:
            kinds.append(self.branch)
        kinds[int(self.random.integers(len(kinds)))]()

    def kernel(self) -> str:
        if self.maybe(0.3):
            self.emit("%block = arith.index_cast %__pypto_spmd_block_idx : i32 to index")
            self.emit(f"%row = arith.muli %block, %c{ROWS} : index")
            self.row = "%row"
        for _ in range(int(self.random.integers(2, 7))):
            self.step()
        for t in [t for t in self.tiles if t.dtype in ("f32", "bf16")][-3:]:
            self.store(t, self.argument(t.dtype, ROWS * CHUNKS, t.cols), self.row)
        sizes = sorted({0, 1, 2, 3, 8, ROWS, HALF, WIDE, ROWS * CHUNKS})
        numbers = "\n".join(f"%c{n} = arith.constant {n} : index" for n in sizes)
        words = ("even", "odd")
        parameters = ", ".join(
            f"%{a.name}: !pto.ptr<{a.dtype}>"
            + (f" {{dsv4.selector = #dsv4.selector<{a.word}>}}" if a.word in words else "")
            for a in self.arguments
        )
        kind = "pto.kernel_kind = #pto.kernel_kind<cube>"
        body = "\n".join(self.lines)
        head = f"func.func @k({parameters}, %n: index, %__pypto_spmd_block_idx: i32) attributes {{{kind}}}"
        module = f'builtin.module attributes {{pto.target_arch = "{self.arch}"}}'
        return f"{module} {{\n{head} {{\n{numbers}\n{body}\nreturn\n}}\n}}\n"
