"""A program text and the places in it: Python's `ast`, nothing is evaluated or imported."""

import ast
import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr

from dsv4_passes.diagnostics import UserError

from .lifts import lift

_UNREADABLE = re.compile("\0|[\ud800-\udfff]|[0-9]{4301,}")
"""What Python does not say the place of: a null byte, half a character, more digits than it reads."""
_GRAMMAR = (
    *(ast.Name, ast.Constant, ast.Attribute, ast.List, ast.Tuple, ast.Dict, ast.Call, ast.keyword),
    *(ast.UnaryOp, ast.BinOp, ast.Compare, ast.Subscript, ast.expr_context),
    *(ast.operator, ast.unaryop, ast.cmpop),
)


LANGUAGE = "pl"
"""The language module in syntax trees and in what is printed."""


class Unread(Exception):
    """Something that pypto writes and nothing here reads: the function around it stays text."""

    def __init__(self, node: ast.AST, what: str):
        super().__init__(what)
        self.node = node


@dataclass
class Source:
    """A text, its file name and its lines."""

    filename: str
    text: str

    def __post_init__(self) -> None:
        self.lines = io.StringIO(self.text, newline="").readlines()  # only what Python takes as line ends
        self.current: ast.AST = ast.Module([], [])
        """The statement that is being read."""
        self.language = LANGUAGE
        """What the text calls the language module, which is `pl` in its syntax tree (imports.py)."""
        self._file = StringAttr(self.filename)

    def parse(self) -> ast.Module:
        """The syntax tree. Raises UserError where the text is no Python."""
        try:
            with warnings.catch_warnings(action="ignore"):  # what Python thinks of literals
                return ast.parse(self.text)
        except SyntaxError as error:
            odd = _UNREADABLE.search(self.text)
            place = self.place(odd.start()) if odd else None
            if error.lineno is not None and not (odd and odd[0].isdigit()):
                place = f"{self.filename}:{error.lineno}:{error.offset or 1}"
            message = str(error.msg).partition(";")[0]
            raise UserError(f"not a program text: {message}", place or self.place(0)) from error
        except (RecursionError, MemoryError) as error:
            longest = max(self.lines, key=len, default="")
            raise UserError("nested too deeply", self.place(self.text.index(longest))) from error
        except ValueError as error:  # null bytes, and what is no character
            odd = _UNREADABLE.search(self.text)
            message = str(error).partition(";")[0]
            raise UserError(
                f"not a program text: {message}", self.place(odd.start() if odd else 0)
            ) from error

    def place(self, index: int) -> str:
        """File, line and column of a character."""
        before = io.StringIO(self.text[:index], newline="").readlines()
        last = before[-1] if before and not before[-1].endswith(("\n", "\r")) else ""
        return f"{self.filename}:{len(before) + (not last)}:{len(last) + 1}"

    def location(self, node: ast.AST) -> FileLineColLoc:
        """Line and column of a node, both counted from 1; a node without a place stands at the start."""
        line: int = getattr(node, "lineno", 1)
        column = self.column(line, getattr(node, "col_offset", 0))
        return FileLineColLoc(self._file, IntAttr(line), IntAttr(column + 1))

    def column(self, line: int, offset: int) -> int:
        """Characters in front of a byte of a line."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))

    def fail(self, node: ast.AST, message: str) -> NoReturn:
        raise UserError(message, self.location(node))

    def outside(self, node: ast.AST, what: str) -> NoReturn:
        """The node is Python, but no part of a tile program."""
        self.fail(node, f"expected {what}, found '{shortened(' '.join(ast.unparse(node).split()))}'")

    def unread(self, node: ast.AST) -> NoReturn:
        """The node is part of pypto's language, but not of what is read here."""
        more = lift(node)
        text = f"'{shortened(' '.join(ast.unparse(node).split()))}' is not read"
        raise Unread(node, text if more is None else f"{text}: {more}")

    def written(self, node: ast.AST) -> str:
        """A piece of syntax as it stands in the text."""
        first: int = getattr(node, "lineno", 0)
        if not first or getattr(node, "end_lineno", 0) != first:
            return ast.unparse(node)
        line = self.lines[first - 1].encode()
        text = line[getattr(node, "col_offset", 0) : getattr(node, "end_col_offset", 0)].decode()
        return renamed(text, self.language, LANGUAGE)

    def check_kept(self, node: ast.expr) -> None:
        """Check that an expression kept as text consists of names, constants, lists and calls only."""
        for inner in ast.walk(node):
            if not isinstance(inner, _GRAMMAR):
                self.outside(inner if isinstance(inner, ast.expr) else node, "an argument of an operation")

    # -- small pieces ----------------------------------------------------------------------------

    def qualified(self, node: ast.expr) -> str | None:
        """`pl.tile.load` of an attribute chain that starts at a name; None for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        return ".".join((node.id, *reversed(parts)))

    def word(self, node: ast.expr, prefix: str) -> str:
        """`zero` of `pl.PadValue.zero` for the prefix `pl.PadValue`."""
        text = self.qualified(node)
        if text is None or not text.startswith(f"{prefix}."):
            self.outside(node, f"{prefix}.…")
        return text.removeprefix(f"{prefix}.")

    def integer(self, node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
                return -value
            case _:
                self.outside(node, "a number")

    def string(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        self.outside(node, "a string")

    def boolean(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return node.value
        self.outside(node, "True or False")

    def elements(self, node: ast.expr) -> Sequence[ast.expr]:
        """The parts of `[a, b]` or `(a, b)`."""
        if isinstance(node, ast.List | ast.Tuple):
            return node.elts
        self.outside(node, "a list")

    def keywords(self, call: ast.Call) -> dict[str, ast.expr]:
        """Keyword arguments by name."""
        found: dict[str, ast.expr] = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                self.outside(keyword.value, "a named keyword argument")
            if keyword.arg in found:
                self.fail(keyword, f"the argument '{keyword.arg}' is there twice")
            found[keyword.arg] = keyword.value
        return found


def renamed(text: str, old: str, new: str) -> str:
    """A piece of text in which the language module has another name."""
    return text if old == new else re.sub(rf"(?<![\w.]){re.escape(old)}(?=\.)", new, text)


def shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def names_in(node: ast.AST) -> set[str]:
    """All names a piece of syntax uses."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
