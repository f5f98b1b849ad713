"""Unknown operations of any dialect, kept as text.

An opaque operation holds its text in pieces: between piece i and piece i + 1 stands operand i. Printing
writes the pieces and the current names of the operands, so what comes out differs from what came in only
in SSA names. It has no effect trait, which to xDSL means that it may read and write everything: no pass
removes, merges or moves it. Values that its own regions define stay text; they are renamed where an outer
value has taken their name.

A parser asks `opaque_class(name)` for the class of an operation it does not know; reading it is
`parse_opaque`. How many results it has is what stands in front of its name; their types are those behind its
last `->`, or else its last `:`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple, Self, cast

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer

_TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|"(?:[^"\\]|\\.)*"|::|[<>=!]=)|(?P<arrow>->)|(?P<colon>:)|(?P<open>[(\[{<])
    |(?P<close>[)\]}>])|(?P<line>\n)|(?P<value>%[\w$.-]+(?:\#\d+)?)|(?P<block>\^[\w$.-]+)
    |(?P<alias>[!\#][A-Za-z_][\w$]*(?![\w$.]))""",
    re.VERBOSE,
)
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_BETWEEN = re.compile(r"(?:\s|//[^\n]*)*")
_WORD = re.compile(r"[A-Za-z_][\w$.]*")
_RESULTS = re.compile(r"((?:%[\w$.-]+(?::\d+)?\s*,\s*)*%[\w$.-]+(?::\d+)?)\s*=\s*\Z")
_INNER = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|%([\w$.-]+)')


class OpaqueOp(Operation):
    """An operation kept as text. `name` is the name it had; test for it with `isinstance`."""

    name = "pto.opaque"
    traits = traits_def()

    @property
    def pieces(self) -> Sequence[str]:
        """Its text behind the name, cut where the operands stand."""
        pieces = cast(ArrayAttr[StringAttr], self.properties["pieces"])
        return [piece.data for piece in pieces]

    @classmethod
    def make(
        cls, name: str, pieces: Sequence[str], operands: Sequence[SSAValue], results: Sequence[Attribute]
    ) -> "OpaqueOp":
        """The operation `name` whose text is `pieces` with `operands` in between."""
        assert len(pieces) == len(operands) + 1, "expected one piece more than operands"
        return opaque_class(name).create(
            operands=operands,
            result_types=results,
            properties={"pieces": ArrayAttr(map(StringAttr, pieces))},
        )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        return cast(Self, parse_opaque(parser, cls.name))

    def print(self, printer: Printer) -> None:
        pieces = self._renamed(set(printer._ssa_values.values()))  # pyright: ignore[reportPrivateUsage]
        printer.print_string(pieces[0], indent=0)
        for operand, piece in zip(self.operands, pieces[1:], strict=True):
            printer.print_operand(operand)
            printer.print_string(piece, indent=0)

    def _renamed(self, taken: set[str]) -> Sequence[str]:
        """The pieces, with other names for inner values whose names are taken outside."""
        inner = {match[1] for piece in self.pieces for match in _INNER.finditer(piece)} - {None}
        clashes = inner & taken
        if not clashes:
            return self.pieces
        fresh: dict[str, str] = {}
        for name in sorted(clashes):
            number = 0
            while (new := f"{name}_{number}") in taken or new in inner:
                number += 1
            fresh[name] = new
            taken.add(new)

        def rename(match: re.Match[str]) -> str:
            return f"%{fresh.get(match[1], match[1])}" if match[1] else match[0]

        return [_INNER.sub(rename, piece) for piece in self.pieces]


@cache
def opaque_class(name: str) -> type[OpaqueOp]:
    """The class of opaque operations called `name`; the same one for the same name."""
    return cast(type[OpaqueOp], type("OpaqueOp", (OpaqueOp,), {"name": name, "__module__": __name__}))


class _Extent(NamedTuple):
    """Where the text of an operation ends, and what is found in it."""

    end: int
    types: int | None
    """Where the types of its results begin, if something can be that."""
    replaced: Sequence[tuple[int, int, str]]
    """Values and aliases: begin, end, text."""
    successor: int | None
    """Where it names a block that is not its own."""


def _scan(parser: Parser, content: str, start: int) -> _Extent:
    """Find the end: a closing bracket that it did not open, or a line end that nothing continues."""
    opened: list[str] = []
    arrow = colon = successor = None
    found: list[tuple[int, int, str]] = []
    for match in _TOKEN.finditer(content, start):
        kind = match.lastgroup
        if kind == "open":
            opened.append(_CLOSING[match[0]])
        elif kind == "close":
            if not opened:
                return _Extent(match.start(), arrow or colon, found, successor)
            if (expected := opened.pop()) != match[0]:
                parser.raise_error(f"expected '{expected}', found '{match[0]}'", match.start(), match.end())
        elif kind in ("value", "alias"):
            found.append((match.start(), match.end(), match[0]))
        elif not opened:
            if kind == "line" and not _continues(parser, content, start, match.start()):
                return _Extent(match.start(), arrow or colon, found, successor)
            arrow = match.end() if kind == "arrow" else arrow
            colon = match.end() if kind == "colon" else colon
            successor = match.start() if kind == "block" else successor
    if opened:
        parser.raise_error(f"expected '{opened[-1]}', found the end of the text", len(content), len(content))
    return _Extent(len(content), arrow or colon, found, successor)


def _continues(parser: Parser, content: str, start: int, line_end: int) -> bool:
    """The operation continues in the next line: something is open, or what follows begins no operation."""
    line = content[max(start, content.rfind("\n", start, line_end) + 1) : line_end]
    if line.split("//")[0].rstrip().endswith((",", ":", "=", "->")):
        return True
    between = _BETWEEN.match(content, line_end)
    following = between.end() if between else line_end
    if following == len(content) or content[following] in '%"^}#!':
        return False
    word = _WORD.match(content, following)
    if word is None:
        return True
    stack = parser._parser_state.dialect_stack  # pyright: ignore[reportPrivateUsage]
    return "." not in word[0] and parser.ctx.get_optional_op(word[0], dialect_stack=stack) is None


def parse_opaque(parser: Parser, name: str) -> OpaqueOp:
    """Read the operation `name`, whose name the parser has just taken, up to its end.

    Raises ParseError where brackets do not match, where a result's type cannot be told from the text, and
    for an operation that branches to other blocks: their names change.
    """
    content = parser.lexer.input.content
    begin = content.rindex(name, 0, parser.pos)
    start = begin + len(name)
    extent = _scan(parser, content, start)
    if extent.successor is not None:
        parser.raise_error(
            f"cannot keep unknown operation '{name}', which branches to another block", begin, start
        )
    results = _result_types(parser, name, begin, extent, _result_count(content, begin))
    pieces, operands = [""], list[SSAValue]()
    position = start
    for first, last, text in extent.replaced:
        if first >= extent.end:
            break
        pieces[-1] += content[position:first]
        position = last
        if (value := _visible_value(parser, text)) is not None:
            operands.append(value)
            pieces.append("")
        else:
            pieces[-1] += _without_alias(parser, text)
    pieces[-1] += content[position : extent.end].rstrip()
    parser._resume_from(extent.end)  # pyright: ignore[reportPrivateUsage]
    return OpaqueOp.make(name, pieces, operands, results)


def _visible_value(parser: Parser, text: str) -> SSAValue | None:
    """The value that `%x` or `%x#1` means here; None for what the operation itself defines."""
    name, _, index = text[1:].partition("#")
    values = parser.ssa_values.get(name) if text.startswith("%") else None
    return values[int(index or 0)] if values else None


def _without_alias(parser: Parser, text: str) -> str:
    """`!t` and `#a` spelled out: printers do not write the definitions of aliases."""
    alias = parser.attribute_aliases.get(text)
    return text if alias is None else str(alias)


def _result_count(content: str, begin: int) -> int:
    """How many results are bound in front of the name: `%a, %b:2 = ` are three."""
    match = _RESULTS.search(content, max(0, begin - 4096), begin)
    return sum(_bound(match[1])) if match else 0


def _bound(names: str) -> Iterator[int]:
    for name in names.split(","):
        yield int(name.partition(":")[2] or 1)


def _result_types(parser: Parser, name: str, begin: int, extent: _Extent, count: int) -> list[Attribute]:
    if count == 0:
        return []
    types: list[Attribute] = []
    if extent.types is not None:
        parser._resume_from(extent.types)  # pyright: ignore[reportPrivateUsage]
        if parser.parse_optional_punctuation("(") is not None:
            types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        elif parser.pos < extent.end:
            types = [parser.parse_type()]
            while parser.parse_optional_punctuation(",") is not None:
                types.append(parser.parse_type())
    if len(types) != count:
        parser.raise_error(
            f"cannot tell the types of the {count} results of unknown operation '{name}', found {len(types)}",
            begin,
            begin + len(name),
        )
    return types
