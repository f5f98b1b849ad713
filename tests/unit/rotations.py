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
        numbers = sorted({0, 1, *(n for rows, cols, _ in shapes.values() for n in (rows, cols))})
        lines += [f"%c{n} = arith.constant {n} : index" for n in numbers]
        for number, (name, (rows, cols, dtype)) in enumerate(shapes.items()):
            view, part = f"!pto.tensor_view<?x?x{dtype}>", _part(rows, cols, dtype)
            lines.append(
                f"%{name}_view = pto.make_tensor_view %arg{number}, shape = [%c{rows}, %c{cols}], "
                f"strides = [%c{cols}, %c1] : {view}"
            )
            lines.append(
                f"%{name}_part = pto.partition_view %{name}_view, offsets = [%c0, %c0], "
                f"sizes = [%c{rows}, %c{cols}] : {view} -> {part}"
            )
        for name in ("x", "cos", "sin"):
            rows, cols, dtype = shapes[name]
            loaded = name if dtype == "f32" else f"{name}_short"
            lines.append(
                f"%{loaded} = pto.tload ins(%{name}_part : {_part(rows, cols, dtype)}) "
                f"-> {_tile(rows, cols, dtype)}"
            )
            if loaded != name:
                lines.append(_convert(loaded, name, rows, cols, dtype, "f32"))
        wide, table = _tile(self.rows, self.cols, "f32"), _tile(*self.tables, "f32")
        lines.append(
            f"%turned = dsv4.rotate_pairs %x, %cos, %sin {self.flags} : {wide}, {table}, {table} -> {wide}"
        )
        stored = "turned"
        if self.result != "f32":
            stored = "rounded"
            lines.append(_convert("turned", stored, self.rows, self.cols, "f32", self.result))
        lines.append(
            f"pto.tstore ins(%{stored} : {_tile(self.rows, self.cols, self.result)}) "
            f"outs(%y_part : {_part(self.rows, self.cols, self.result)})"
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


def _tile(rows: int, cols: int, dtype: str) -> str:
    return f"!pto.tile<vec, {rows}x{cols}x{dtype}>"


def _part(rows: int, cols: int, dtype: str) -> str:
    return f"!pto.partition_tensor_view<{rows}x{cols}x{dtype}>"


def _convert(source: str, result: str, rows: int, cols: int, before: str, after: str) -> str:
    return (
        f"%{result} = pto.tcvt ins(%{source} {{rmode = #pto<round_mode RINT>}} : "
        f"{_tile(rows, cols, before)}) -> {_tile(rows, cols, after)}"
    )
