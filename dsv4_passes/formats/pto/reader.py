"""From text to IR: a parser that remembers how things were written, and errors in one line.

`Dsv4Parser` reads what xDSL's parser reads, and besides gives every operation the place of its first token
as location, keeps SSA names, float literals and explicit `loc(…)` as written (`spelling`), and reports an
undefined value where it is first used. An unknown operation is kept as text, with a remark.
`parse_text` and `parse_file` turn every failure of the input into a `UserError` with file, line and column;
`verify_module` does so for the rules of the operations.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from xdsl.context import Context
from xdsl.dialects.builtin import (
    UNKNOWN_LOC,
    AnyFloat,
    DenseIntOrFPElementsAttr,
    FileLineColLoc,
    FloatAttr,
    FusedLoc,
    IntAttr,
    IntegerAttr,
    LocationAttr,
    ModuleOp,
    NoneAttr,
    StringAttr,
    UnregisteredOp,
)
from xdsl.ir import Attribute, Dialect, Operation, SSAValue
from xdsl.parser import ForwardDeclaredValue, Parser, ParserState, UnresolvedOperand
from xdsl.traits import NoTerminator
from xdsl.universe import Universe
from xdsl.utils.exceptions import ParseError, VerifyException
from xdsl.utils.lexer import Input, Span
from xdsl.utils.mlir_lexer import MLIRTokenKind

from dsv4_passes import source_names as spelling
from dsv4_passes.diagnostics import UserError, note
from dsv4_passes.xdsl_extras.dominance import undominated_uses
from dsv4_passes.xdsl_extras.lexer import QuickLexer

_NUMBER = re.compile(r"-?\s*(0[xX][0-9a-fA-F]+|[0-9]+(\.[0-9]*([eE][+-]?[0-9]+)?)?)")
_LOCATION_ALIAS = re.compile(r"^#[\w$.-]+[ \t]*=[ \t]*loc\(", re.MULTILINE)


@cache
def _registered_dialects() -> dict[str, Callable[[], Dialect]]:
    return Universe.get_multiverse().all_dialects


def new_context() -> Context:
    """A context that knows the dialects of all installed packages; each is loaded when a text uses it."""
    context = Context()
    for name, factory in _registered_dialects().items():
        context.register_dialect(name, factory)
    return context


class Dsv4Parser(Parser):
    """xDSL's parser, with places and spellings kept. Raises ParseError as xDSL's does."""

    def __init__(self, ctx: Context, text: str, filename: str = "<unknown>"):
        self._filename = StringAttr(filename)
        self._line_starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self._first_uses: dict[str, Span] = {}
        self._op_starts: list[int] = []
        self._early_aliases: set[str] = set()
        self._unknown: dict[tuple[str, bool], type[Operation]] = {}
        super().__init__(ctx, "", filename)
        self._parser_state = ParserState(QuickLexer(Input(text, filename)))
        self._parse_location_aliases(text)

    def location_at(self, position: int) -> FileLineColLoc:
        """Line and column of a position in the text, both counted from 1."""
        line = bisect_right(self._line_starts, position)
        column = position - self._line_starts[line - 1] + 1
        return FileLineColLoc(self._filename, IntAttr(line), IntAttr(column))

    # -- the module ------------------------------------------------------------------------------

    def parse_module(self, allow_implicit_module: bool = True) -> ModuleOp:
        if self._current_token.kind == MLIRTokenKind.EOF and allow_implicit_module:
            module = ModuleOp([])
        else:
            module = self._parse_module_or_explain(allow_implicit_module)
            self._check_forward_uses(module)
            self._name_arguments(module)
        if module.location is UNKNOWN_LOC:
            module.location = self.location_at(0)
        return module

    def _name_arguments(self, module: ModuleOp) -> None:
        """Name arguments after their views, which passes may remove."""
        if not any(dialect.name == "pto" for dialect in self.ctx.loaded_dialects):
            return
        from dsv4_passes.argument_names import name_arguments

        name_arguments(module)

    def _parse_module_or_explain(self, allow_implicit_module: bool) -> ModuleOp:
        try:
            return super().parse_module(allow_implicit_module)
        except ParseError as error:
            if error.msg.startswith("values used but not defined"):
                self.raise_undeclared()
            if error.msg == "Could not parse entire input!":
                self.raise_error(f"expected an operation, found {self._found()}")
            if error.msg.strip() == "in block definition":
                self.raise_error(f"expected an operation, a block or '}}', found {self._found()}")
            raise

    def _check_forward_uses(self, module: ModuleOp) -> None:
        """A value that an operation's own region defines is not found when the operation is put together."""
        for op in module.walk():
            for index, operand in enumerate(op.operands):
                if isinstance(operand, ForwardDeclaredValue):
                    place = spelling.position(op.location) or op.location
                    assert isinstance(place, FileLineColLoc)
                    at = self._line_starts[place.line.data - 1] + place.column.data - 1
                    self.raise_error(f"'{op.name}' op operand #{index} does not dominate this use", at)

    def raise_undeclared(self) -> NoReturn:
        """Report the first use of a value that has no definition so far."""
        uses = (self._first_uses[name] for name in self.forward_ssa_references)
        first = min(uses, key=lambda span: span.start)
        self.raise_error(f"use of undeclared SSA value {first.text}", first)

    def _found(self) -> str:
        return f"'{self._current_token.text}'" if self._current_token.text else "the end of the text"

    def _parse_location_aliases(self, text: str) -> None:
        """Read `#loc1 = loc(…)` first: MLIR prints them behind the operations that use them."""
        matches = list(_LOCATION_ALIAS.finditer(text))
        for match in matches:
            self._resume_from(match.start())
            name = self._current_token.text
            self._parse_alias_def()
            self._early_aliases.add(name)
        if matches:
            self._resume_from(0)

    def _parse_alias_def(self) -> None:
        name = self._current_token.text
        if name in self._early_aliases:
            self._early_aliases.remove(name)
            del self.attribute_aliases[name]
        super()._parse_alias_def()

    # -- operations ------------------------------------------------------------------------------

    def parse_operation(self) -> Operation:
        start = self.pos
        self._op_starts.append(start)
        op = super().parse_operation()
        self._op_starts.pop()
        place = self.location_at(start)
        if op.location is UNKNOWN_LOC:
            op.location = place
        else:
            op.location = spelling.placed(op.location, place)
        for region in op.regions:
            for block in region.blocks:
                if (last := block.last_op) is not None and last.location is UNKNOWN_LOC:
                    last.location = place  # a terminator that the text leaves out
        if type(op) in self._unknown.values():
            name = op.op_name.data if isinstance(op, UnregisteredOp) else op.name
            note(op, f"operation '{name}' is not known here and is kept as it stands")
        return op

    def _get_op_by_name(self, name: str) -> type[Operation]:
        """The class for an operation; an unknown one with a dialect prefix is kept as text.

        A context that allows unregistered operations has a class for every name, for generic text only.
        """
        known = self.ctx.get_optional_op(name, dialect_stack=self._parser_state.dialect_stack)
        if known is not None and not issubclass(known, UnregisteredOp):
            return known
        content = self.lexer.input.content
        at = content.rfind(name, self._op_starts[-1], self.pos)
        generic = content[at - 1 : at] == '"'
        if "." not in name.strip(".") and not (generic and known is not None):
            self.raise_error(f"unknown operation '{name}'", at, at + len(name))
        if (name, generic) not in self._unknown:
            if generic:
                self._unknown[name, generic] = UnregisteredOp.with_name(name)
                if "." in name:
                    self._unknown[name, generic].name = name  # what messages call it
            else:
                from dialects.pto.opaque import opaque_class

                self._unknown[name, generic] = opaque_class(name)
        return self._unknown[name, generic]

    def resolve_operand(self, operand: UnresolvedOperand, type: Attribute) -> SSAValue:
        if operand.operand_name not in self.ssa_values:
            self._first_uses.setdefault(operand.operand_name, operand.span)
        return super().resolve_operand(operand, type)

    def _register_ssa_definition(self, name: str, values: Sequence[SSAValue], span: Span) -> None:
        super()._register_ssa_definition(name, values, span)
        if len(values) == 1:
            spelling.set_written_name(values[0], name)

    # -- attributes ------------------------------------------------------------------------------

    def _parse_location(self) -> LocationAttr:
        """Reads `fused<…>[…]` and `"f":1:2 to 3:4` too, which MLIR has and xDSL 0.74 has not."""
        if self.parse_optional_keyword("fused") is not None:
            metadata: Attribute = NoneAttr()
            if self.parse_optional_punctuation("<") is not None:
                metadata = self.parse_attribute()
                self.parse_punctuation(">")
            parts = self.parse_comma_separated_list(self.Delimiter.SQUARE, self._parse_location)
            return FusedLoc(tuple(parts), metadata)
        location = super()._parse_location()
        if isinstance(location, FileLineColLoc) and self.parse_optional_keyword("to") is not None:
            line = self.parse_optional_integer(False, False)
            self.parse_punctuation(":")
            location = copy(location)
            spelling.set_range_end(location, line, self.parse_integer(False, False))
        return location

    def parse_optional_builtin_int_or_float_attr(self) -> IntegerAttr | FloatAttr | None:
        start = self.pos
        attr = super().parse_optional_builtin_int_or_float_attr()
        if isinstance(attr, FloatAttr) and (match := _NUMBER.match(self.lexer.input.content, start)):
            spelling.set_written_literal(attr, match.group())
        return attr

    def parse_dense_int_or_fp_elements_attr(self, type: Any) -> DenseIntOrFPElementsAttr:
        """Refuses hexadecimal float elements, which xDSL 0.74 reads as integers instead of as bits."""
        start = self.pos
        attr = super().parse_dense_int_or_fp_elements_attr(type)
        text = self.lexer.input.content[start : self.pos]
        if isinstance(attr.get_element_type(), AnyFloat) and re.search(r'[\s<\[,-]0[xX][^"]*$', text):
            self.raise_error("hexadecimal elements of a dense float literal are not supported", start)
        return attr


def read_text(path: str | Path) -> str:
    """The text of a file in UTF-8. Raises UserError."""
    try:
        return decode(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise UserError(error.strerror or str(error), str(path)) from error


def decode(data: bytes, filename: str) -> str:
    """Bytes of a file as text, a byte order mark left out. UserError at the first byte that is not UTF-8."""
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise UserError(
            f"not UTF-8 text: byte 0x{data[error.start]:02x}", f"{filename}:{line}:{column}"
        ) from error


def parse_text(
    text: str, filename: str = "<stdin>", ctx: Context | None = None, implicit_module: bool = True
) -> ModuleOp:
    """Parse a module without verifying it. Raises UserError."""
    parser: Dsv4Parser | None = None
    try:
        parser = Dsv4Parser(ctx or new_context(), text, filename)
        return parser.parse_module(implicit_module)
    except UserError:
        raise
    except ParseError as error:
        _fail_at(error)
    except RecursionError as error:
        raise UserError("nested too deeply", parser and parser.location_at(parser.pos)) from error
    except Exception as error:  # a number or a type that the grammar lets through and its class does not
        if parser is not None and str(error) == _FORWARD:
            try:
                parser.raise_undeclared()
            except ParseError as undeclared:
                _fail_at(undeclared)
        where = parser.location_at(parser.pos) if parser else filename
        raise UserError(_one_line(str(error)) or type(error).__name__, where) from error


_FORWARD = "Forward declared values do not have an owner"
"""What xDSL raises where an operation's parser asks what defines an operand, and nothing has so far."""


def _fail_at(error: ParseError) -> NoReturn:
    message = error.msg.replace("{first_char}", error.span.text)  # xDSL forgot to make it an f-string
    message = "".join(c if c.isprintable() or c.isspace() else f"U+{ord(c):04X}" for c in message)
    raise UserError(_one_line(message), str(error.span.get_location())) from error


def parse_file(path: str | Path, ctx: Context | None = None) -> ModuleOp:
    """Parse a `.pto` or `.mlir` file without verifying it. Raises UserError."""
    return parse_text(read_text(path), str(path), ctx)


def _one_line(message: str) -> str:
    return " ".join(message.split())


def verify_module(module: ModuleOp) -> None:
    """Check the rules of every operation, and SSA dominance. Raises UserError at the first offender."""
    for op in module.walk():
        try:
            op.verify(verify_nested_ops=False)
        except VerifyException as error:
            _fail(op, _one_line(str(error)), error)
        except RecursionError as error:
            _fail(op, "is nested too deeply", error)
        except Exception as error:  # generic syntax can give an operation what its class never expects
            _fail(op, f"is malformed: {_one_line(str(error)) or type(error).__name__}", error)
        for region in op.regions:
            if (block := region.first_block) is None or block is not region.last_block:
                continue
            if block.first_op is None and not op.has_trait(NoTerminator):
                _fail(op, "expects a terminator in its region")
    for op, index in undominated_uses(module):
        name = spelling.written_name(op.operands[index]) or op.operands[index].name_hint
        _fail(op, f"operand #{index}{f' (%{name})' if name else ''} does not dominate this use")


def _fail(op: Operation, problem: str, cause: Exception | None = None) -> NoReturn:
    raise UserError(f"'{op.name}' op {problem}", op.location) from cause
