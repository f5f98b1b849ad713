"""A wrapper: a function of the program text that does nothing but run a kernel in blocks.

It names its parameters as it likes, passes them in any order, and returns any of them or of what the kernel
returned. A parameter that the kernel writes means its new version once the kernel has run.
"""

import ast
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

from xdsl.dialects import func
from xdsl.dialects.builtin import DenseArrayBase, StringAttr, UnitAttr, i64

from dialects.dsv4.functions import returned
from dialects.dsv4.launch import WrapperOp
from dsv4_passes.formats.pypto.grammar.signature import Signature
from dsv4_passes.formats.pypto.grammar.source import Source, shortened
from dsv4_passes.formats.pypto.grammar.types import TensorText

MAX_BLOCKS = 1 << 16
"""Far more than a chip has cores, and as many as an analysis of all blocks can look at."""


class Callee(NamedTuple):
    """What `self.name(…)` runs: a kernel, through a wrapper or not."""

    function: func.FuncOp
    signature: Signature
    """Of the kernel."""
    blocks: int | str | None = None
    via: str | None = None
    passes: Sequence[int] = ()
    """By parameter of the kernel, the number of the argument of the call that it gets."""
    returns: Sequence[int] = ()
    """Numbers of what the call returns among a launch's results; -1 - n is the n-th argument as it was."""
    arity: int = 0
    """How many arguments the call has."""


def kernel_callee(function: func.FuncOp, signature: Signature) -> Callee:
    """A kernel that is called without a wrapper."""
    count = len(signature.parameters)
    return Callee(function, signature, None, None, range(count), returned(function), count)


class WrapperReader:
    """Reads one `Spmd` function."""

    def __init__(self, source: Source, signature: Signature, callees: Mapping[str, Callee]):
        self.source = source
        self.signature = signature
        self.callees = callees
        self.numbers = {p.name: -1 - i for i, p in enumerate(signature.parameters)}
        """The binding of a name, numbered as in `Callee.returns`."""
        self.tuples: dict[str, Sequence[int]] = {}

    def fail(self, node: ast.AST, message: str) -> NoReturn:
        self.source.fail(node, message)

    def read(self) -> tuple[Callee, WrapperOp]:
        signature, name = self.signature, self.signature.name
        call, rest = self.call()
        callee = self.kernel(call)
        passes = self.passes(call, callee)
        self.bind(signature.body[0], callee, passes)
        returns = [self.written(n, callee, passes) for n in self.returned(rest)]
        core_num = signature.attrs.get("core_num")
        if core_num is None:
            self.fail(signature.node, f"expected attrs with core_num for '{name}'")
        blocks = self.blocks(core_num)
        count = len(signature.parameters)
        op = WrapperOp(name, callee.signature.name, blocks)
        op.location = self.source.location(signature.node)
        if signature.decorator != f'type=pl.FunctionType.Spmd, attrs={{"core_num": {blocks}}}':
            op.attributes["dsv4.decorator"] = StringAttr(signature.decorator)
        if passes != list(range(count)):
            op.attributes["dsv4.passes"] = DenseArrayBase.from_list(i64, passes)
        if returns != list(callee.returns):
            op.attributes["dsv4.returns"] = DenseArrayBase.from_list(i64, returns)
        if set(passes) != set(range(count)):
            op.attributes["dsv4.unpassed"] = UnitAttr()
        return Callee(callee.function, callee.signature, blocks, name, passes, returns, count), op

    def call(self) -> tuple[ast.Call, Sequence[ast.stmt]]:
        """The call of the kernel, and the statements behind it."""
        body = self.signature.body
        value = body[0].value if body and isinstance(body[0], ast.AnnAssign | ast.Assign | ast.Expr) else None
        if not isinstance(value, ast.Call) or not (self.source.qualified(value.func) or "").startswith(
            "self."
        ):
            self.fail(self.signature.node, f"expected '{self.signature.name}' to be one call of a kernel")
        return value, body[1:]

    def kernel(self, call: ast.Call) -> Callee:
        name = (self.source.qualified(call.func) or "").removeprefix("self.")
        callee = self.callees.get(name)
        if callee is None or callee.via is not None:
            self.fail(call, f"undefined kernel '{name}'")
        if call.keywords or len(call.args) != callee.arity:
            found = len(call.args) + len(call.keywords)
            self.fail(call, f"expected {callee.arity} arguments for '{name}', found {found}")
        return callee

    def passes(self, call: ast.Call, callee: Callee) -> list[int]:
        """By parameter of the kernel, the number of the own parameter that it gets."""
        own = self.signature.parameters
        found: list[int] = []
        for argument, inner in zip(call.args, callee.signature.parameters, strict=True):
            number = self.numbers.get(argument.id) if isinstance(argument, ast.Name) else None
            if number is None:
                self.fail(argument, f"expected '{self.signature.name}' to pass on its parameters")
            outer = own[-1 - number]
            if outer.type != inner.type and not _alike(outer.type, inner.type):
                self.fail(
                    self.signature.node,
                    f"'{outer.name}' is {outer.type.text()} here and {inner.type.text()} in the kernel",
                )
            found.append(-1 - number)
        return found

    def bind(self, statement: ast.stmt, callee: Callee, passes: Sequence[int]) -> None:
        """What the statement with the call defines."""
        results = [n if n >= 0 else -1 - passes[-1 - n] for n in callee.returns]
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                self.tuples[name] = results
                if len(results) == 1:
                    self.numbers[name] = results[0]
            case ast.Assign(targets=[ast.Tuple(elts=parts)]) if len(parts) == len(results):
                for part, number in zip(parts, results, strict=True):
                    if not isinstance(part, ast.Name):
                        self.source.outside(part, "a name for what the kernel returns")
                    self.numbers[part.id] = number
            case ast.Expr():
                pass
            case _:
                self.source.outside(statement, "a name for what the kernel returns")

    def returned(self, rest: Sequence[ast.stmt]) -> list[int]:
        """What it returns, after tuples were taken apart."""
        found: list[int] = []
        for statement in rest:
            match statement:
                case (
                    ast.AnnAssign(target=ast.Name(id=name), value=ast.Name() | ast.Subscript() as value)
                    | ast.Assign(targets=[ast.Name(id=name)], value=ast.Name() | ast.Subscript() as value)
                ):
                    self.numbers[name] = self.number(value)
                case ast.Return(value=None) | ast.Pass():
                    pass
                case ast.Return(value=ast.Tuple(elts=parts)):
                    found = [self.number(part) for part in parts]
                case ast.Return(value=value) if isinstance(value, ast.Name) and value.id in self.tuples:
                    found = list(self.tuples[value.id])
                case ast.Return(value=ast.expr() as value):
                    found = [self.number(value)]
                case _:
                    self.source.outside(statement, "what the kernel returned, or a parameter")
        expected = self.signature.returns
        if expected is not None and len(expected) != len(found):
            place = rest[-1] if rest else self.signature.node
            self.fail(place, f"expected {len(expected)} returned values, found {len(found)}")
        return found

    def number(self, node: ast.expr) -> int:
        match node:
            case ast.Name(id=name) if name in self.numbers:
                return self.numbers[name]
            case ast.Subscript(value=ast.Name(id=whole), slice=index) if whole in self.tuples:
                parts, number = self.tuples[whole], self.source.integer(index)
                if not 0 <= number < len(parts):
                    self.fail(node, f"'{whole}' has {len(parts)} parts, no number {number}")
                return parts[number]
            case _:
                self.source.outside(node, "what the kernel returned, or a parameter")

    def written(self, number: int, callee: Callee, passes: Sequence[int]) -> int:
        """The result of the launch that a returned parameter is by now, if the kernel writes it."""
        if number >= 0:
            return number
        written = [i for i, p in enumerate(callee.signature.parameters) if p.direction != "in"]
        return next((at for at, i in enumerate(written) if passes[i] == -1 - number), number)

    def blocks(self, node: ast.expr) -> int | str:
        """The number of blocks, or the text of an expression over undefined names."""
        if not isinstance(node, ast.Constant | ast.UnaryOp):
            for inner in ast.walk(node):
                if isinstance(inner, ast.expr) and not isinstance(inner, ast.Name | ast.Constant | ast.BinOp):
                    self.source.outside(node, "a number of blocks")
            return ast.unparse(node)
        number = self.source.integer(node)
        if not 1 <= number <= MAX_BLOCKS:
            self.fail(node, f"expected 1 to {MAX_BLOCKS} blocks, found {shortened(str(number))}")
        return number


def _alike(first: object, second: object) -> bool:
    """Tensors whose extents agree, a name agreeing with anything."""
    if not isinstance(first, TensorText) or not isinstance(second, TensorText):
        return False
    return (
        first.dtype == second.dtype
        and len(first.dims) == len(second.dims)
        and all(
            a == b or isinstance(a, str) or isinstance(b, str)
            for a, b in zip(first.dims, second.dims, strict=True)
        )
    )
