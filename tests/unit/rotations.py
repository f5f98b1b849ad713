"""Kernels that rotate pairs, written with lane operations: what tests of forms start from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
NUMPY = {"bf16": np.uint16, "f16": np.float16, "f32": np.float32}


@dataclass(frozen=True)
class Rotation:
    """One rotation of what is loaded, stored in another type."""

    rows: int = 32
    cols: int = 64
    source: str = "bf16"
    result: str = "bf16"
    table: str = "f32"
    full_width: bool = False
    one_row: bool = False
    flags: str = ""
    arch: str = "a2a3"
    valid: int | None = None
    """So many rows are valid."""
    dynamic: bool = False
    """How many rows are valid is known at run time only."""

    @property
    def tables(self) -> tuple[int, int]:
        return 1 if self.one_row else self.rows, self.cols if self.full_width else self.cols // 2

    def text(self) -> str:
        """A module with a kernel `@k` of arguments x, cos, sin, y."""
        shapes = {
            "x": (self.rows, self.cols, self.source),
            "cos": (*self.tables, self.table),
            "sin": (*self.tables, self.table),
            "y": (self.rows, self.cols, self.result),
        }
        lines: list[str] = []
        numbers = sorted(
            {0, 1, self.valid or 1, *(n for rows, cols, _ in shapes.values() for n in (rows, cols))}
        )
        lines += [f"%c{n} = arith.constant {n} : index" for n in numbers]
        lines.append("%block = arith.index_cast %__pypto_spmd_block_idx : i32 to index")
        lines.append(f"%valid = arith.addi %block, %c{self.valid or 1} : index")
        for number, (name, (rows, cols, dtype)) in enumerate(shapes.items()):
            size = "%valid" if self.dynamic and rows > 1 else f"%c{self.extent(rows)}"
            view, part = f"!pto.tensor_view<?x?x{dtype}>", self.part(rows, cols, dtype)
            lines.append(
                f"%{name}_view = pto.make_tensor_view %arg{number}, shape = [%c{rows}, %c{cols}], "
                f"strides = [%c{cols}, %c1] : {view}"
            )
            lines.append(
                f"%{name}_part = pto.partition_view %{name}_view, offsets = [%c0, %c0], "
                f"sizes = [{size}, %c{cols}] : {view} -> {part}"
            )
        for name in ("x", "cos", "sin"):
            rows, cols, dtype = shapes[name]
            loaded = name if dtype == "f32" else f"{name}_short"
            lines.append(
                f"%{loaded} = pto.tload ins(%{name}_part : {self.part(rows, cols, dtype)})"
                f"{self.given(rows)} -> {self.tile(rows, cols, dtype)}"
            )
            if loaded != name:
                lines.append(self.convert(loaded, name, rows, cols, dtype, "f32"))
        wide, table = self.tile(self.rows, self.cols, "f32"), self.tile(*self.tables, "f32")
        lines.append(
            f"%turned = dsv4.rotate_pairs %x, %cos, %sin {self.flags}{self.given(self.rows)} : "
            f"{wide}, {table}, {table} -> {wide}"
        )
        stored = "turned"
        if self.result != "f32":
            stored = "rounded"
            lines.append(self.convert("turned", stored, self.rows, self.cols, "f32", self.result))
        lines.append(
            f"pto.tstore ins(%{stored} : {self.tile(self.rows, self.cols, self.result)}) "
            f"outs(%y_part : {self.part(self.rows, self.cols, self.result)})"
        )
        pointers = ", ".join(f"%arg{i}: !pto.ptr<{dtype}>" for i, (*_, dtype) in enumerate(shapes.values()))
        body = "\n    ".join([*lines, "return"])
        return (
            f'builtin.module attributes {{pto.target_arch = "{self.arch}"}} {{\n'
            f"  func.func @k({pointers}, %__pypto_spmd_block_idx: i32) {{\n    {body}\n  }}\n}}\n"
        )

    def inputs(self, seed: int = 0) -> dict[str, Array]:
        """Numbers of every kind: ties, zeros of both signs, subnormals, infinities, NaN."""
        rng = np.random.default_rng(seed)

        def array(rows: int, cols: int, dtype: str) -> Array:
            values = rng.standard_normal((rows, cols)).astype(np.float32)
            odd = np.array([0.0, -0.0, 1e-40, -1e-40, np.inf, -np.inf, np.nan, 1.00390625, 3.0], np.float32)
            values.flat[rng.choice(values.size, len(odd), replace=False)] = odd
            if dtype == "bf16":
                return (values.view(np.uint32) >> 16).astype(np.uint16)
            return values.astype(NUMPY[dtype])

        return {
            "x": array(self.rows, self.cols, self.source),
            "cos": array(*self.tables, self.table),
            "sin": array(*self.tables, self.table),
        }

    # -- text ----------------------------------------------------------------------------------------

    def extent(self, rows: int) -> int:
        return self.valid if self.valid is not None and rows == self.rows else rows

    def given(self, rows: int) -> str:
        """The operand that says how many rows are valid."""
        return " valid [%valid]" if self.dynamic and rows == self.rows else ""

    def tile(self, rows: int, cols: int, dtype: str) -> str:
        valid = "?" if self.given(rows) else self.extent(rows)
        return f"!pto.tile<vec, {rows}x{cols}x{dtype}, valid={valid}x{cols}>"

    def part(self, rows: int, cols: int, dtype: str) -> str:
        size = "?" if self.given(rows) else self.extent(rows)
        return f"!pto.partition_tensor_view<{size}x{cols}x{dtype}>"

    def convert(self, source: str, result: str, rows: int, cols: int, before: str, after: str) -> str:
        return (
            f"%{result} = pto.tcvt ins(%{source} {{rmode = #pto<round_mode RINT>}} : "
            f"{self.tile(rows, cols, before)}){self.given(rows)} -> {self.tile(rows, cols, after)}"
        )
