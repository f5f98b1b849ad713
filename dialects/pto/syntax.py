"""Pieces of text that many operations share: operand groups, clauses, lists of indices, GM pointers."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NoReturn

from xdsl.dialects.builtin import (
    DenseArrayBase,
    IndexType,
    IntegerAttr,
    IntegerType,
    StringAttr,
    UnitAttr,
    i32,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.utils.hints import isa
from xdsl.utils.mlir_lexer import MLIRTokenKind

from .attributes import EventAttr, PipeAttr, WordAttr
from .types import PtrType, TileBufType


@cache
def segment_sizes(*sizes: int) -> Attribute:
    """The operand segment attribute; the few that occur are made once, and keep their numbers.

    xDSL asks for the numbers whenever an operand is looked up by name; unpacking them from bytes would take
    most of that time.
    """
    attr = DenseArrayBase.from_list(i32, sizes)
    # Attributes are frozen, but compare by their fields only.
    object.__setattr__(attr, "get_values", lambda: sizes)
    return attr


def merge_attributes(parser: Parser, into: dict[str, Attribute], new: Mapping[str, Attribute]) -> None:
    for name, attr in new.items():
        if name in into:
            parser.raise_error(f"attribute '{name}' is given twice")
        into[name] = attr


def parse_value(parser: Parser) -> SSAValue:
    """`%a : T`."""
    name = parser.parse_unresolved_operand()
    parser.parse_punctuation(":")
    return parser.resolve_operand(name, parser.parse_type())


def print_value(printer: Printer, value: SSAValue) -> None:
    """`%a : T`."""
    printer.print_operand(value)
    printer.print_string(" : ")
    printer.print_attribute(value.type)


def print_values(printer: Printer, values: Sequence[SSAValue]) -> None:
    """`%a, %b : T, T`."""
    printer.print_list(values, printer.print_operand)
    printer.print_string(" : ")
    printer.print_list([value.type for value in values], printer.print_attribute)


def parse_index_list(parser: Parser) -> list[SSAValue]:
    """`[%a, %b]`, all of type index."""
    names = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_unresolved_operand)
    return [parser.resolve_operand(name, IndexType()) for name in names]


def print_index_list(printer: Printer, values: Sequence[SSAValue]) -> None:
    with printer.in_square_brackets():
        printer.print_list(values, printer.print_operand)


def parse_listed(parser: Parser, keyword: str) -> list[SSAValue]:
    """`, KEYWORD = [%a, %b]`, all of type index."""
    parser.parse_punctuation(",")
    parser.parse_keyword(keyword)
    parser.parse_punctuation("=")
    return parse_index_list(parser)


def print_listed(printer: Printer, keyword: str, values: Sequence[SSAValue]) -> None:
    """`, KEYWORD = [%a, %b]`."""
    printer.print_string(f", {keyword} = ")
    print_index_list(printer, values)


def print_conversion(
    printer: Printer, attributes: Mapping[str, Attribute], source: SSAValue, result: SSAValue
) -> None:
    """`{attributes} : T -> R`, the end of an operation that makes one value of another."""
    printer.print_op_attributes(attributes)
    printer.print_string(" : ")
    printer.print_attribute(source.type)
    printer.print_string(" -> ")
    printer.print_attribute(result.type)


# -- operand groups ------------------------------------------------------------------------------


def parse_names(parser: Parser) -> list[UnresolvedOperand]:
    """`%a, %b`, possibly nothing; a comma at the end may introduce something else."""
    names: list[UnresolvedOperand] = []
    while (name := parser.parse_optional_unresolved_operand()) is not None:
        names.append(name)
        if parser.parse_optional_punctuation(",") is None:
            break
    return names


def parse_typed_names(
    parser: Parser, names: Sequence[UnresolvedOperand], strings: list[str], behind: list[SSAValue]
) -> list[SSAValue]:
    """The types of `names`; between them may stand string literals and `%x : T` of further operands."""
    position = parser.pos
    types: list[Attribute] = []
    while True:
        if (text := parser.parse_optional_str_literal()) is not None:
            strings.append(text)
        elif len(types) == len(names) and (name := parser.parse_optional_unresolved_operand()) is not None:
            parser.parse_punctuation(":")
            behind.append(parser.resolve_operand(name, parser.parse_type()))
        else:
            types.append(parse_tile_type(parser))
        if parser.parse_optional_punctuation(",") is None:
            break
    if len(types) != len(names):
        raise_count(parser, len(names), len(types), position)
    return [parser.resolve_operand(name, type_) for name, type_ in zip(names, types, strict=True)]


def raise_count(parser: Parser, expected: int, found: int, position: int) -> NoReturn:
    parser.raise_error(f"expected {expected} types for {expected} operands, found {found}", position)


def parse_ins(
    parser: Parser,
    attributes: dict[str, Attribute],
    *,
    keywords: Sequence[str] = (),
    flags: Sequence[str] = (),
    strings: Sequence[str] = (),
) -> list[SSAValue]:
    """`(%a, %b FLAG {attributes} : T, T, "string" KEYWORD %c : T)`.

    A comma may stand before the attributes, and in place of a keyword.
    """
    parser.parse_punctuation("(")
    names = parse_names(parser)
    for flag in flags:
        if parser.parse_optional_keyword(flag) is not None:
            attributes[flag] = UnitAttr()
    merge_attributes(parser, attributes, parser.parse_optional_attr_dict())
    position = parser.pos
    given: list[str] = []
    behind: list[SSAValue] = []
    values: list[SSAValue] = []
    if names:
        parser.parse_punctuation(":")
        values = parse_typed_names(parser, names, given, behind)
    else:
        parser.parse_optional_punctuation(":")
    for keyword in keywords:
        if parser.parse_optional_keyword(keyword) is not None:
            behind.append(parse_value(parser))
            while parser.parse_optional_punctuation(",") is not None:
                behind.append(parse_value(parser))
    if len(given) > len(strings):
        parser.raise_error(f'unexpected "{given[len(strings)]}" behind the types', position)
    merge_attributes(
        parser, attributes, {name: StringAttr(text) for name, text in zip(strings, given, strict=False)}
    )
    parser.parse_punctuation(")")
    return values + behind


def parse_values(parser: Parser) -> list[SSAValue]:
    """`(%a, %b : T, T)`."""
    parser.parse_punctuation("(")
    names = parse_names(parser)
    if not names:
        parser.parse_punctuation(")")
        return []
    parser.parse_punctuation(":")
    values = parse_typed_names(parser, names, [], [])
    parser.parse_punctuation(")")
    return values


# -- clauses -------------------------------------------------------------------------------------


def parse_word(parser: Parser, cls: type[WordAttr]) -> Attribute:
    """`<PIPE_V>`, `"PIPE_V"` or `#pto.pipe<PIPE_V>`."""
    if parser._current_token.kind is MLIRTokenKind.LESS:  # pyright: ignore[reportPrivateUsage]
        return cls(cls.parse_parameter(parser))
    position = parser.pos
    if (text := parser.parse_optional_str_literal()) is not None:
        if text not in cls.WORDS:
            parser.raise_error(f"expected one of {', '.join(cls.WORDS)}, found '{text}'", position)
        return cls(text)
    return parser.parse_attribute()


def print_word(printer: Printer, attr: Attribute) -> None:
    """`<PIPE_V>` for pipelines and events, the full spelling for anything else."""
    if isinstance(attr, PipeAttr | EventAttr):
        attr.print_parameter(printer)
    else:
        printer.print_attribute(attr)


Clause = int | type[WordAttr] | None
"""What the value of a clause is: an integer of so many bits, one of some words, or any attribute."""


def parse_clauses(parser: Parser, known: Mapping[str, Clause]) -> dict[str, Attribute]:
    """`{id = 0, split = 1}`: known keys in any order."""
    clauses: dict[str, Attribute] = {}
    parser.parse_punctuation("{")
    while parser.parse_optional_punctuation("}") is None:
        position = parser.pos
        name = parser.parse_identifier()
        if name not in known or name in clauses:
            problem = "is given twice" if name in clauses else f"is not one of {', '.join(known)}"
            parser.raise_error(f"'{name}' {problem}", position, position + len(name))
        parser.parse_punctuation("=")
        position, kind = parser.pos, known[name]
        attr = parse_word(parser, kind) if isinstance(kind, type) else parser.parse_attribute()
        if isinstance(kind, int):
            if not isa(attr, IntegerAttr):
                parser.raise_error(f"expected an integer for '{name}', found {attr}", position)
            attr = IntegerAttr(attr.value.data, IntegerType(kind))
        clauses[name] = attr
        if parser.parse_optional_punctuation(",") is None:
            parser.parse_punctuation("}")
            break
    return clauses


def print_clauses(printer: Printer, clauses: Mapping[str, Attribute | None]) -> None:
    """`{id = 0, split = 1}`, integers without their type."""
    printer.print_string("{")
    given = [(name, attr) for name, attr in clauses.items() if attr is not None]
    for position, (name, attr) in enumerate(given):
        printer.print_string(f"{', ' if position else ''}{name} = ")
        if isa(attr, IntegerAttr[IntegerType]):
            value = attr.value.data
            printer.print_string(str(value) if attr.type.width.data != 1 else "true" if value else "false")
        else:
            printer.print_attribute(attr)
    printer.print_string("}")


# -- pointers ------------------------------------------------------------------------------------


def parse_tile_type(parser: Parser) -> Attribute:
    """A type; `<…>` alone is a `!pto.tile_buf`, as older ptoas printed it."""
    if parser._current_token.kind is MLIRTokenKind.LESS:  # pyright: ignore[reportPrivateUsage]
        return TileBufType(TileBufType.parse_parameter(parser))
    return parser.parse_type()


def parse_pointer_type(parser: Parser) -> Attribute:
    """`!pto.ptr<T>`, or `<T>` as ptoas prints it where nothing else can stand."""
    if parser._current_token.kind is MLIRTokenKind.LESS:  # pyright: ignore[reportPrivateUsage]
        return PtrType(PtrType.parse_parameter(parser))
    return parser.parse_type()
