"""Type annotations: `pl.Tile[[64, 32], pl.BF16, pl.Mem.Vec, pl.TileView(…)]` and the others.

Both directions live here, so that what is printed is what was read. The layout of a tile follows from its
memory and shape unless a `TileView` says otherwise (pypto include/pypto/ir/tile_view_semantics.h).
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import TypeVar

from xdsl.dialects.builtin import DYNAMIC_INDEX, ArrayAttr, StringAttr, TensorType
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from dialects.dsv4.opaque import TextType
from dialects.pto.elements import ELEMENT_TYPES
from dialects.pto.types import BLOCK_LAYOUTS, BOX_LAYOUTS, TileLayout, TileType

from .source import Source, Unread

DTYPES = {
    "FP32": "f32",
    "FP16": "f16",
    "BF16": "bf16",
    "INDEX": "index",
    "BOOL": "i1",
    "FP8E4M3FN": "f8E4M3FN",
    "FP8E5M2": "f8E5M2",
    "HF8": "!pto.hif8",
} | {
    f"{sign}INT{bits}": f"{prefix}i{bits}"
    for sign, prefix in (("", ""), ("U", "u"))
    for bits in (8, 16, 32, 64)
}
"""Element types: pypto's name to the name in the `pto` dialect."""

UNREAD_DTYPES = ("INT4", "UINT4", "FP4", "HF4", "FP8E8M0", "TASK_ID")
"""Element types of pypto that nothing here computes with."""

DTYPE_NAMES = {name: word for word, name in DTYPES.items()}

MEMORIES = {word: word.lower() for word in ("Vec", "Mat", "Left", "Right", "Acc", "Bias", "Scaling")}
MEMORY_NAMES = {name: word for word, name in MEMORIES.items()}

PADS = ("null", "zero", "max", "min")
"""Padding by the number that a tile type has for it."""


@dataclass(frozen=True)
class Layout:
    """The part of a tile type that a `TileView` may state."""

    blayout: str = "row_major"
    slayout: str = "none_box"
    fractal: int = 512
    pad: int = 0


def implicit_layout(shape: Sequence[int], memory: str) -> Layout:
    """The layout of a tile without a `TileView`."""
    column = len(shape) == 2 and shape[1] == 1 and shape[0] > 1
    flat = "col_major" if column else "row_major"
    match memory:
        case "mat" | "left":
            return Layout("col_major", "row_major")
        case "right":
            return Layout(flat, "col_major")
        case "acc":
            return Layout("col_major", "row_major", 1024)
        case _:
            return Layout(flat)


@dataclass(frozen=True)
class TileText:
    """A tile annotation. `valid` holds expressions where it was given; `view` what the TileView states."""

    shape: tuple[int, ...]
    dtype: str
    memory: str
    layout: Layout
    valid: tuple[ast.expr, ...] | None = field(default=None, compare=False)
    placed: bool = field(default=True, compare=False)
    """The text says in which memory."""

    def moved_to(self, memory: str) -> "TileText":
        """The same tile in a memory that the text left open."""
        if self.placed or self.memory == memory:
            return self
        layout = self.layout
        if layout == implicit_layout(self.shape, self.memory):
            layout = implicit_layout(self.shape, memory)
        return replace(self, memory=memory, layout=layout)

    @property
    def flat_shape(self) -> tuple[int, int]:
        """Rows and columns: leading dimensions become rows (pypto's pass FlattenTileNdTo2D)."""
        return (prod(self.shape[:-1]), self.shape[-1]) if self.shape else (1, 1)

    def tile_type(self, valid: Sequence[int] | None = None) -> TileType:
        """The value type. A vector tile is never boxed; text that says so has it from an accumulator."""
        rows, cols = self.flat_shape
        layout = self.layout
        if self.memory == "vec" and layout.slayout != "none_box":
            layout = Layout(implicit_layout((rows, cols), "vec").blayout, pad=layout.pad)
        valid_rows, valid_cols = valid or (rows, cols)
        return TileType(
            TileLayout(
                self.memory,
                rows,
                cols,
                self.dtype,
                valid_rows,
                valid_cols,
                layout.blayout,
                layout.slayout,
                layout.fractal,
                layout.pad,
            )
        )

    def text(self, valid: str | None = None) -> str:
        """The annotation as pypto prints it; `valid` is the text of the valid shape where it is partial."""
        parts = [f"valid_shape={valid}"] if valid else []
        plain, layout = implicit_layout(self.shape, self.memory), self.layout
        for key, prefix in (("blayout", "pl.TileLayout."), ("slayout", "pl.TileLayout."), ("fractal", "")):
            if (value := getattr(layout, key)) != getattr(plain, key):
                parts.append(f"{key}={prefix}{value}")
        if layout.pad:
            parts.append(f"pad=pl.PadValue.{PADS[layout.pad]}")
        view = f", pl.TileView({', '.join(parts)})" if parts else ""
        shape = ", ".join(map(str, self.shape))
        return f"pl.Tile[[{shape}], pl.{DTYPE_NAMES[self.dtype]}, pl.Mem.{MEMORY_NAMES[self.memory]}{view}]"


T = TypeVar("T")


def exchanged(extents: Sequence[T]) -> list[T]:
    """Rows and columns, the last two of all dimensions, in each other's place."""
    return [*extents[:-2], extents[-1], extents[-2]]


def partial_axis(shape: Sequence[int]) -> int | None:
    """The only axis in front of the last along which a flattened tile may be partly valid."""
    if len(shape) < 2:
        return None
    return next((axis for axis, extent in enumerate(shape[:-1]) if extent != 1), 0)


@dataclass(frozen=True)
class TensorText:
    """A GM tensor. An extent is a number or the name of a symbol; `view` is kept as text."""

    dims: tuple[int | str, ...]
    dtype: str
    view: str = ""

    def tensor_type(self) -> TensorType[Attribute]:
        shape = [dim if isinstance(dim, int) else DYNAMIC_INDEX for dim in self.dims]
        return TensorType(ELEMENT_TYPES[self.dtype], shape)

    def elements(self) -> int | None:
        """How many elements it has, if all extents are numbers."""
        extents = [dim for dim in self.dims if isinstance(dim, int)]
        return prod(extents) if len(extents) == len(self.dims) else None

    def text(self) -> str:
        view = f", {self.view}" if self.view else ""
        return f"pl.Tensor[[{', '.join(map(str, self.dims))}], pl.{DTYPE_NAMES[self.dtype]}{view}]"


@dataclass(frozen=True)
class ScalarText:
    dtype: str

    def text(self) -> str:
        return f"pl.Scalar[pl.{DTYPE_NAMES[self.dtype]}]"

    def scalar_type(self) -> Attribute:
        """Arithmetic has no signed types: `ui32` becomes `i32`."""
        return ELEMENT_TYPES[self.dtype.removeprefix("u")]


@dataclass(frozen=True)
class TupleText:
    parts: "tuple[AnyText, ...]"

    def text(self) -> str:
        return f"pl.Tuple[{', '.join(part.text() for part in self.parts)}]"


@dataclass(frozen=True)
class OtherText:
    """An annotation that is not understood."""

    written: str

    def text(self) -> str:
        return self.written

    def text_type(self) -> TextType:
        return TextType(self.written)


AnyText = TileText | TensorText | ScalarText | TupleText | OtherText


class TypeReader:
    """Reads annotations. `symbols` are the names of symbolic extents."""

    def __init__(self, source: Source, symbols: set[str]):
        self.source = source
        self.symbols = symbols

    def read(self, node: ast.expr) -> AnyText:
        """The type of a value. Raises UserError where it is a tile, tensor or scalar, but malformed."""
        self.source.check_kept(node)
        try:
            return self.known(node)
        except Unread:
            return OtherText(ast.unparse(node))

    def known(self, node: ast.expr) -> AnyText:
        if not isinstance(node, ast.Subscript):
            return OtherText(ast.unparse(node))
        arguments = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        match self.source.qualified(node.value):
            case "pl.Tile":
                return self.tile(node, arguments)
            case "pl.Tensor":
                return self.tensor(node, arguments)
            case "pl.Scalar":
                return self.scalar(arguments[0])
            case "pl.Tuple" | "tuple":
                return TupleText(tuple(self.read(a) for a in arguments))
            case _:
                return OtherText(ast.unparse(node))

    def parameter(self, node: ast.expr) -> tuple[AnyText, str]:
        """The type of a parameter and its direction."""
        if isinstance(node, ast.Subscript):
            for word, direction in (("pl.Out", "out"), ("pl.InOut", "inout")):
                if self.source.qualified(node.value) == word:
                    return self.read(node.slice), direction
        return self.read(node), "in"

    def dtype(self, node: ast.expr) -> str:
        word = self.source.word(node, "pl")
        if word in UNREAD_DTYPES:
            self.source.unread(node)
        if word not in DTYPES:
            self.source.fail(node, f"unknown element type '{word}'")
        return DTYPES[word]

    def scalar(self, node: ast.expr) -> ScalarText | OtherText:
        word = self.source.word(node, "pl")
        return ScalarText(DTYPES[word]) if word in DTYPES else OtherText(f"pl.Scalar[pl.{word}]")

    def tensor(self, node: ast.expr, arguments: Sequence[ast.expr]) -> TensorText:
        if len(arguments) < 2:
            self.source.outside(node, "pl.Tensor[[extents], element type]")
        dims = tuple(self.dim(d) for d in self.source.elements(arguments[0]))
        return TensorText(dims, self.dtype(arguments[1]), ", ".join(map(ast.unparse, arguments[2:])))

    def dim(self, node: ast.expr) -> int | str:
        if isinstance(node, ast.Name):
            if node.id not in self.symbols:
                if "__ssa_v" in node.id:  # a number of the caller, which its text does not define here
                    self.source.unread(node)
                self.source.fail(node, f"undefined name '{node.id}' in a shape")
            return node.id
        if isinstance(node, ast.BinOp):
            self.source.unread(node)
        if (extent := self.source.integer(node)) <= 0:
            self.source.fail(node, f"expected a positive extent, found {extent}")
        return extent

    def tile(self, node: ast.expr, arguments: Sequence[ast.expr]) -> TileText | OtherText:
        if len(arguments) < 2:
            self.source.outside(node, "pl.Tile[[extents], element type, memory]")
        shape: list[int] = []
        for dim in self.source.elements(arguments[0]):
            if isinstance(extent := self.dim(dim), str):
                return OtherText(ast.unparse(node))
            shape.append(extent)
        dtype, memory, view = self.dtype(arguments[1]), None, None
        for extra in arguments[2:]:
            word = self.source.qualified(extra) or ""
            if isinstance(extra, ast.Call) and self.source.qualified(extra.func) == "pl.TileView":
                view = extra
            elif (found := word.rpartition(".")[2]) in MEMORIES and ".Mem" in word:
                memory = MEMORIES[found]
            else:
                return OtherText(ast.unparse(node))
        text = self.with_view(node, tuple(shape), dtype, memory or "vec", view)
        return text if memory or isinstance(text, OtherText) else replace(text, placed=False)

    def with_view(
        self, node: ast.expr, shape: tuple[int, ...], dtype: str, memory: str, view: ast.Call | None
    ) -> TileText | OtherText:
        given = self.source.keywords(view) if view else {}
        valid = given.pop("valid_shape", None)
        if given.keys() - {"blayout", "slayout", "fractal", "pad"} or (view and view.args):
            return OtherText(ast.unparse(node))
        plain = implicit_layout(shape, memory)
        words: dict[str, str] = {}
        for key, legal in (("blayout", BLOCK_LAYOUTS), ("slayout", BOX_LAYOUTS)):
            if key in given:
                words[key] = self.source.word(given[key], "pl.TileLayout")
                if words[key] not in legal:
                    self.source.fail(given[key], f"unknown layout '{words[key]}'")
        fractal = self.source.integer(given["fractal"]) if "fractal" in given else plain.fractal
        pad = self.source.word(given["pad"], "pl.PadValue") if "pad" in given else "null"
        if pad not in PADS:
            self.source.fail(given["pad"], f"unknown padding '{pad}'")
        layout = Layout(
            words.get("blayout", plain.blayout), words.get("slayout", plain.slayout), fractal, PADS.index(pad)
        )
        extents = tuple(self.source.elements(valid)) if valid is not None else None
        if extents is not None and len(extents) != len(shape):
            self.source.fail(node, f"expected a valid shape of {len(shape)} extents, found {len(extents)}")
        text = TileText(shape, dtype, memory, layout, extents)
        try:
            text.tile_type()
        except VerifyException as problem:
            self.source.fail(node, str(problem))
        return text


def dims_attribute(text: TensorText) -> dict[str, Attribute]:
    """Names of the symbolic extents of a tensor."""
    if all(isinstance(dim, int) for dim in text.dims):
        return {}
    return {"dsv4.dims": ArrayAttr([StringAttr(d if isinstance(d, str) else "") for d in text.dims])}
