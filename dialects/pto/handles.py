"""Types of things that are neither tiles nor views: slots, local arrays, pipes and events."""

from functools import lru_cache
from typing import Any, NamedTuple

from xdsl.ir import Attribute, Data, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .types import TileBufType, TileLayout, ViewShape, parse_layout, parse_shape, raw_angle_text, shape_text


class Slots(NamedTuple):
    """What one slot looks like, and how many there are."""

    layout: TileLayout
    number: int


@lru_cache(maxsize=1024)
def _parse_slots(text: str) -> Slots:
    """`!pto.tile_buf<…>, count=2`, or the fields of the tile without its name around them."""
    slot, comma, count = text.rpartition(",")
    key, equals, number = (part.strip() for part in count.partition("="))
    if not comma or not equals or key != "count" or not number.isdecimal():
        raise ValueError("expected 'count=NUMBER' at the end of the type")
    slot = slot.strip()
    if slot.startswith("!pto.tile_buf<") and slot.endswith(">"):
        slot = slot.removeprefix("!pto.tile_buf<").removesuffix(">")
    if problem := _slots_problem(int(number)):
        raise ValueError(problem)
    return Slots(parse_layout(slot), int(number))


def _slots_problem(number: int) -> str | None:
    """ptoas 0.60, PTOMultiBuffer.h."""
    return None if 2 <= number <= 16 else f"expected 2 to 16 slots, found {number}"


@irdl_attr_definition
class MultiTileBufType(Data[Slots], TypeAttribute):
    """Tiles of one type behind one another in memory: `!pto.multi_tile_buf<!pto.tile_buf<…>, count=2>`."""

    name = "pto.multi_tile_buf"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Slots:
        position = parser.pos
        try:
            return _parse_slots(raw_angle_text(parser))
        except ValueError as error:
            parser.raise_error(str(error), position, position + 1)

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string("<")
        printer.print_attribute(self.slot_type)
        printer.print_string(f", count={self.data.number}>")

    def verify(self) -> None:
        if problem := _slots_problem(self.data.number):
            raise VerifyException(problem)

    @property
    def slot_type(self) -> TileBufType:
        return TileBufType(self.data.layout)


def _array_problem(shape: ViewShape) -> str | None:
    if shape.dims and min(shape.dims) > 0:
        return None
    return f"expected positive static extents, found <{shape_text(shape)}>"


@irdl_attr_definition
class LocalArrayType(Data[ViewShape], TypeAttribute):
    """An array on the stack of the scalar unit: `!pto.local_array<4x8xi32>`."""

    name = "pto.local_array"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> ViewShape:
        position = parser.pos
        try:
            shape = parse_shape(raw_angle_text(parser))
        except ValueError as error:
            parser.raise_error(str(error), position, position + 1)
        if problem := _array_problem(shape):
            parser.raise_error(problem, position, position + 1)
        return shape

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(f"<{shape_text(self.data)}>")

    def verify(self) -> None:
        if problem := _array_problem(self.data):
            raise VerifyException(problem)


@irdl_attr_definition
class EventIdArrayType(Data[int], TypeAttribute):
    """Event numbers chosen while running: `!pto.eventid_array<2>`."""

    name = "pto.eventid_array"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> int:
        with parser.in_angle_brackets():
            return parser.parse_integer(allow_boolean=False, allow_negative=False)

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(f"<{self.data}>")


@irdl_attr_definition
class StructType(Data[str], TypeAttribute):
    """Scalars side by side, kept as written: `!pto.struct<f16, i8>`."""

    name = "pto.struct"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> str:
        return raw_angle_text(parser).strip()

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(f"<{self.data}>")


class HandleType(ParametrizedAttribute, TypeAttribute):
    """A handle that only its name describes."""


def _handle(mnemonic: str) -> type[HandleType]:
    class_name = "".join(part.capitalize() for part in mnemonic.split("_")) + "Type"
    namespace: dict[str, Any] = {"name": f"pto.{mnemonic}", "__module__": __name__}
    return irdl_attr_definition(type(class_name, (HandleType,), namespace))


PipeType, AsyncSessionType, AsyncEventType, PrefetchAsyncContextType = map(
    _handle, ("pipe", "async_session", "async_event", "prefetch_async_context")
)

HANDLE_TYPES: list[type[Attribute]] = [
    MultiTileBufType,
    LocalArrayType,
    EventIdArrayType,
    StructType,
    PipeType,
    AsyncSessionType,
    AsyncEventType,
    PrefetchAsyncContextType,
]
