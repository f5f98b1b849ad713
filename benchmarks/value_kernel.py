"""Writes kernels in value form, an operation at a time, for the benchmarks."""

import re
from typing import NamedTuple

WIDE = 64


class Value(NamedTuple):
    """A value of the kernel: its name and its type."""

    name: str
    rows: int
    cols: int
    dtype: str
    loc: str = "vec"

    @property
    def type(self) -> str:
        return f"!pto.tile<{self.loc}, {self.rows}x{self.cols}x{self.dtype}>"


class Kernel:
    """The text of a kernel in value form, an operation at a time."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.arguments: list[str] = []
        self.indent = "  "

    def text(self) -> str:
        body = "\n".join(self.lines)
        signature = ", ".join(self.arguments)
        numbers = sorted({(kind, int(n)) for kind, n in re.findall(r"%([csf])(\d+)\b", body)})
        kinds = {"c": "{} : index", "s": "{} : i32", "f": "{}.0 : f32"}
        constants = "".join(f"  %{kind}{n} = arith.constant {kinds[kind].format(n)}\n" for kind, n in numbers)
        return f"func.func @form({signature}) {{\n{constants}{body}\n  return\n}}\n"

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text)

    def view(self, rows: int, cols: int, dtype: str) -> tuple[str, str]:
        """A view of a whole new argument, and its type."""
        number = len(self.arguments)
        part, whole = f"!pto.partition_tensor_view<{rows}x{cols}x{dtype}>", f"!pto.tensor_view<?x?x{dtype}>"
        self.arguments.append(f"%arg{number}: !pto.ptr<{dtype}>")
        shape = f"[%c{rows}, %c{cols}]"
        self.line(
            f"%whole{number} = pto.make_tensor_view %arg{number}, shape = {shape}, strides = [%c{cols}, %c1] "
            f": {whole}"
        )
        self.line(
            f"%part{number} = pto.partition_view %whole{number}, offsets = [%c0, %c0], sizes = {shape} "
            f": {whole} -> {part}"
        )
        return f"%part{number}", part

    def fresh(self, rows: int, cols: int, dtype: str, loc: str = "vec") -> Value:
        return Value(f"%v{len(self.lines)}", rows, cols, dtype, loc)

    def load(self, rows: int, cols: int, dtype: str, loc: str = "vec") -> Value:
        name, type_ = self.view(rows, cols, dtype)
        made = self.fresh(rows, cols, dtype, loc)
        self.line(f"{made.name} = pto.tload ins({name} : {type_}) -> {made.type}")
        return made

    def store(self, value: Value, dtype: str = "") -> None:
        name, type_ = self.view(value.rows, value.cols, dtype or value.dtype)
        self.line(f"pto.tstore ins({value.name} : {value.type}) outs({name} : {type_})")

    def op(
        self,
        mnemonic: str,
        values: list[Value],
        dtype: str = "",
        shape: tuple[int, int] | None = None,
        *,
        clause: str = "",
        scalar: str = "",
        behind: str = "",
    ) -> Value:
        first = values[0] if values else Value("", 0, 0, "")
        made = self.fresh(*(shape or (first.rows, first.cols)), dtype or first.dtype)
        names, types = [v.name for v in values], [v.type for v in values]
        if scalar:
            names.append(scalar.partition(":")[0])
            types.append(scalar.partition(":")[2])
        inside = f"{', '.join(names)}{clause} : {', '.join(types)}{behind}"
        self.line(f"{made.name} = pto.{mnemonic} ins({inside}) -> {made.type}")
        return made

    # -- views -----------------------------------------------------------------------------------

    def seen(self, value: Value, rows: int, cols: int, dtype: str = "") -> Value:
        """The same bytes in another shape, or as other elements."""
        made = self.fresh(rows, cols, dtype or value.dtype)
        self.line(f"{made.name} = pto.reshape {value.name} : {value.type} -> {made.type}")
        return made

    def wide(self, value: Value) -> Value:
        """The same lanes, 64 a row."""
        return self.seen(value, value.rows * value.cols // WIDE, WIDE)

    def part(self, value: Value, row: int, col: int, rows: int, cols: int) -> Value:
        made = self.fresh(rows, cols, value.dtype)
        self.line(
            f"{made.name} = pto.subview {value.name}[%c{row}, %c{col}] sizes [{rows}, {cols}] "
            f": {value.type} -> {made.type}"
        )
        return made

    def undef(self, rows: int, cols: int, dtype: str) -> Value:
        made = self.fresh(rows, cols, dtype)
        self.line(f"{made.name} = pto.undef : {made.type}")
        return made

    def put(self, piece: Value, whole: Value, row: int, col: int) -> Value:
        made = self.fresh(whole.rows, whole.cols, whole.dtype)
        self.line(
            f"{made.name} = pto.insert {piece.name} into {whole.name}[%c{row}, %c{col}] "
            f": {piece.type} into {whole.type} -> {made.type}"
        )
        return made

    def beside(self, top: Value, bottom: Value) -> Value:
        """Two values one after the other in memory."""
        both = self.undef(top.rows + bottom.rows, top.cols, top.dtype)
        return self.put(bottom, self.put(top, both, 0, 0), top.rows, 0)

    def apart(self, both: Value) -> tuple[Value, Value]:
        half = both.rows // 2
        return self.part(both, 0, 0, half, both.cols), self.part(both, half, 0, half, both.cols)

    # -- the cube --

    def moved(self, value: Value, loc: str) -> Value:
        """From mat memory to where the cube reads."""
        made = self.fresh(value.rows, value.cols, value.dtype, loc)
        self.line(f"{made.name} = pto.tmov ins({value.name} : {value.type}) -> {made.type}")
        return made

    def product(self, left: Value, right: Value, acc: Value | None = None) -> Value:
        values = [*([acc] if acc else []), self.moved(left, "left"), self.moved(right, "right")]
        names, types = ", ".join(v.name for v in values), ", ".join(v.type for v in values)
        made = self.fresh(left.rows, right.cols, "f32", "acc")
        mnemonic = "tmatmul.acc" if acc else "tmatmul"
        self.line(f"{made.name} = pto.{mnemonic} ins({names} : {types}) -> {made.type}")
        return made

    # -- operations ------------------------------------------------------------------------------

    def convert(self, value: Value, dtype: str) -> Value:
        if value.dtype == dtype:
            return value
        return self.op("tcvt", [value], dtype, clause=" {rmode = #pto<round_mode RINT>}")

    def shift(self, mnemonic: str, value: Value, by: int = 16) -> Value:
        return self.op(mnemonic, [value], scalar=f"%s{by}:i32")

    def gather(self, value: Value, pattern: str) -> Value:
        shape = (value.rows, value.cols // 2)
        return self.op("tgather", [value], shape=shape, clause=mask_clause(pattern), behind=', "row"')

    def scatter(self, value: Value, pattern: str) -> Value:
        shape = (value.rows, value.cols * 2)
        return self.op("tscatter", [value], shape=shape, clause=mask_clause(pattern), behind=', "row"')

    def pick(self, value: Value, index: Value) -> Value:
        """An index gather."""
        tmp = self.undef(index.rows, index.cols, index.dtype)
        return self.op("tgather", [value, index, tmp], value.dtype, (index.rows, index.cols))

    def transposed(self, value: Value) -> Value:
        tmp = self.undef(value.rows, value.cols, value.dtype)
        return self.op("ttrans", [value, tmp], shape=(value.cols, value.rows))

    def fill(self, rows: int, cols: int, scalar: str) -> Value:
        return self.op("texpands", [], scalar.partition(":")[2], (rows, cols), scalar=scalar)


def mask_clause(pattern: str) -> str:
    return f", {{maskPattern = #pto.mask_pattern<{pattern}>}}"
