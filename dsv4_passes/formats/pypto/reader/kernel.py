"""A kernel of the program text as a function in value form."""

import ast
from collections.abc import Sequence

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, StringAttr
from xdsl.ir import Attribute, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from dialects.dsv4.attributes import DirectionAttr
from dialects.dsv4.functions import KERNEL, set_returned
from dialects.pto.types import PtrInfo, PtrType, TileType
from dsv4_passes.formats.pypto.grammar.types import AnyText, ScalarText, TensorText, dims_attribute

from .body import INDEX, Bound, KernelTensor, Many
from .function import Keep, TextCall
from .memory_ops import MEMORY_OPS
from .regions import RegionReader
from .tile_ops import TILE_OPS, read_row
from .view_ops import VIEW_OPS

_OPERATIONS = MEMORY_OPS | TILE_OPS | VIEW_OPS


class KernelReader(RegionReader):
    """Reads one `InCore` function."""

    # -- the function ----------------------------------------------------------------------------

    def read(self) -> func.FuncOp:
        attributes = [self.parameter(p.name, p.type, p.direction) for p in self.signature.parameters]
        attributes += self.symbols()
        body = self.signature.body
        returned: list[Bound] = []
        if body and isinstance(last := body[-1], ast.Return):
            self.statements(body[:-1])
            returned = self.returned(last)
        else:
            self.statements(body)
            last = self.signature.node
        attributes += [
            {"dsv4.name": StringAttr(argument.name_hint or kind), "dsv4.hidden": StringAttr(kind)}
            for kind, argument in self.hidden.items()
            if kind in ("block_idx", "block_num")
        ]
        scalars = [r for r in returned if isinstance(r, SSAValue)]
        self.emit(func.ReturnOp(*scalars), last)
        self.finish()
        inputs, outputs = [a.type for a in self.entry.args], [s.type for s in scalars]
        function = func.FuncOp(
            self.signature.name,
            (inputs, outputs),
            Region(self.entry),
            arg_attrs=ArrayAttr([DictionaryAttr(a) for a in attributes]),
        )
        function.location = self.source.location(self.signature.node)
        function.attributes["dsv4.role"] = StringAttr(KERNEL)
        function.attributes["dsv4.decorator"] = StringAttr(self.signature.decorator)
        set_returned(function, self.result_numbers(returned))
        return function

    def parameter(self, name: str, text: AnyText, direction: str) -> dict[str, Attribute]:
        """Add an argument; its attributes."""
        named: dict[str, Attribute] = {"dsv4.name": StringAttr(name)}
        if isinstance(text, ScalarText):
            return named | self.scalar_parameter(name, text)
        assert isinstance(text, TensorText)
        argument = self.entry.insert_arg(PtrType(PtrInfo(text.dtype, "gm")), len(self.entry.args))
        self.call(argument, name)
        self.define(name, KernelTensor(argument, text, name))
        named |= {"dsv4.direction": DirectionAttr(direction), "dsv4.tensor": text.tensor_type()}
        return named | dims_attribute(text)

    def symbols(self) -> list[dict[str, Attribute]]:
        """One index argument per symbolic extent, in the order they first appear."""
        tensors = [p.type for p in self.signature.parameters if isinstance(p.type, TensorText)]
        symbols = dict.fromkeys(d for t in tensors for d in t.dims if isinstance(d, str))
        for symbol in symbols:
            argument = self.entry.insert_arg(INDEX, len(self.entry.args))
            self.call(argument, symbol)
            self.hidden[symbol] = argument
            self.define(symbol, argument)
        return [{"dsv4.name": StringAttr(s), "dsv4.hidden": StringAttr("dim")} for s in symbols]

    def returned(self, node: ast.Return) -> list[Bound]:
        parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value] if node.value else []
        found = [self.lookup(p) if isinstance(p, ast.Name | ast.Subscript) else self.scalar(p) for p in parts]
        expected = self.signature.returns
        if expected is not None and len(expected) != len(found):
            self.fail(node, f"expected {len(expected)} returned values, found {len(found)}")
        for part, bound in zip(parts, found, strict=True):
            if isinstance(bound, Many) or (isinstance(bound, SSAValue) and isinstance(bound.type, TileType)):
                self.fail(part, f"cannot return '{ast.unparse(part)}': it is neither a tensor nor a scalar")
            if isinstance(bound, KernelTensor) and not self.is_written(bound):
                self.fail(part, f"returns '{bound.name}', which is neither pl.Out nor pl.InOut")
        return found

    def result_numbers(self, returned: Sequence[Bound]) -> list[int]:
        """The numbers of what is returned among a call's results: written tensors, then scalars."""
        names = [p.name for p in self.signature.written()]
        numbers: list[int] = []
        scalars = len(names)
        for bound in returned:
            if isinstance(bound, KernelTensor):
                numbers.append(names.index(bound.name))
            else:
                numbers.append(scalars)
                scalars += 1
        return numbers

    # -- statements ------------------------------------------------------------------------------

    def statements(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.source.current = statement
            self.statement(statement)

    def statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self.assign(name, self.types.read(statement.annotation), value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assign(name, None, value)
            case ast.Assign(targets=[ast.Tuple(elts=parts)], value=value):
                self.unpack(parts, value)
            case ast.Expr(value=ast.Call() as call):
                self.call_statement(call)
            case ast.For(orelse=[]):
                self.loop(statement)
            case ast.If():
                self.branch(statement)
            case ast.Pass():
                pass
            case ast.Expr(value=ast.Constant()):
                pass
            case _:
                self.check_statement(statement)
                self.source.outside(statement, "a statement of a kernel")

    def assign(self, name: str, declared: AnyText | None, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and (op := self.operation_name(value)) is not None:
            bound = self.operation(TextCall(value, op, name, declared))
            if bound is None:
                self.fail(value, f"'{op}' yields nothing that could be called '{name}'")
        elif isinstance(value, ast.Name | ast.Subscript):
            bound = self.lookup(value)
            if isinstance(bound, SSAValue) and bound.name_hint is None:
                self.call(bound, name)
        else:
            bound = self.named_scalar(name, declared, value)
        self.define(name, bound)

    def unpack(self, parts: Sequence[ast.expr], value: ast.expr) -> None:
        """`a, b = pl.tile.…(…)`, or the parts of a tuple that has a name."""
        names = [self.name_of(part) for part in parts]
        if isinstance(value, ast.Call) and (op := self.operation_name(value)) is not None:
            bound = self.operation(TextCall(value, op, None, None, names))
        elif isinstance(value, ast.Name):
            bound = self.lookup(value)
        else:
            self.source.outside(value, "a call or a name")
        found = len(bound.parts) if isinstance(bound, Many) else int(bound is not None)
        if not isinstance(bound, Many) or found != len(names):
            self.fail(value, f"expected {len(names)} values, found {found}")
        for name, part in zip(names, bound.parts, strict=True):
            if isinstance(part, SSAValue) and part.name_hint is None:
                self.call(part, name)
            self.define(name, part)

    def operation_name(self, call: ast.Call) -> str | None:
        """`tile.load` of `pl.tile.load(…)`; None for scalar functions."""
        if self.is_scalar_call(call):
            return None
        name = self.source.qualified(call.func) or ""
        if name.startswith("pld."):
            self.source.unread(call)
        if not name.startswith("pl.") or name == "pl.yield_":
            self.source.outside(call, "an operation of pl")
        return name.removeprefix("pl.")

    def call_statement(self, call: ast.Call) -> None:
        op = self.operation_name(call)
        if op is None:
            self.source.outside(call, "a statement of a kernel")
        self.operation(TextCall(call, op, None, None))

    def operation(self, call: TextCall) -> Bound | None:
        """Read one operation; what has no operation of its own stays as text."""
        handler = _OPERATIONS.get(call.op, read_row)
        mark = self.block.last_op
        try:
            return handler(self, call)
        except (Keep, VerifyException) as reason:
            self.undo(mark)
            return self.opaque(call, str(reason))
