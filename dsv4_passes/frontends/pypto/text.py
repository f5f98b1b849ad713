"""Pieces of program text that are kept as they stand, with `{k}` for the values they use."""

import ast
from collections.abc import Callable

from xdsl.ir import SSAValue

from .source import names_in

_MARK = "dsv4_operand_{}_"


class Template:
    """Turns names into operands: `pl.tile.sort32(x, i)` becomes `pl.tile.sort32({0}, {1})`."""

    def __init__(self, resolve: Callable[[ast.Name], SSAValue]):
        self.resolve = resolve
        self.operands: list[SSAValue] = []

    def text(self, node: ast.expr) -> str:
        """The text of an expression; names are resolved in the order of the alphabet."""
        marks: dict[str, str] = {}
        for name in sorted(names_in(node) - {"pl"}):
            value = self.resolve(ast.copy_location(ast.Name(id=name, ctx=ast.Load()), node))
            if value not in self.operands:
                self.operands.append(value)
            marks[name] = str(self.operands.index(value))
        renamed = _Rename(marks).visit(ast.parse(ast.unparse(node), mode="eval"))
        text = ast.unparse(renamed).replace("{", "{{").replace("}", "}}")
        for number in set(marks.values()):
            text = text.replace(_MARK.format(number), "{" + number + "}")
        return text


class _Rename(ast.NodeTransformer):
    def __init__(self, marks: dict[str, str]):
        self.marks = marks

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if node.id in self.marks:
            return ast.Name(id=_MARK.format(self.marks[node.id]), ctx=node.ctx)
        return node
