"""An orchestration and the wrappers it calls, as program text."""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Block, Operation, SSAValue

from dialects.dsv4.functions import (
    argument_attributes,
    own_results,
    parameters,
    returned,
    visible,
    written,
)
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.opaque import TextCallOp
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
from dialects.pto.elements import element_name
from dsv4_passes.formats.pypto.grammar.source import Source, names_in
from dsv4_passes.formats.pypto.grammar.tile_text import is_implicit
from dsv4_passes.formats.pypto.grammar.types import DTYPE_NAMES, ScalarText, TensorText, TypeReader

from .text import FunctionText, declared_text, loop_words, parameter_text, returns_text, tuple_text

_UNWRITTEN = (arith.ConstantOp, scf.YieldOp, func.ReturnOp)
"""Operations that have no line of their own."""

ORCHESTRATOR = "type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator"

Declared = TensorText | ScalarText


class CallShape(NamedTuple):
    """How a wrapper whose text stands is called, as its attributes have it; None is what its kernel has."""

    passes: Sequence[int] | None = None
    returns: Sequence[int] | None = None


def kernel_returns(kernel: func.FuncOp) -> list[Declared]:
    """Annotations of what a kernel returns."""
    outputs: list[Declared] = [
        declared_text(p, argument_attributes(kernel, p.index)) for p in written(kernel)
    ]
    outputs += [ScalarText(element_name(t)) for t in own_results(kernel)]
    return [outputs[n] for n in returned(kernel)]


def wrapper_text(name: str, kernel: func.FuncOp, blocks: int | str, decorator: str | None) -> list[str]:
    """A function that runs a kernel in blocks."""
    text = FunctionText()
    text.indent = 1
    text.line(f"@pl.function({decorator or spmd(blocks)})")
    parts = [
        parameter_text(p, declared_text(p, argument_attributes(kernel, p.index))) for p in visible(kernel)
    ]
    types = kernel_returns(kernel)
    text.line(f"def {name}({', '.join(['self', *parts])}){returns_text(types)}:")
    text.indent = 2
    names = [p.name for p in visible(kernel)]
    text.names.taken.update(names)
    call = f"self.{kernel.sym_name.data}({', '.join(names)})"
    outputs = [p.name for p in written(kernel)]
    targets = [
        text.names.version(outputs[n], "rv") if n < len(outputs) else text.names.fresh("value__rv_v1")
        for n in returned(kernel)
    ]
    results_of_call(text, call, targets, types)
    if targets:
        text.line(f"return {', '.join(targets)}")
    return text.lines


def spmd(blocks: int | str) -> str:
    """The decorator of a wrapper."""
    return f'type=pl.FunctionType.Spmd, attrs={{"core_num": {blocks}}}'


def results_of_call(text: FunctionText, call: str, targets: Sequence[str], types: Sequence[Declared]) -> None:
    """A call and names for its results, through a tuple where there are several."""
    if not targets:
        text.line(call)
    elif len(targets) == 1:
        text.line(f"{targets[0]}: {types[0].text()} = {call}")
    else:
        whole = text.names.fresh("ret__tmp_v0")
        text.line(f"{whole}: {tuple_text(types)} = {call}")
        for number, (target, type_) in enumerate(zip(targets, types, strict=True)):
            text.line(f"{target}: {type_.text()} = {whole}[{number}]")


class OrchestrationText(FunctionText):
    """Writes one orchestration.

    `targets` says what a launch is called through, `shapes` how those are called that have their own order.
    """

    def __init__(
        self, function: func.FuncOp, targets: Mapping[LaunchOp, str], shapes: Mapping[str, CallShape]
    ):
        super().__init__()
        self.function = function
        self.targets = targets
        self.shapes = shapes
        self.texts: dict[SSAValue, Declared] = {}
        self.writers: dict[type[Operation], Callable[[Any], None]] = {
            LaunchOp: self.launch,
            CreateOp: self.create,
            TensorReshapeOp: self.view,
            SliceOp: self.view,
            AssembleOp: self.assemble,
            UpdateOp: self.update,
            ReadOp: self.read,
            WriteOp: self.write_element,
            DimOp: self.dim,
            scf.ForOp: self.loop,
            scf.IfOp: self.branch,
            TextCallOp: self.opaque,
        }

    def write(self) -> list[str]:
        self.reserve(self.function)
        parts: list[str] = ["self"]
        arguments = self.function.body.block.args
        for parameter in parameters(self.function):
            declared = declared_text(parameter, argument_attributes(self.function, parameter.index))
            argument = arguments[parameter.index]
            self.parameter(parameter, argument)
            self.texts[argument] = declared
            self.names.taken.update(d for d in parameter.dims if isinstance(d, str))
            parts.append(parameter_text(parameter, declared))
        self.indent = 2
        body = self.function.body.block
        self.block(body)
        last = body.last_op
        values = list(last.operands) if isinstance(last, func.ReturnOp) else []
        found = [values[n] for n in returned(self.function)]
        names = [self.operand(v) for v in found]
        if names:
            self.line(f"return {', '.join(names)}")
        elif not self.lines:
            self.line("pass")
        body_lines, self.lines = self.lines, []
        self.indent = 1
        decorator = self.function.attributes.get("dsv4.decorator")
        self.line(f"@pl.function({getattr(decorator, 'data', ORCHESTRATOR)})")
        results = returns_text([self.text_of(v) for v in found])
        self.line(f"def {self.function.sym_name.data}({', '.join(parts)}){results}:")
        return self.lines + body_lines

    def text_of(self, value: SSAValue) -> Declared:
        return self.texts.get(value) or ScalarText(element_name(value.type))

    def operand(self, value: SSAValue) -> str:
        return self.values[value] if value in self.values else self.scalar(value)

    def define(self, value: SSAValue, declared: Declared, default: str = "t__ssa_v0") -> str:
        """Name a value; the annotation it has in a line."""
        self.texts[value] = declared
        return f"{self.name(value, default)}: {declared.text()}"

    def alias(self, value: SSAValue, source: SSAValue) -> None:
        """A version that the text calls like the one it came from."""
        self.values[value] = self.values[source]
        self.texts[value] = self.texts[source]

    # -- operations ------------------------------------------------------------------------------

    def block(self, block: Block) -> None:
        for op in block.ops:
            if isinstance(op, _UNWRITTEN):
                continue
            if (writer := self.writers.get(type(op))) is not None:
                writer(op)
            elif self.is_scalar_op(op):
                self.scalar_statement(op)
            else:
                self.fail(op, f"{op.name} in an orchestration")

    def assemble(self, op: AssembleOp) -> None:
        if is_implicit(op):
            self.alias(op.res, op.dest)
            return
        call = f"{self.values[op.dest]}, {self.values[op.source]}, {self.index_list(op.offsets)}"
        self.line(f"{self.define(op.res, self.texts[op.dest])} = pl.tensor.assemble({call})")

    def update(self, op: UpdateOp) -> None:
        if not is_implicit(op):
            self.fail(op, f"{op.name} of a tensor")
        self.alias(op.res, op.dest)

    def read(self, op: ReadOp) -> None:
        call = f"{self.values[op.source]}, {self.index_list(op.indices)}"
        declared = ScalarText(self.texts[op.source].dtype)
        self.line(f"{self.define(op.res, declared, 'value__ssa_v0')} = pl.tensor.read({call})")

    def write_element(self, op: WriteOp) -> None:
        call = f"{self.values[op.dest]}, {self.index_list(op.indices)}, {self.scalar(op.value)}"
        self.line(f"pl.tensor.write({call})")
        self.alias(op.res, op.dest)

    def launch(self, op: LaunchOp) -> None:
        kernel = op.function()
        shape = self.shapes.get(self.targets[op], CallShape())
        passes = shape.passes or range(len(op.args))
        passed = dict(zip(passes, op.args, strict=True))
        call = f"self.{self.targets[op]}({', '.join(self.operand(v) for _, v in sorted(passed.items()))})"
        inputs = dict(zip((p.index for p in visible(kernel)), op.args, strict=True))
        outputs = [inputs[p.index] for p in written(kernel)]
        numbers = returned(kernel) if shape.returns is None else shape.returns
        types: list[Declared] = []
        targets: list[str] = []
        for number in numbers:
            value = op.res[number] if number >= 0 else passed[-1 - number]
            source = outputs[number] if 0 <= number < len(outputs) else value if number < 0 else None
            declared = self.text_of(value) if source is None else self.text_of(source)
            default = "value__ssa_v0"
            if source is not None and isinstance(declared, TensorText):
                default = self.names.version(self.values[source])
                self.names.taken.discard(default)
            if number >= 0 and value not in self.values:
                self.define(value, declared, default)
                targets.append(self.values[value])
            else:
                targets.append(self.names.fresh("same__ssa_v1"))
            types.append(declared)
        for number, source in enumerate(outputs):
            if number not in numbers:
                self.alias(op.res[number], source)
        results_of_call(self, call, targets, types)

    def dims(self, op: Operation, given: Sequence[SSAValue]) -> tuple[TensorText, str]:
        """What a tensor is declared as, and the list of its extents: dynamic ones by their expressions."""
        type_ = op.results[0].type
        element = element_name(getattr(type_, "element_type", type_))
        values = iter(given)
        shape: tuple[int, ...] = getattr(type_, "get_shape", tuple)()
        extents = [extent if extent >= 0 else self.scalar(next(values)) for extent in shape]
        names = op.attributes.get("dsv4.dims")
        words = [""] * len(shape)
        if isinstance(names, ArrayAttr):
            words = [n.data for n in cast(ArrayAttr[StringAttr], names).data]
        declared = TensorText(tuple(w or e for w, e in zip(words, extents, strict=True)), element)
        return declared, f"[{', '.join(map(str, extents))}]"

    def create(self, op: CreateOp) -> None:
        declared, shape = self.dims(op, op.dims)
        layout = op.layout.data if op.layout else "ND"
        call = f"{shape}, dtype=pl.{DTYPE_NAMES[declared.dtype]}, layout=pl.TensorLayout.{layout}"
        self.line(f"{self.define(op.res, declared)} = pl.tensor.create({call})")

    def view(self, op: TensorReshapeOp | SliceOp) -> None:
        declared, shape = self.dims(op, op.dims)
        source = self.values[op.source]
        if isinstance(op, SliceOp):
            call = f"slice({source}, {shape}, {self.index_list(op.offsets)})"
        else:
            call = f"reshape({source}, {shape})"
        self.line(f"{self.define(op.res, declared)} = pl.tensor.{call}")

    def dim(self, op: DimOp) -> None:
        if op.symbol is not None:
            self.values[op.res] = op.symbol.data
            return
        call = f"pl.tensor.dim({self.values[op.source]}, {op.axis.value.data})"
        self.line(f"{self.define(op.res, ScalarText('index'), 'dim__ssa_v0')} = {call}")

    # -- loops and branches ----------------------------------------------------------------------

    def loop(self, op: scf.ForOp) -> None:
        bounds = self.bounds(op.lb, op.ub, op.step)
        starts = [self.operand(v) for v in op.iter_args]
        word, stage, options = loop_words(op)
        block = op.body.block
        target, inits = self.name(block.args[0], "i__idx_v0"), ""
        for argument, start in zip(block.args[1:], op.iter_args, strict=True):
            self.define(argument, self.text_of(start), "carry__iter_v1")
        if starts:
            comma = "," if len(starts) == 1 else ""
            target += f", ({', '.join(self.values[a] for a in block.args[1:])}{comma})"
            inits = f", init_values=({', '.join(starts)}{comma})"
        self.line(f"for {target} in pl.{word}({bounds}{stage}{inits}{options}):")
        self.region(block, op)

    def region(self, block: Block, op: scf.ForOp | scf.IfOp) -> None:
        self.indent += 1
        before = len(self.lines)
        self.block(block)
        last = block.last_op
        passed = list(last.operands) if isinstance(last, scf.YieldOp) else []
        values = [self.operand(v) for v in passed]
        for result, value in zip(op.results, passed, strict=True):
            if result not in self.values:
                self.define(result, self.text_of(value), "result__rv_v1")
        names = [self.values[r] for r in op.results]
        if names:
            annotation = f": {self.texts[op.results[0]].text()}" if len(names) == 1 else ""
            self.line(f"{', '.join(names)}{annotation} = pl.yield_({', '.join(values)})")
        if len(self.lines) == before:
            self.line("pass")
        self.indent -= 1

    def branch(self, op: scf.IfOp) -> None:
        self.line(f"if {self.scalar(op.cond)}:")
        self.region(op.true_region.block, op)
        if op.false_region.blocks and (op.results or len(list(op.false_region.block.ops)) > 1):
            self.line("else:")
            self.region(op.false_region.block, op)

    def opaque(self, op: TextCallOp) -> None:
        text = op.text.data.format(*(self.operand(v) for v in op.args))
        tensors = [v for v in op.args if isinstance(self.texts.get(v), TensorText)]
        fresh = list(op.res)[len(tensors) :]
        for result, source in zip(op.res, tensors, strict=False):
            self.alias(result, source)
        if not fresh:
            self.line(text)
        elif len(fresh) == 1:
            name = self.name(fresh[0], "t__ssa_v0")
            self.texts[fresh[0]] = _written(op.annotation.data) or self.text_of(fresh[0])
            self.line(f"{name}: {op.annotation.data} = {text}")
        else:
            self.fail(op, "a call kept as text that yields several values")


def _written(annotation: str) -> Declared | None:
    """The annotation of a tensor that a call kept as text yields."""
    node = ast.parse(annotation, mode="eval").body
    found = TypeReader(Source("", annotation), names_in(node)).read(node)
    return found if isinstance(found, TensorText | ScalarText) else None
