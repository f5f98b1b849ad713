"""Kernels of any size, as text like pypto's: what the benchmarks are run on.

A kernel loads two tables and then repeats a *unit* of some thirty operations: a loop that loads a tile,
widens it in the memory of another, computes in place and under a second name for the same bytes, changes
the upper half through a subview, gathers lanes, and adds to a tile that is carried around the loop; a
branch; a store. Units take turns in the places of vector memory, so that every byte has many names.
"""

from random import Random

UNIT = 38
"""Operations of one unit, with those that close its regions."""

_PLACES = 6
"""How many units' tiles fit into vector memory beside the tables."""

_HEAD = 12
"""Operations outside the units, without constants: views, tables, the return, the function, the module."""


def _tile(dtype: str, rows: int, cols: int) -> str:
    return (
        f"!pto.tile_buf<loc=vec, dtype={dtype}, rows={rows}, cols={cols}, v_row={rows}, v_col={cols}, "
        "blayout=row_major, slayout=none_box, fractal=512, pad=0>"
    )


_WIDE, _WIDE16, _HALF = _tile("f32", 16, 64), _tile("bf16", 16, 64), _tile("f32", 16, 32)
_UPPER = _tile("f32", 8, 64)
_VIEW = {dtype: f"!pto.tensor_view<?x?x{dtype}>" for dtype in ("bf16", "f32")}
_PART = {dtype: f"!pto.partition_tensor_view<16x64x{dtype}>" for dtype in ("bf16", "f32")}


class _Kernel:
    """The lines of one kernel; numbers get a constant when they are first used."""

    def __init__(self, seed: int):
        self.random = Random(seed)
        self.constants: dict[str, str] = {}
        self.lines: list[str] = []

    def number(self, value: int, type_: str = "index") -> str:
        name = f"%c{value}_{type_}"
        self.constants[name] = f"{name} = arith.constant {value} : {type_}"
        return name

    def alloc(self, name: str, address: int, type_: str) -> None:
        self.lines.append(f"{name} = pto.alloc_tile addr = {self.number(address, 'i64')} : {type_}")

    def part(self, name: str, view: str, row: str, dtype: str) -> None:
        c0, c16, c64 = (self.number(n) for n in (0, 16, 64))
        self.lines.append(
            f"{name} = pto.partition_view {view}, offsets = [{row}, {c0}], sizes = [{c16}, {c64}] : "
            f"{_VIEW[dtype]} -> {_PART[dtype]}"
        )

    def op(self, mnemonic: str, ins: list[tuple[str, str]], out: tuple[str, str], clause: str = "") -> None:
        names, types = (", ".join(column) for column in zip(*ins, strict=True))
        self.lines.append(f"pto.{mnemonic} ins({names}{clause} : {types}) outs({out[0]} : {out[1]})")

    def table(self, name: str, address: int, row: int) -> None:
        self.part(f"%{name}_pview", "%tables_view", self.number(row), "f32")
        self.alloc(f"%{name}__tile", address, _WIDE)
        self.op("tload", [(f"%{name}_pview", _PART["f32"])], (f"%{name}__tile", _WIDE))

    def unit(self, n: int) -> None:
        """One loop and one branch; `UNIT` operations, constants not counted."""
        base = 8192 + 18432 * (n % _PLACES)
        c0, c1, c4, c8, c16, c64 = (self.number(k) for k in (0, 1, 4, 8, 16, 64))
        x, raw, same, acc = (f"%{name}_{n}__tile" for name in ("x", "raw", "same", "acc"))
        even, odd, upper = f"%even_{n}__tile", f"%odd_{n}__tile", f"%upper_{n}__tile"
        lines = self.lines
        self.alloc(acc, base, _WIDE)
        self.op("tmuls", [("%cos__tile", _WIDE), ("%half", "f32")], (acc, _WIDE))
        lines.append(f"scf.for %i_{n} = {c0} to {c4} step {c1} {{")
        lines.append(f"%o_{n} = arith.muli %i_{n}, {c16} : index")
        lines.append(f"%r_{n} = arith.addi %o_{n}, %first : index")
        self.part(f"%x_{n}_pview", "%x_view", f"%r_{n}", "bf16")
        self.alloc(raw, base + 4096, _WIDE16)
        self.op("tload", [(f"%x_{n}_pview", _PART["bf16"])], (raw, _WIDE16))
        self.alloc(x, base + 8192, _WIDE)
        self.op("tcvt", [(raw, _WIDE16)], (x, _WIDE), " {rmode = #pto<round_mode ROUND>}")
        self.op("tmul", [(x, _WIDE), ("%sin__tile", _WIDE)], (x, _WIDE))
        self.alloc(same, base + 8192, _WIDE)
        self.op(self.random.choice(("tadd", "tsub", "tmax")), [(x, _WIDE), (acc, _WIDE)], (same, _WIDE))
        lines.append(
            f"{upper} = pto.subview {same}[{c8}, {c0}] sizes [8, 64] valid [{c8}, {c64}] : "
            f"{_WIDE} -> {_UPPER}"
        )
        self.op("tmuls", [(upper, _UPPER), ("%half", "f32")], (upper, _UPPER))
        for half, mask, address in ((even, "P0101", 4096), (odd, "P1010", 6144)):
            self.alloc(half, base + address, _HALF)
            mask = f", {{maskPattern = #pto.mask_pattern<{mask}>}}"
            self.op("tgather", [(same, _WIDE)], (half, _HALF), mask)
        sum_ = f"%sum_{n}__tile"
        self.alloc(sum_, base + 4096, _HALF)
        self.op("tadd", [(even, _HALF), (odd, _HALF)], (sum_, _HALF))
        pack = f"%pack_{n}__tile"
        self.alloc(pack, base + 12288, _WIDE)
        self.op("tscatter", [(sum_, _HALF)], (pack, _WIDE), ", {maskPattern = #pto.mask_pattern<P0101>}")
        self.op("tadd", [(acc, _WIDE), (pack, _WIDE)], (acc, _WIDE))
        lines.append("}")
        lines.append(f"%flag_{n} = arith.cmpi slt, %first, {self.number(n % 64)} : index")
        lines.append(f"scf.if %flag_{n} {{")
        self.op("tmul", [(acc, _WIDE), ("%cos__tile", _WIDE)], (acc, _WIDE))
        lines.append("} else {")
        self.op("tadd", [(acc, _WIDE), ("%sin__tile", _WIDE)], (acc, _WIDE))
        lines.append("}")
        out = f"%out_{n}__tile"
        self.alloc(out, base + 16384, _WIDE16)
        self.op("tcvt", [(acc, _WIDE)], (out, _WIDE16), " {rmode = #pto<round_mode RINT>}")
        self.part(f"%out_{n}_pview", "%out_view", self.number(16 * (n % 64)), "bf16")
        self.op("tstore", [(out, _WIDE16)], (f"%out_{n}_pview", _PART["bf16"]))


def kernel(name: str, operations: int, seed: int = 0) -> str:
    """The text of a kernel with about so many operations, at least two units."""
    k = _Kernel(seed)
    for view, argument, dtype in (("x", 0, "bf16"), ("tables", 1, "f32"), ("out", 2, "bf16")):
        rows, cols, one = k.number(1024), k.number(64), k.number(1)
        k.lines.append(
            f"%{view}_view = pto.make_tensor_view %arg{argument}, shape = [{rows}, {cols}], "
            f"strides = [{cols}, {one}] {{layout = #pto.layout<nd>}}: {_VIEW[dtype]}"
        )
    k.lines.append("%half = arith.constant 0.5 : f32")
    k.lines.append("%first = arith.index_cast %__pypto_spmd_block_idx : i32 to index")
    k.table("cos", 0, 0)
    k.table("sin", 4096, 16)
    for n in range(max(2, (operations - _HEAD) // UNIT)):
        k.unit(n)
    body = "\n  ".join([*k.constants.values(), *k.lines, "return"])
    return (
        'module attributes {pto.target_arch = "a2a3"} {\n'
        f"func.func @{name}(%arg0: !pto.ptr<bf16>, %arg1: !pto.ptr<f32>, %arg2: !pto.ptr<bf16>, "
        "%__pypto_spmd_block_idx: i32, %__pypto_spmd_block_num: i32) "
        f"attributes {{pto.kernel_kind = #pto.kernel_kind<vector>}} {{\n  {body}\n}}\n}}\n"
    )
