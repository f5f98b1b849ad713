"""Loops and branches of a kernel: iter_args are matched by position, their types by use."""

import ast
from abc import ABC, abstractmethod
from collections.abc import Sequence

from xdsl.dialects import scf
from xdsl.ir import Attribute, Block, Region, SSAValue

from dialects.pto.types import DYNAMIC, TileType
from dsv4_passes.formats.pypto.grammar.types import AnyText, TileText

from .body import INDEX, Bound, KernelTensor, yield_at_end
from .function import TileReader

RegionValue = KernelTensor | SSAValue


class RegionReader(TileReader, ABC):
    """Reads loops and branches. Tensors are carried by memory, not by value."""

    @abstractmethod
    def statements(self, statements: Sequence[ast.stmt]) -> None:
        """Read statements into the current block."""

    def loop(self, node: ast.For) -> None:
        """`for i, (a, b) in pl.range(…, init_values=(x, y)):`"""
        header = self.loop_header(node)
        inits = [self.carried(n) for n in header.inits]
        body, targets, yielded = self.split_yield(node.body)
        if len(yielded) != len(inits):
            self.fail(node.body[-1], f"expected {len(inits)} yielded values, found {len(yielded)}")
        types = [
            self.carried_type(init.type, expression, body)
            for init, expression in zip(inits, yielded, strict=True)
            if isinstance(init, SSAValue)
        ]
        values = [i for i in inits if isinstance(i, SSAValue)]
        starts = [self.coerce(v, t, node) for v, t in zip(values, types, strict=True)]
        outer, block = dict(self.names), Block(arg_types=[INDEX, *types])
        self.call(block.args[0], header.variable)
        self.define(header.variable, block.args[0])
        arguments = iter(block.args[1:])
        for name, init in zip(header.carried, inits, strict=True):
            bound: Bound = init
            if isinstance(init, SSAValue):
                bound = next(arguments)
                self.call(bound, name)
            self.define(name, bound)
        parent, self.block = self.block, block
        self.statements(body)
        ends = [self.carried(n) for n in yielded]
        passed: list[SSAValue] = []
        for init, end, expression in zip(inits, ends, yielded, strict=True):
            if isinstance(init, SSAValue) and isinstance(end, SSAValue):
                passed.append(self.coerce(end, types[len(passed)], expression))
            elif init is not end:
                self.fail(
                    expression, f"'{ast.unparse(expression)}' is not the tensor that the loop carries here"
                )
        self.block = parent
        op = scf.ForOp(*header.bounds, starts, Region(block))
        if header.kind is not None:
            op.attributes["dsv4.loop"] = header.kind
        self.emit(op, node)
        yield_at_end(block, passed, op)
        self.names = outer
        self.bind_results(targets or header.carried, ends, op.results)

    def carried(self, node: ast.expr) -> RegionValue:
        """A tensor, tile or scalar that is passed into or out of a loop or branch."""
        bound = self.lookup(node) if isinstance(node, ast.Name | ast.Subscript) else self.scalar(node)
        if not isinstance(bound, KernelTensor | SSAValue):
            self.fail(node, f"a loop cannot carry '{ast.unparse(node)}'")
        return bound

    def bind_results(
        self, names: Sequence[str], ends: Sequence[RegionValue], results: Sequence[SSAValue]
    ) -> None:
        """Behind a loop or branch, the names it defines."""
        values = iter(results)
        for name, end in zip(names, ends, strict=True):
            if isinstance(end, SSAValue):
                end = next(values)
                self.call(end, name)
            self.define(name, end)

    def carried_type(self, init: Attribute, expression: ast.expr, body: Sequence[ast.stmt]) -> Attribute:
        """The type a loop carries.

        A tile has the memory and the valid extent in which the body yields it: the text starts accumulators
        in vector memory.
        """
        if not isinstance(init, TileType) or not isinstance(expression, ast.Name):
            return init
        declared = self.declared_in(expression.id, body)
        if not isinstance(declared, TileText) or not declared.placed:
            return init
        valid = declared.flat_shape
        if declared.valid is not None and len(declared.shape) == 2:
            first, second = (self.fixed(e) for e in declared.valid)
            valid = (DYNAMIC if first is None else first, DYNAMIC if second is None else second)
        target = declared.tile_type(valid)
        if (target.data.shape, target.data.dtype) != (init.data.shape, init.data.dtype):
            return init
        rows, cols = (a if a == b else DYNAMIC for a, b in zip(init.data.valid, valid, strict=True))
        return target.with_(valid_rows=rows, valid_cols=cols)

    def declared_in(self, name: str, body: Sequence[ast.stmt]) -> AnyText | None:
        """The annotation of a name defined in a body, also through the yield of a loop or branch in it."""
        for statement in reversed(body):
            match statement:
                case ast.AnnAssign(target=ast.Name(id=target)) if target == name:
                    return self.types.read(statement.annotation)
                case ast.For() | ast.If():
                    inner, targets, yielded = self.split_yield(statement.body)
                    if name in targets:
                        last, value = statement.body[-1], yielded[targets.index(name)]
                        found = self.declared_in(value.id, inner) if isinstance(value, ast.Name) else None
                        said = isinstance(found, TileText) and found.placed
                        if not said and isinstance(last, ast.AnnAssign):
                            return self.types.read(last.annotation)
                        return found
                case _:
                    pass
        return None

    def branch(self, node: ast.If) -> None:
        """`if condition:` whose branches define the same names by a closing `pl.yield_`."""
        condition = self.condition(node.test)
        outer, parent = dict(self.names), self.block
        blocks: list[Block] = []
        ends: list[list[RegionValue]] = []
        names: list[list[str]] = []
        for statements in (node.body, node.orelse):
            self.block, self.names = Block(), dict(outer)
            blocks.append(self.block)
            body, targets, yielded = self.split_yield(statements)
            self.statements(body)
            ends.append([self.carried(n) for n in yielded])
            names.append(targets)
        self.check_same_names(node, *names)
        passed: tuple[list[SSAValue], list[SSAValue]] = ([], [])
        for first, second, name in zip(ends[0], ends[1], names[0], strict=True):
            if isinstance(first, SSAValue) and isinstance(second, SSAValue):
                target = _joined(first.type, second.type)
                pair: tuple[SSAValue, SSAValue] = (first, second)
                for side, value in enumerate(pair):
                    self.block = blocks[side]
                    passed[side].append(self.coerce(value, target, node))
            elif first is not second:
                self.fail(node, f"the branches yield different tensors for '{name}'")
        self.block, self.names = parent, outer
        op = self.if_operation(node, condition, blocks, passed)
        self.bind_results(names[0], ends[0], op.results)


def _joined(first: Attribute, second: Attribute) -> Attribute:
    """The type of a value that comes from either branch: the first one's, valid as far as both agree."""
    if not isinstance(first, TileType) or not isinstance(second, TileType):
        return first
    rows, cols = (a if a == b else DYNAMIC for a, b in zip(first.data.valid, second.data.valid, strict=True))
    return first.with_(valid_rows=rows, valid_cols=cols)
