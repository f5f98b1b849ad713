"""Tensors of an orchestration, their versions and views, and the calls that make new versions.

The text names versions, but not all: a kernel may write a tensor that its caller does not get back, and
later text goes on under the old name. So a name stands for a piece of GM (`TensorBuffer`), and reading it
gives the newest value of that. Views (`reshape`, `slice`) are pieces of another buffer: what was written
through one is put back into the other when that is read again.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace

from xdsl.ir import Operation, SSAValue

from dialects.dsv4.functions import call_results
from dialects.dsv4.launch import LaunchOp, compatible
from dialects.dsv4.tensors import (
    AssembleOp,
    CreateOp,
    DimOp,
    ReadOp,
    SliceOp,
    TensorReshapeOp,
    UpdateOp,
    WriteOp,
)
from dialects.pto.elements import ELEMENT_TYPES, element_name
from dsv4_passes.formats.pypto.grammar.signature import Signature
from dsv4_passes.formats.pypto.grammar.source import Source
from dsv4_passes.formats.pypto.grammar.tile_text import mark_implicit
from dsv4_passes.formats.pypto.grammar.types import (
    AnyText,
    ScalarText,
    TensorText,
    TypeReader,
    dims_attribute,
)

from .body import INDEX, Body, Bound, Many, TensorBuffer
from .wrapper import Callee

CALL_OPTIONS = frozenset("attrs device dumps core_num sync_start deps predicate scratch windowize".split())
"""What pypto says of a call beside its arguments."""


@dataclass(eq=False)
class TensorPiece(TensorBuffer):
    """A buffer that is a piece of another one."""

    parent: TensorBuffer
    derive: Callable[[SSAValue], SSAValue]
    """The value of the view from that of its parent."""
    restore: Callable[[SSAValue, SSAValue], SSAValue]
    """The value of the parent from that of the view and its own old one."""


@dataclass(frozen=True)
class State:
    """What is known of a buffer: a value, and whether a view has a newer one."""

    value: SSAValue
    version: int = 0
    seen: int = 0
    """The version of its parent that a view's value was made from."""
    newer: TensorPiece | None = None


class TensorReader(Body):
    """Reads calls and tensor operations of one `Orchestration` function."""

    def __init__(self, source: Source, types: TypeReader, signature: Signature, callees: dict[str, Callee]):
        super().__init__(source, types)
        self.signature = signature
        self.callees = callees
        self.state: dict[TensorBuffer, State] = {}
        self.written: set[TensorBuffer] = set()
        self.given_back: set[Bound] = set()
        """Values that calls gave back as they were: what that is called is not their name."""
        self.symbol_sources: dict[str, tuple[SSAValue, int]] = {}
        self.operations: dict[str, Callable[[ast.Call, str | None, AnyText | None], Bound]] = {
            "pl.tensor.create": self.create,
            "pl.tensor.reshape": self.reshape,
            "pl.tensor.slice": self.slice,
            "pl.tensor.assemble": self.assemble,
            "pl.tensor.read": self.read_element,
            "pl.tensor.write": self.write_element,
            "pl.tensor.dim": self.dim,
        }

    # -- versions --------------------------------------------------------------------------------

    def current(self, buffer: TensorBuffer) -> SSAValue:
        """The newest value of a buffer, put together where a view of it or its source was written."""
        state = self.state[buffer]
        if isinstance(buffer, TensorPiece) and self.state[buffer.parent].newer is not buffer:
            whole = self.current(buffer.parent)
            parent = self.state[buffer.parent]
            if state.seen != parent.version:
                state = State(buffer.derive(whole), state.version + 1, parent.version)
                self.state[buffer] = state
        if (view := state.newer) is not None:
            piece = self.current(view)
            value = view.restore(piece, state.value)
            state = State(value, state.version + 1, state.seen)
            self.state[buffer] = state
            self.state[view] = replace(self.state[view], seen=state.version)
        return state.value

    def write(self, buffer: TensorBuffer, value: SSAValue) -> None:
        """A buffer has a new value."""
        self.written.add(buffer)
        state = self.state[buffer]
        self.state[buffer] = State(value, state.version + 1, state.seen)
        if isinstance(buffer, TensorPiece):
            self.outdate(buffer)

    def outdate(self, view: TensorPiece) -> None:
        """What a view is a piece of is older than the view now."""
        parent = self.state[view.parent]
        if parent.newer is not None and parent.newer is not view:
            self.current(view.parent)
            parent = self.state[view.parent]
        self.state[view.parent] = replace(parent, newer=view)
        if isinstance(view.parent, TensorPiece):
            self.outdate(view.parent)

    def add(self, buffer: TensorBuffer, value: SSAValue, seen: int = 0) -> TensorBuffer:
        """A buffer that was not there before."""
        self.state[buffer] = State(value, seen=seen)
        return buffer

    def tensor(self, node: ast.expr) -> TensorBuffer:
        bound = self.lookup(node)
        if not isinstance(bound, TensorBuffer):
            self.fail(node, f"expected a tensor, '{ast.unparse(node)}' is none")
        return bound

    def lookup(self, node: ast.expr) -> Bound:
        """Also the names of symbolic extents."""
        if isinstance(node, ast.Name) and node.id not in self.names and node.id in self.symbol_sources:
            tensor, axis = self.symbol_sources[node.id]
            value = self.lead(DimOp(tensor, axis, node.id), node)
            self.call(value, node.id)
            self.names[node.id] = value
        return super().lookup(node)

    # -- calls -----------------------------------------------------------------------------------

    def launch(self, call: ast.Call, target: str, name: str | None) -> Bound | None:
        """`self.kernel(a, b, …)`."""
        if target not in self.callees:
            self.fail(call, f"undefined function '{target}'")
        callee = self.callees[target]
        parameters = callee.signature.parameters
        if any(k.arg in CALL_OPTIONS for k in call.keywords):
            self.source.unread(call)
        if call.keywords or len(call.args) != callee.arity:
            found = len(call.args) + len(call.keywords)
            self.fail(call, f"expected {callee.arity} arguments for '{target}', found {found}")
        values: list[SSAValue] = []
        outputs: list[TensorBuffer] = []
        for number, parameter in zip(callee.passes, parameters, strict=True):
            node, what = call.args[number], f"'{parameter.name}' of '{target}'"
            if isinstance(parameter.type, TensorText):
                buffer = self.tensor_argument(node, parameter.type, what)
                values.append(self.current(buffer))
                if parameter.direction != "in":
                    outputs.append(buffer)
            else:
                assert isinstance(parameter.type, ScalarText)
                values.append(self.scalar_argument(node, parameter.type, what))
        types = [self.state[b].value.type for b in outputs]
        types += call_results(callee.function)[len(outputs) :]
        op = LaunchOp(callee.function.sym_name.data, values, types, callee.blocks, callee.via)
        self.emit(op, call)
        for buffer, result in zip(outputs, op.results, strict=False):
            self.write(buffer, result)
        bounds: list[Bound] = [*outputs, *op.results[len(outputs) :]]
        if len(callee.returns) == 1 and callee.returns[0] >= 0 and name is not None:
            self.call(op.results[callee.returns[0]], name)
        parts = [bounds[n] if n >= 0 else self.passed(call.args[-1 - n]) for n in callee.returns]
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else Many(parts)

    def passed(self, node: ast.expr) -> Bound:
        """An argument that a call gives back as it was."""
        bound = self.lookup(node) if isinstance(node, ast.Name | ast.Subscript) else self.scalar(node)
        self.given_back.add(self.current(bound) if isinstance(bound, TensorBuffer) else bound)
        return bound

    def tensor_argument(self, node: ast.expr, wanted: TensorText, what: str) -> TensorBuffer:
        buffer = self.tensor(node)
        if not compatible(wanted.tensor_type(), self.state[buffer].value.type):
            self.fail(node, f"expected {wanted.text()} for {what}, found {buffer.text.text()}")
        return buffer

    def scalar_argument(self, node: ast.expr, wanted: ScalarText, what: str) -> SSAValue:
        value = self.scalar(node, wanted.scalar_type())
        if value.type != wanted.scalar_type():
            self.fail(node, f"expected {wanted.text()} for {what}, found {element_name(value.type)}")
        return value

    # -- operations ------------------------------------------------------------------------------

    def arguments(self, call: ast.Call, least: int, most: int, allowed: set[str]) -> dict[str, ast.expr]:
        """Check how many there are; the keyword arguments."""
        name = self.source.qualified(call.func)
        if not least <= len(call.args) <= most:
            expected = str(least) if least == most else f"{least} to {most}"
            self.fail(call, f"expected {expected} arguments for {name}, found {len(call.args)}")
        given = self.source.keywords(call)
        if unknown := given.keys() - allowed:
            self.fail(call, f"unknown argument '{min(unknown)}' of {name}")
        return given

    def shape(self, node: ast.expr, dtype: str) -> tuple[TensorText, list[SSAValue]]:
        """A tensor of that shape, and index values for the extents that are not numbers."""
        dims: list[int | str] = []
        values: list[SSAValue] = []
        for part in self.source.elements(node):
            if isinstance(part, ast.Constant):
                dims.append(self.types.dim(part))
            else:
                dims.append(ast.unparse(part))
                values.append(self.index_value(part))
        return TensorText(tuple(dims), dtype), values

    def index_value(self, node: ast.expr) -> SSAValue:
        value = self.scalar(node, INDEX)
        if value.type != INDEX:
            self.fail(node, f"expected an index, found {element_name(value.type)}")
        return value

    def index_values(self, node: ast.expr, rank: int) -> list[SSAValue]:
        parts = self.source.elements(node) if isinstance(node, ast.List | ast.Tuple) else [node]
        if len(parts) != rank:
            self.fail(node, f"expected {rank} indices, found {len(parts)}")
        return [self.index_value(p) for p in parts]

    def check(self, call: ast.Call, text: TensorText, declared: AnyText | None) -> None:
        """A declared shape must be that of the value."""
        if isinstance(declared, TensorText) and not compatible(declared.tensor_type(), text.tensor_type()):
            self.fail(call, f"yields {text.text()}, but is declared as {declared.text()}")

    def declared(self, op: Operation, text: TensorText, declared: AnyText | None) -> Operation:
        """Remember the names that an annotation has for extents which the operation computes."""
        if isinstance(declared, TensorText) and declared.dims != text.dims:
            op.attributes |= dims_attribute(declared)
        return op

    def create(self, call: ast.Call, name: str | None, declared: AnyText | None) -> Bound:
        given = self.arguments(call, 1, 1, {"dtype", "layout"})
        if "dtype" not in given:
            self.fail(call, "expected dtype= for pl.tensor.create")
        text, dims = self.shape(call.args[0], self.types.dtype(given["dtype"]))
        self.check(call, text, declared)
        layout = self.source.word(given["layout"], "pl.TensorLayout") if "layout" in given else "ND"
        op = CreateOp(text.tensor_type(), dims, None if layout == "ND" else layout)
        self.declared(op, text, declared)
        return self.add(TensorBuffer(text, name or "tensor"), self.emit_value(op, call, name))

    def reshape(self, call: ast.Call, name: str | None, declared: AnyText | None) -> Bound:
        self.arguments(call, 2, 2, set())
        source = self.tensor(call.args[0])
        text, dims = self.shape(call.args[1], source.text.dtype)
        self.check(call, text, declared)
        before, behind = source.text.elements(), text.elements()
        if before is not None and behind is not None and before != behind:
            self.fail(
                call, f"cannot reshape {source.text.text()} to {text.text()}: the numbers of elements differ"
            )

        def derive(whole: SSAValue) -> SSAValue:
            op = TensorReshapeOp(whole, text.tensor_type(), dims)
            return self.emit_value(self.declared(op, text, declared), call)

        def restore(piece: SSAValue, whole: SSAValue) -> SSAValue:
            return self.emit_value(mark_implicit(UpdateOp(piece, whole)), call)

        return self.view(source, text, name, derive, restore)

    def slice(self, call: ast.Call, name: str | None, declared: AnyText | None) -> Bound:
        self.arguments(call, 3, 4, set())
        source = self.tensor(call.args[0])
        text, dims = self.shape(call.args[1], source.text.dtype)
        self.check(call, text, declared)
        offsets = self.index_values(call.args[2], len(source.text.dims))

        def derive(whole: SSAValue) -> SSAValue:
            op = SliceOp(whole, offsets, text.tensor_type(), dims)
            return self.emit_value(self.declared(op, text, declared), call)

        def restore(piece: SSAValue, whole: SSAValue) -> SSAValue:
            return self.emit_value(mark_implicit(AssembleOp(piece, whole, offsets)), call)

        return self.view(source, text, name, derive, restore)

    def view(
        self,
        source: TensorBuffer,
        text: TensorText,
        name: str | None,
        derive: Callable[[SSAValue], SSAValue],
        restore: Callable[[SSAValue, SSAValue], SSAValue],
    ) -> TensorBuffer:
        value = derive(self.current(source))
        if name is not None:
            self.call(value, name)
        view = TensorPiece(text, name or "view", source, derive, restore)
        return self.add(view, value, self.state[source].version)

    def assemble(self, call: ast.Call, name: str | None, declared: AnyText | None) -> Bound:
        self.arguments(call, 3, 3, set())
        target, piece = self.tensor(call.args[0]), self.tensor(call.args[1])
        offsets = self.index_values(call.args[2], len(target.text.dims))
        op = AssembleOp(self.current(piece), self.current(target), offsets)
        self.write(target, self.emit_value(op, call, name))
        return target

    def read_element(self, call: ast.Call, name: str | None, declared: AnyText | None) -> Bound:
        self.arguments(call, 2, 2, set())
        source = self.tensor(call.args[0])
        indices = self.index_values(call.args[1], len(source.text.dims))
        type_ = ELEMENT_TYPES[source.text.dtype.removeprefix("u")]
        return self.emit_value(ReadOp(self.current(source), indices, type_), call, name)

    def write_element(self, call: ast.Call, name: str | None, declared: AnyText | None) -> Bound:
        self.arguments(call, 3, 3, set())
        target = self.tensor(call.args[0])
        indices = self.index_values(call.args[1], len(target.text.dims))
        value = self.scalar(call.args[2], ELEMENT_TYPES[target.text.dtype.removeprefix("u")])
        self.write(target, self.emit_value(WriteOp(value, self.current(target), indices), call, name))
        return target

    def dim(self, call: ast.Call, name: str | None, declared: AnyText | None) -> Bound:
        self.arguments(call, 2, 2, set())
        source, axis = self.tensor(call.args[0]), self.source.integer(call.args[1])
        if not 0 <= axis < len(source.text.dims):
            self.fail(call.args[1], f"expected an axis below {len(source.text.dims)}, found {axis}")
        return self.emit_value(DimOp(self.current(source), axis), call, name)
