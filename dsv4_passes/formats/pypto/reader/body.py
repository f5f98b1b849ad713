"""What reading a kernel and reading an orchestration have in common: the frame of loops and branches."""

import ast
from collections.abc import Sequence
from typing import NamedTuple

from xdsl.dialects import scf
from xdsl.ir import Block, Operation, Region, SSAValue

from dialects.dsv4.attributes import Loop, LoopAttr
from dialects.pto.elements import element_name
from dsv4_passes.formats.pypto.grammar.scalars import (
    INDEX,
    Bound,
    KernelTensor,
    Many,
    Scalars,
    TensorBuffer,
)
from dsv4_passes.formats.pypto.grammar.source import names_in

__all__ = ["INDEX", "Body", "Bound", "KernelTensor", "LoopHeader", "Many", "TensorBuffer", "yield_at_end"]

LOOPS = ("pl.range", "pl.pipeline", "pl.parallel", "pl.unroll")
OTHER_LOOPS = ("pl.while_", "pl.spmd", "pl.split_aiv")
OTHER_OPTIONS = frozenset({"chunk", "chunk_policy"})
"""Options of loops that mean another order of trips."""


class LoopHeader(NamedTuple):
    """The line of a loop: its variable, what it carries from which values, its bounds and its kind."""

    variable: str
    carried: list[str]
    inits: list[ast.expr]
    bounds: tuple[SSAValue, SSAValue, SSAValue]
    kind: LoopAttr | None


class Body(Scalars):
    """Reads the statements of one function into a block."""

    def check_statement(self, statement: ast.stmt) -> None:
        """Raises Unread for what pypto's language has beyond plain statements, loops and branches."""
        match statement:
            case ast.While() | ast.Break() | ast.Continue():
                self.source.unread(statement)
            case ast.With(items=[ast.withitem(context_expr=ast.Call(func=function))]) if (
                self.source.qualified(function) or ""
            ).startswith("pl."):
                self.source.unread(statement)
            case _:
                pass

    def name_of(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return node.id
        self.source.outside(node, "a name")

    def loop_header(self, node: ast.For) -> LoopHeader:
        if isinstance(node.iter, ast.Call) and self.source.qualified(node.iter.func) in OTHER_LOOPS:
            self.source.unread(node.iter)
        match node.target:
            case ast.Name(id=variable):
                carried: list[str] = []
            case ast.Tuple(elts=[ast.Name(id=variable), ast.Tuple(elts=parts)]):
                carried = [self.name_of(p) for p in parts]
            case _:
                self.source.outside(node.target, "'i' or 'i, (a, b)'")
        call = node.iter
        kind = self.source.qualified(call.func) if isinstance(call, ast.Call) else None
        if not isinstance(call, ast.Call) or kind not in LOOPS:
            self.source.outside(call, "pl.range, pl.pipeline or pl.parallel")
        given = self.source.keywords(call)
        inits = list(self.source.elements(given.pop("init_values"))) if "init_values" in given else []
        if len(inits) != len(carried):
            self.fail(call, f"expected {len(carried)} initial values, found {len(inits)}")
        stage = self.source.integer(given.pop("stage")) if "stage" in given else 0
        options = self.kept_attrs(given.pop("attrs")) if "attrs" in given else ""
        if given.keys() & OTHER_OPTIONS:
            self.source.unread(call)
        if given:
            self.fail(call, f"unknown loop option '{min(given)}'")
        word = kind.removeprefix("pl.")
        plain = word == "range" and not options
        attribute = None if plain else LoopAttr(Loop(word, stage, options))
        return LoopHeader(variable, carried, inits, self.loop_bounds(call), attribute)

    def kept_attrs(self, node: ast.expr) -> str:
        """`{"loop_origin": pl.LoopOrigin.ChunkInner}` as text: it must not name values of the program."""
        self.source.check_kept(node)
        if not isinstance(node, ast.Dict) or names_in(node) - {"pl"}:
            self.source.outside(node, "a dictionary of constants")
        return self.source.written(node)

    def loop_bounds(self, call: ast.Call) -> tuple[SSAValue, SSAValue, SSAValue]:
        """Start, end and step, of which the first and last may be left out."""
        if not 1 <= len(call.args) <= 3:
            self.fail(call, f"expected 1 to 3 bounds, found {len(call.args)}")
        bounds = [self.scalar(a, INDEX) for a in call.args]
        for bound, argument in zip(bounds, call.args, strict=True):
            if bound.type != INDEX:
                self.fail(argument, f"expected an index, found {element_name(bound.type)}")
        if len(bounds) == 1:
            bounds.insert(0, self.index(0, call))
        if len(bounds) == 2:
            bounds.append(self.index(1, call))
        return bounds[0], bounds[1], bounds[2]

    def split_yield(self, body: Sequence[ast.stmt]) -> tuple[Sequence[ast.stmt], list[str], list[ast.expr]]:
        """The statements in front of the closing `pl.yield_`, the names it defines and what it yields."""
        last = body[-1] if body else None
        value = last.value if isinstance(last, ast.Assign | ast.AnnAssign | ast.Expr) else None
        if (
            last is None
            or not isinstance(value, ast.Call)
            or self.source.qualified(value.func) != "pl.yield_"
        ):
            return body, [], []
        if value.keywords:
            self.source.outside(value, "pl.yield_ without keyword arguments")
        match last:
            case ast.Assign(targets=[ast.Tuple(elts=parts)]):
                names = [self.name_of(p) for p in parts]
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case ast.Expr():
                names = []
            case _:
                self.source.outside(last, "names for what is yielded")
        if names and len(names) != len(value.args):
            self.fail(last, f"expected {len(names)} yielded values, found {len(value.args)}")
        return body[:-1], names, value.args

    def check_same_names(self, node: ast.If, first: Sequence[str], second: Sequence[str]) -> None:
        if first != second:
            found = " and ".join(", ".join(names) or "none" for names in (first, second))
            self.fail(node, f"the branches define different names: {found}")

    def if_operation(
        self,
        node: ast.If,
        condition: SSAValue,
        blocks: Sequence[Block],
        passed: Sequence[Sequence[SSAValue]],
    ) -> scf.IfOp:
        """The operation for two finished blocks; without results and an `else` it has one region."""
        types = [v.type for v in passed[0]]
        alone = not node.orelse and not types
        op = scf.IfOp(condition, types, Region(blocks[0]), Region() if alone else Region(blocks[1]))
        self.emit(op, node)
        for block, values in zip(blocks[: 1 if alone else 2], passed, strict=False):
            yield_at_end(block, values, op)
        return op


def yield_at_end(block: Block, values: Sequence[SSAValue], owner: Operation) -> None:
    """Close a block of a loop or branch."""
    op = scf.YieldOp(*values)
    op.location = owner.location
    block.add_op(op)
