"""Pieces of program text that are kept as they stand, with `{k}` for the values they use."""

import ast
import re
from collections.abc import Callable

from xdsl.ir import SSAValue


class Template:
    """Turns names into operands: `pl.tile.sort32(x, i)` becomes `pl.tile.sort32({0}, {1})`."""

    def __init__(self, resolve: Callable[[ast.Name], SSAValue]):
        self.resolve = resolve
        self.operands: list[SSAValue] = []

    def text(self, node: ast.expr) -> str:
        """The text of an expression; its names are resolved in the order in which they stand."""
        written, mark = ast.unparse(node), "dsv4_operand"
        while mark in written:
            mark += "_"
        text = ast.unparse(_Rename(self, node, mark).visit(ast.parse(written, mode="eval")))
        return re.sub(rf"{mark}(\d+)_", r"{\1}", text.replace("{", "{{").replace("}", "}}"))

    def number(self, name: ast.Name) -> int:
        value = self.resolve(name)
        if value not in self.operands:
            self.operands.append(value)
        return self.operands.index(value)


class _Rename(ast.NodeTransformer):
    """Replaces the names of values by marks that are names, too."""

    def __init__(self, template: Template, place: ast.expr, mark: str):
        self.template, self.place, self.mark = template, place, mark

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if node.id == "pl":
            return node
        number = self.template.number(ast.copy_location(ast.Name(id=node.id, ctx=node.ctx), self.place))
        return ast.Name(id=f"{self.mark}{number}_", ctx=node.ctx)
