"""The types of the `pto` dialect.

A tile type says everything about a piece of on-chip memory but its address: shape, element type,
memory space, valid extent and layout. `!pto.tile_buf` is such a piece of memory (the buffer form, what
`ptoas` reads), `!pto.tile` is a value of that shape (the value form, what the passes work on).

Both spellings of `tile_buf` are read, with keys in any order: the long one that pypto prints
(`loc=vec, dtype=f32, rows=4, …`) and the short one that `ptoas` prints (`vec, 4x64xf32, valid=?x?`).
Real kernels repeat a few dozen types thousands of times, so a type's text is read once per process.
"""

from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

from xdsl.ir import Attribute, Data, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .elements import ELEMENT_TYPES as ELEMENT_TYPES
from .elements import LOW_PRECISION
from .elements import element_bits as element_bits
from .elements import element_name as element_name

DYNAMIC = -1
"""An extent written `?`."""

MEMORY_SPACES = ("vec", "mat", "left", "right", "acc", "bias", "scaling")
BLOCK_LAYOUTS = ("row_major", "col_major")
BOX_LAYOUTS = ("none_box", "row_major", "col_major")
FRACTALS = (32, 512, 1024)


class TileLayout(NamedTuple):
    """The fields of a tile type. Extents are in elements; a valid extent may be `DYNAMIC`."""

    loc: str
    rows: int
    cols: int
    dtype: str
    valid_rows: int
    valid_cols: int
    blayout: str = "row_major"
    slayout: str = "none_box"
    fractal: int = 512
    pad: int = 0
    compact: int = 0

    @property
    def bytes(self) -> int:
        """Bytes the tile occupies: all physical rows and columns."""
        return self.rows * self.cols * element_bits(self.dtype) // 8

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    @property
    def valid(self) -> tuple[int, int]:
        return self.valid_rows, self.valid_cols

    @property
    def full(self) -> bool:
        """The whole tile is valid, and the type says so."""
        return self.valid == self.shape

    def short(self) -> str:
        """The spelling that `ptoas` prints: defaults are left out."""
        parts = [self.loc, f"{self.rows}x{self.cols}x{self.dtype}"]
        if not self.full:
            parts.append(f"valid={_extent(self.valid_rows)}x{_extent(self.valid_cols)}")
        for key, default in _CONFIG_DEFAULTS.items():
            if (value := getattr(self, key)) != default:
                parts.append(f"{key}={value}")
        return ", ".join(parts)

    def long(self) -> str:
        """The spelling that pypto prints: fixed order, all fields."""
        text = (
            f"loc={self.loc}, dtype={self.dtype}, rows={self.rows}, cols={self.cols}, "
            f"v_row={_extent(self.valid_rows)}, v_col={_extent(self.valid_cols)}, blayout={self.blayout}, "
            f"slayout={self.slayout}, fractal={self.fractal}, pad={self.pad}"
        )
        return f"{text}, compact={self.compact}" if self.compact else text


_CONFIG_DEFAULTS: dict[str, Any] = {
    "blayout": "row_major",
    "slayout": "none_box",
    "fractal": 512,
    "pad": 0,
    "compact": 0,
}
_LONG_KEYS = {"loc": "loc", "dtype": "dtype", "rows": "rows", "cols": "cols", "v_row": "valid_rows"} | {
    "v_col": "valid_cols"
}


def _extent(value: int) -> str:
    return "?" if value == DYNAMIC else str(value)


def _number(text: str, what: str) -> int:
    if not text.lstrip("-").isdecimal():
        raise ValueError(f"expected a number for {what}, found '{text}'")
    return int(text)


def _extent_of(text: str, what: str) -> int:
    return DYNAMIC if text in ("?", "-1") else _number(text, what)


def _fields_of(text: str) -> dict[str, str]:
    """Split either spelling into named fields; the short one's leading parts get their names here."""
    fields: dict[str, str] = {}
    for position, item in enumerate(part.strip() for part in text.split(",")):
        key, equals, value = (s.strip() for s in item.partition("="))
        if not equals:
            if position == 0:
                fields["loc"] = key
                continue
            rows, _, rest = key.partition("x")
            cols, _, dtype = rest.partition("x")
            if position != 1 or not dtype:
                raise ValueError(f"expected ROWSxCOLSxTYPE or KEY=VALUE, found '{item}'")
            fields |= {"rows": rows, "cols": cols, "dtype": dtype}
            continue
        if key == "valid":
            rows, _, cols = value.partition("x")
            added = {"valid_rows": rows, "valid_cols": cols}
        elif key in _LONG_KEYS or key in _CONFIG_DEFAULTS:
            added = {_LONG_KEYS.get(key, key): value}
        else:
            raise ValueError(f"unknown key '{key}' in tile type")
        if duplicate := fields.keys() & added.keys():
            raise ValueError(f"key '{min(duplicate)}' is given twice in tile type")
        fields |= added
    return fields


@lru_cache(maxsize=4096)
def parse_layout(text: str) -> TileLayout:
    """Read what stands between `<` and `>`. Raises ValueError with what was expected and found."""
    fields = _fields_of(text)
    for key in ("loc", "rows", "cols", "dtype"):
        if key not in fields:
            raise ValueError(f"tile type has no '{key}'")
    if fields["dtype"] not in ELEMENT_TYPES:
        raise ValueError(f"unknown element type '{fields['dtype']}'")
    rows, cols = _number(fields["rows"], "rows"), _number(fields["cols"], "cols")
    layout = TileLayout(
        fields["loc"],
        rows,
        cols,
        fields["dtype"],
        _extent_of(fields.get("valid_rows", str(rows)), "the valid rows"),
        _extent_of(fields.get("valid_cols", str(cols)), "the valid columns"),
        fields.get("blayout", "row_major"),
        fields.get("slayout", "none_box"),
        _number(fields.get("fractal", "512"), "fractal"),
        _number(fields.get("pad", "0"), "pad"),
        _number(fields.get("compact", "0"), "compact"),
    )
    if problem := layout_problem(layout):
        raise ValueError(problem)
    return layout


@lru_cache(maxsize=4096)
def layout_problem(layout: TileLayout) -> str | None:
    """What is wrong with a tile type by itself, or None (rules of ptoas 0.60, PTOTypeDefs.cpp)."""
    for what, value, legal in (
        ("memory space", layout.loc, MEMORY_SPACES),
        ("blayout", layout.blayout, BLOCK_LAYOUTS),
        ("slayout", layout.slayout, BOX_LAYOUTS),
        ("fractal", layout.fractal, FRACTALS),
        ("pad", layout.pad, (0, 1, 2, 3)),
        ("compact", layout.compact, (0, 1, 2)),
    ):
        if value not in legal:
            return f"expected {what} to be one of {', '.join(map(str, legal))}, found {value}"
    if layout.rows <= 0 or layout.cols <= 0:
        return f"expected rows and cols to be positive, found {layout.rows}x{layout.cols}"
    for what, valid, size in (
        ("rows", layout.valid_rows, layout.rows),
        ("columns", layout.valid_cols, layout.cols),
    ):
        if valid != DYNAMIC and not 0 <= valid <= size:
            return f"expected valid {what} between 0 and {size}, found {valid}"
    return None


def raw_angle_text(parser: AttrParser) -> str:
    """Take the text between the current `<` and its `>`, which may nest, as it stands."""
    token = parser._current_token  # pyright: ignore[reportPrivateUsage]
    if token.text != "<":
        parser.raise_error(f"expected '<', found '{token.text}'")
    content = parser.lexer.input.content
    start = token.span.start + 1
    end = content.find(">", start)
    nested = content.find("<", start, end)
    while nested >= 0 and end >= 0:
        nested = content.find("<", nested + 1, (end := content.find(">", end + 1)))
    if end < 0:
        parser.raise_error("expected '>' at the end of the type")
    parser._resume_from(end + 1)  # pyright: ignore[reportPrivateUsage]
    return str(content[start:end])


class AnyTileType(Data[TileLayout], TypeAttribute):
    """What `tile_buf` and `tile` share. `data` is the `TileLayout`."""

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> TileLayout:
        position = parser.pos
        text = raw_angle_text(parser)
        try:
            return parse_layout(text)
        except ValueError as error:
            parser.raise_error(str(error), position, position + 1)

    def print_parameter(self, printer: Printer) -> None:
        long = getattr(printer, "long_types", False) and isinstance(self, TileBufType)
        printer.print_string(f"<{self.data.long() if long else self.data.short()}>")

    def verify(self) -> None:
        if problem := layout_problem(self.data):
            raise VerifyException(problem)

    @property
    def element_type(self) -> Attribute:
        return ELEMENT_TYPES[self.data.dtype]

    def with_(self, **changes: Any) -> Self:
        """The same type with some fields of its layout replaced."""
        return type(self)(self.data._replace(**changes))


@irdl_attr_definition
class TileBufType(AnyTileType):
    """A piece of on-chip memory (buffer form)."""

    name = "pto.tile_buf"


@irdl_attr_definition
class TileType(AnyTileType):
    """A tile as a value (value form). Lanes outside the valid extent are undefined."""

    name = "pto.tile"


class ViewShape(NamedTuple):
    """Extents (elements, `DYNAMIC` for `?`) and element type of a view of GM."""

    dims: tuple[int, ...]
    dtype: str


@lru_cache(maxsize=4096)
def parse_shape(text: str) -> ViewShape:
    """Read `4x?xf32`. Raises ValueError with what was expected and found."""
    dims: list[int] = []
    rest = text.strip()
    while rest[:1].isdecimal() or rest[:1] == "?":
        dim, x, rest = (part.strip() for part in rest.partition("x"))
        if not x:
            raise ValueError(f"expected an element type behind '{dim}x'")
        dims.append(_extent_of(dim, "an extent"))
    if rest not in ELEMENT_TYPES:
        raise ValueError(f"unknown element type '{rest}'")
    return ViewShape(tuple(dims), rest)


def shape_text(shape: ViewShape) -> str:
    """`4x?xf32`."""
    return "".join(f"{_extent(dim)}x" for dim in shape.dims) + shape.dtype


class AnyViewType(Data[ViewShape], TypeAttribute):
    """What the two view types share. `data` is the `ViewShape`."""

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> ViewShape:
        position = parser.pos
        text = raw_angle_text(parser)
        try:
            return parse_shape(text)
        except ValueError as error:
            parser.raise_error(str(error), position, position + 1)

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(f"<{shape_text(self.data)}>")

    @property
    def element_type(self) -> Attribute:
        return ELEMENT_TYPES[self.data.dtype]


@irdl_attr_definition
class TensorViewType(AnyViewType):
    """A strided view of a whole GM tensor."""

    name = "pto.tensor_view"


@irdl_attr_definition
class PartitionTensorViewType(AnyViewType):
    """A box of a tensor view: what one load or store moves."""

    name = "pto.partition_tensor_view"


class PtrInfo(NamedTuple):
    dtype: str
    space: str


_SPACES = {"l1": "mat", "l0a": "left", "l0b": "right", "l0c": "acc", "ub": "vec", "bt": "bias"} | {
    "fb": "scaling"
}


@irdl_attr_definition
class PtrType(Data[PtrInfo], TypeAttribute):
    """A typed pointer; `gm` unless another space is written."""

    name = "pto.ptr"
    SPACES: ClassVar = ("gm", *MEMORY_SPACES)

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> PtrInfo:
        position = parser.pos
        dtype, _, space = (part.strip() for part in raw_angle_text(parser).partition(","))
        space = _SPACES.get(space, space) or "gm"
        if dtype not in ELEMENT_TYPES:
            parser.raise_error(f"unknown element type '{dtype}'", position, position + 1)
        if space not in cls.SPACES:
            parser.raise_error(f"unknown memory space '{space}'", position, position + 1)
        return PtrInfo(dtype, space)

    def print_parameter(self, printer: Printer) -> None:
        space = "" if self.data.space == "gm" else f", {self.data.space}"
        printer.print_string(f"<{self.data.dtype}{space}>")

    @property
    def element_type(self) -> Attribute:
        return ELEMENT_TYPES[self.data.dtype]


TYPES: list[type[Attribute]] = [
    *LOW_PRECISION.values(),
    TileBufType,
    TileType,
    TensorViewType,
    PartitionTensorViewType,
    PtrType,
]
