"""The orchestration of a program: its statements, and the versions that loops and branches carry.

Every tensor written inside a loop or branch is carried, whether the text says so or not. What is written
is found by reading the body once and forgetting it again.
"""

import ast
from collections.abc import Callable, Sequence
from typing import NamedTuple

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, StringAttr
from xdsl.ir import Attribute, Block, Region, SSAValue

from dialects.dsv4.attributes import DirectionAttr
from dialects.dsv4.functions import ORCHESTRATION, set_returned
from dialects.dsv4.opaque import TextCallOp
from dsv4_passes.formats.pypto.grammar.source import Unread
from dsv4_passes.formats.pypto.grammar.template import Template
from dsv4_passes.formats.pypto.grammar.types import (
    AnyText,
    OtherText,
    ScalarText,
    TensorText,
    TupleText,
    dims_attribute,
)
from dsv4_passes.source_names import base_name

from .body import INDEX, Bound, Many, TensorBuffer, yield_at_end
from .tensors import State, TensorPiece, TensorReader

ProgramValue = TensorBuffer | SSAValue


class Ends(NamedTuple):
    """What a body yields, and what it wrote of what was there before."""

    names: list[str]
    nodes: list[ast.expr]
    bounds: list[ProgramValue]
    written: list[TensorBuffer]


class OrchestrationReader(TensorReader):
    """Reads one `Orchestration` function."""

    # -- the function ----------------------------------------------------------------------------

    def read(self) -> func.FuncOp:
        attributes = [self.parameter(p.name, p.type, p.direction) for p in self.signature.parameters]
        written = [self.names[p.name] for p in self.signature.written()]
        values = [bound for bound in written if isinstance(bound, TensorBuffer)]
        body = self.signature.body
        last: ast.stmt = self.signature.node
        if body and isinstance(body[-1], ast.Return):
            *body, last = body
        self.statements(body)
        others: list[SSAValue] = []
        numbers: list[int] = []
        for bound in self.returned(last):
            if isinstance(bound, TensorBuffer) and bound in values:
                numbers.append(values.index(bound))
            else:
                numbers.append(len(values) + len(others))
                others.append(self.value(bound))
        results = [*map(self.current, values), *others]
        self.emit(func.ReturnOp(*results), last)
        self.finish()
        function = func.FuncOp(
            self.signature.name,
            ([a.type for a in self.entry.args], [r.type for r in results]),
            Region(self.entry),
            arg_attrs=ArrayAttr([DictionaryAttr(a) for a in attributes]),
        )
        function.location = self.source.location(self.signature.node)
        function.attributes["dsv4.role"] = StringAttr(ORCHESTRATION)
        function.attributes["dsv4.decorator"] = StringAttr(self.signature.decorator)
        set_returned(function, numbers)
        return function

    def parameter(self, name: str, text: AnyText, direction: str) -> dict[str, Attribute]:
        """Add an argument; its attributes."""
        named: dict[str, Attribute] = {"dsv4.name": StringAttr(name)}
        if isinstance(text, ScalarText):
            return named | self.scalar_parameter(name, text)
        assert isinstance(text, TensorText)
        argument = self.entry.insert_arg(text.tensor_type(), len(self.entry.args))
        self.call(argument, name)
        self.define(name, self.add(TensorBuffer(text, name), argument))
        for axis, dim in enumerate(text.dims):
            if isinstance(dim, str):
                self.symbol_sources.setdefault(dim, (argument, axis))
        if text.view:
            named["dsv4.view"] = StringAttr(text.view)
        return named | {"dsv4.direction": DirectionAttr(direction)} | dims_attribute(text)

    def returned(self, node: ast.stmt) -> list[ProgramValue]:
        parts: Sequence[ast.expr] = []
        if isinstance(node, ast.Return) and node.value is not None:
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        expected = self.signature.returns
        if expected is not None and len(parts) != len(expected):
            self.fail(node, f"expected {len(expected)} returned values, found {len(parts)}")
        return [self.carried(part) for part in parts]

    def carried(self, node: ast.expr) -> ProgramValue:
        """A tensor or scalar that is returned, carried or yielded."""
        bound = self.lookup(node) if isinstance(node, ast.Name | ast.Subscript) else self.scalar(node)
        if isinstance(bound, TensorBuffer | SSAValue):
            return bound
        self.source.outside(node, "a tensor or scalar")

    def value(self, bound: ProgramValue) -> SSAValue:
        return self.current(bound) if isinstance(bound, TensorBuffer) else bound

    # -- statements ------------------------------------------------------------------------------

    def statements(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.source.current = statement
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self.assign(name, self.types.read(statement.annotation), value)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.assign(name, None, value)
                case ast.Assign(targets=[ast.Tuple(elts=parts)], value=ast.Call() as call):
                    self.unpack(parts, call)
                case ast.Expr(value=ast.Call() as call):
                    self.call_operation(call, None, None)
                case ast.For(orelse=[]):
                    self.loop(statement)
                case ast.If():
                    self.branch(statement)
                case ast.Pass() | ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    self.check_statement(statement)
                    self.source.outside(statement, "a statement of an orchestration")

    def assign(self, name: str, declared: AnyText | None, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and not self.is_scalar_call(value):
            bound = self.call_operation(value, name, declared)
            if bound is None:
                self.fail(value, f"'{ast.unparse(value.func)}' returns nothing to be called '{name}'")
        elif isinstance(value, ast.Name | ast.Subscript):
            bound = self.lookup(value)
            if isinstance(value, ast.Subscript):
                self.rename(bound, name)
        else:
            bound = self.named_scalar(name, declared, value)
        self.define(name, bound)

    def unpack(self, parts: Sequence[ast.expr], call: ast.Call) -> None:
        """`a, b = self.kernel(…)`. An operation that is not understood says no types here."""
        names = [self.name_of(part) for part in parts]
        if (bound := self.call_operation(call, None, None)) is None:
            self.source.unread(call)
        found = len(bound.parts) if isinstance(bound, Many) else 1
        if not isinstance(bound, Many) or found != len(names):
            self.fail(call, f"expected {len(names)} values, found {found}")
        for name, part in zip(names, bound.parts, strict=True):
            self.rename(part, name)
            self.define(name, part)

    def rename(self, bound: Bound, name: str) -> None:
        """Name the result of a call that has no name yet."""
        value = self.state[bound].value if isinstance(bound, TensorBuffer) else bound
        if isinstance(value, SSAValue) and value.name_hint is None and value not in self.given_back:
            self.call(value, name)

    def call_operation(self, call: ast.Call, name: str | None, declared: AnyText | None) -> Bound | None:
        function = self.source.qualified(call.func) or ""
        if function.startswith("self."):
            return self.launch(call, function.removeprefix("self."), name)
        if function in ("pl.submit", "pl.spmd_submit") or function.startswith("pld."):
            self.source.unread(call)
        if function in self.operations:
            return self.operations[function](call, name, declared)
        if not function.startswith("pl.") or function == "pl.yield_":
            self.source.outside(call, "a call of a kernel or an operation of pl")
        return self.opaque(call, name, declared)

    def opaque(self, call: ast.Call, name: str | None, declared: AnyText | None) -> Bound | None:
        """An operation that is not understood: it may write every tensor it is given."""
        buffers: list[TensorBuffer] = []

        def resolve(node: ast.Name) -> SSAValue:
            bound = self.lookup(node)
            if isinstance(bound, TensorBuffer):
                buffers.append(bound)
                return self.current(bound)
            if isinstance(bound, SSAValue):
                return bound
            self.fail(node, f"'{node.id}' is a tuple")

        self.source.check_kept(call)
        template = Template(resolve)
        text = template.text(call)
        parts = list(declared.parts) if isinstance(declared, TupleText) else [declared] if declared else []
        targets = list(dict.fromkeys(buffers))
        types = [*(self.state[b].value.type for b in targets), *map(_result_type, parts)]
        op = TextCallOp(text, declared.text() if declared else "", template.operands, types)
        self.emit(op, call)
        for buffer, result in zip(targets, op.results, strict=False):
            self.write(buffer, result)
        bounds: list[Bound] = []
        for part, result in zip(parts, op.results[len(targets) :], strict=True):
            if name is not None and len(parts) == 1:
                self.call(result, name)
            fresh = isinstance(part, TensorText)
            bounds.append(self.add(TensorBuffer(part, name or "tensor"), result) if fresh else result)
        if not bounds:
            return None
        return Many(bounds) if isinstance(declared, TupleText) else bounds[0]

    # -- loops and branches ----------------------------------------------------------------------

    def run_body(self, statements: Sequence[ast.stmt]) -> Ends:
        """Read statements into the current block; what they wrote, outermost buffers only."""
        before, known = self.written, set(self.state)
        self.written = set()
        body, names, nodes = self.split_yield(statements)
        self.statements(body)
        bounds = [self.carried(n) for n in nodes]
        found = {b if b in known else root(b) for b in self.written}
        written = [b for b in self.state if b in found and b in known]
        self.written = before | set(written)
        return Ends(names, nodes, bounds, written)

    def trial(self, read: Callable[[], Ends]) -> Ends:
        """Read a body to find what it writes, then discard the operations."""
        names, state, block, written = dict(self.names), dict(self.state), self.block, self.written
        self.block = Block()
        ends = read()
        for op in reversed(list(self.block.ops)):
            self.block.erase_op(op)
        self.names, self.state, self.block, self.written = names, state, block, written
        return ends

    def loop(self, node: ast.For) -> None:
        header = self.loop_header(node)
        inits = [self.carried(n) for n in header.inits]

        def bind(variable: SSAValue, values: Sequence[ProgramValue]) -> None:
            self.define(header.variable, variable)
            for name, value in zip(header.carried, values, strict=True):
                self.define(name, value)

        def attempt() -> Ends:
            bind(Block(arg_types=[INDEX]).args[0], inits)
            return self.run_body(node.body)

        first = self.trial(attempt)
        if len(first.bounds) != len(inits):
            self.fail(node.body[-1], f"expected {len(inits)} yielded values, found {len(first.bounds)}")
        same = [isinstance(a, TensorBuffer) and a is b for a, b in zip(inits, first.bounds, strict=True)]
        self.check_exchange(node, inits, first)
        explicit = [b for b, kept in zip(inits, same, strict=True) if kept and isinstance(b, TensorBuffer)]
        implicit = unsaid([first], explicit)
        starts = [*map(self.value, inits), *map(self.current, implicit)]
        block = Block(arg_types=[INDEX, *(s.type for s in starts)])
        outer, before, parent = dict(self.names), dict(self.state), self.block
        values: list[ProgramValue] = []
        arguments = block.args[1:]
        for name, init, kept, argument in zip(header.carried, inits, same, arguments, strict=False):
            self.call(argument, name)
            if kept and isinstance(init, TensorBuffer):
                self.renew(init, argument)
                values.append(init)
            else:
                fresh = isinstance(init, TensorBuffer)
                values.append(self.add(TensorBuffer(init.text, name), argument) if fresh else argument)
        for buffer, argument in zip(implicit, arguments[len(inits) :], strict=True):
            self.call(argument, f"{base_name(buffer.name)}__iter_v1")
            self.renew(buffer, argument)
        self.settle(explicit)
        self.call(block.args[0], header.variable)
        bind(block.args[0], values)
        self.block = block
        ends = self.run_body(node.body)
        passed = [*map(self.value, ends.bounds), *map(self.current, implicit)]
        self.block = parent
        for value, start, place in zip(passed, starts, [*ends.nodes, *[node] * len(implicit)], strict=True):
            if value.type != start.type:
                self.fail(place, f"is {value.type} here, but {start.type} at the start of the loop")
        op = scf.ForOp(*header.bounds, starts, Region(block))
        if header.kind is not None:
            op.attributes["dsv4.loop"] = header.kind
        self.emit(op, node)
        yield_at_end(block, passed, op)
        self.names, self.state = outer, before
        self.leave(ends.names or header.carried, ends.bounds, same, implicit, op.results)

    def check_exchange(self, node: ast.For, inits: Sequence[ProgramValue], ends: Ends) -> None:
        """Raises Unread for a loop that writes to a tensor and goes on with another one in its place.

        A kernel writes in place: under which of its names a tensor is written depends on the trip then.
        """
        written = {root(buffer) for buffer in ends.written}
        for init, end in zip(inits, ends.bounds, strict=True):
            if not isinstance(init, TensorBuffer) or not isinstance(end, TensorBuffer):
                continue
            if root(init) is root(end):
                continue
            if (found := next((b for b in (init, end) if root(b) in written), None)) is not None:
                text = f"a loop that writes to '{found.name}' and exchanges it for another tensor is not read"
                raise Unread(node, f"{text}: carry every tensor under one name")

    def branch(self, node: ast.If) -> None:
        condition = self.condition(node.test)
        bodies = (node.body, node.orelse)
        first = [self.trial(lambda body=body: self.run_body(body)) for body in bodies]
        self.check_same_names(node, first[0].names, first[1].names)
        pairs = list(zip(first[0].bounds, first[1].bounds, strict=True))
        same = [isinstance(a, TensorBuffer) and a is b and a in self.state for a, b in pairs]
        explicit = [
            a for (a, _), kept in zip(pairs, same, strict=True) if kept and isinstance(a, TensorBuffer)
        ]
        implicit = unsaid(first, explicit)
        for buffer in (*explicit, *implicit):
            self.current(buffer)
        names, state, parent = dict(self.names), dict(self.state), self.block
        blocks = [Block(), Block()]
        passed: list[list[SSAValue]] = []
        ends: list[Ends] = []
        for block, statements in zip(blocks, bodies, strict=True):
            self.block, self.names, self.state = block, dict(names), dict(state)
            ends.append(self.run_body(statements))
            passed.append([*map(self.value, ends[-1].bounds), *map(self.current, implicit)])
        self.block, self.names, self.state = parent, names, state
        if [v.type for v in passed[0]] != [v.type for v in passed[1]]:
            self.fail(node, "the branches yield different types")
        op = self.if_operation(node, condition, blocks, passed)
        self.leave(ends[0].names, ends[0].bounds, same, implicit, op.results)

    def renew(self, buffer: TensorBuffer, value: SSAValue) -> None:
        """Inside a loop or branch, a buffer has the value that was carried in."""
        state = self.state[buffer]
        self.state[buffer] = State(value, state.version + 1, state.seen)

    def settle(self, carried: Sequence[TensorBuffer]) -> None:
        """Views that are carried beside what they are a piece of agree with it."""
        for buffer in carried:
            if isinstance(buffer, TensorPiece):
                state = self.state[buffer]
                self.state[buffer] = State(state.value, state.version, self.state[buffer.parent].version)

    def leave(
        self,
        names: Sequence[str],
        bounds: Sequence[ProgramValue],
        same: Sequence[bool],
        implicit: Sequence[TensorBuffer],
        results: Sequence[SSAValue],
    ) -> None:
        """Behind a loop or branch: its results are the newest values."""
        for buffer, result in zip(implicit, results[len(bounds) :], strict=True):
            self.call(result, f"{base_name(buffer.name)}__rv_v1")
            self.write(buffer, result)
        for name, bound, kept, result in zip(names, bounds, same, results, strict=False):
            self.call(result, name)
            if not isinstance(bound, TensorBuffer):
                self.define(name, result)
                continue
            if not kept:
                bound = self.add(TensorBuffer(bound.text, name), result)
            elif isinstance(bound, TensorPiece) and root(bound) in implicit:
                self.renew(bound, result)
                self.settle([bound])
            else:
                self.write(bound, result)
            self.define(name, bound)


def root(buffer: TensorBuffer) -> TensorBuffer:
    """The tensor that a view is a piece of."""
    while isinstance(buffer, TensorPiece):
        buffer = buffer.parent
    return buffer


def unsaid(ends: Sequence[Ends], explicit: Sequence[TensorBuffer]) -> list[TensorBuffer]:
    """Tensors that are written inside, but not carried by name."""
    wanted: list[TensorBuffer] = []
    for buffer in dict.fromkeys(b for end in ends for b in end.written):
        whole = root(buffer)
        if buffer not in explicit and whole not in explicit and whole not in wanted:
            wanted.append(whole)
    return wanted


def _result_type(part: AnyText) -> Attribute:
    match part:
        case TensorText():
            return part.tensor_type()
        case ScalarText():
            return part.scalar_type()
        case _:
            return OtherText(part.text()).text_type()
