"""Signatures of program functions: what each argument is called, its shape and its direction.

A kernel is a `func.func` like one that was raised from `.pto` text, GM tensors as `!pto.ptr` arguments.
What the pointers lose stands in argument attributes:

    dsv4.name       what the program calls it
    dsv4.direction  `#dsv4.direction<out>`; only GM tensors have one
    dsv4.tensor     `tensor<256x64xbf16>`; a symbolic extent is dynamic here and named in `dsv4.dims`
    dsv4.hidden     `block_idx`, `block_num` or `dim`: an argument that the program text does not write

and in function attributes: `dsv4.role` (`kernel` or `orchestration`) and `dsv4.returns`.

A call has one result per written argument, in argument order, then the function's own (scalar) results;
`dsv4.returns` numbers those among them that the program text returns, in its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DictionaryAttr,
    ModuleOp,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, BlockArgument

from .attributes import DirectionAttr

KERNEL = "kernel"
ORCHESTRATION = "orchestration"
_EMPTY = DictionaryAttr({})


@dataclass(frozen=True)
class Parameter:
    """One argument of a program function."""

    index: int
    name: str
    type: Attribute
    """The GM tensor's type where it is one, else the type of the argument."""
    direction: str | None
    hidden: str | None
    dims: tuple[str | int, ...]
    """Extents of the tensor, symbolic ones by name; empty for scalars."""

    @property
    def is_tensor(self) -> bool:
        return self.direction is not None

    @property
    def written(self) -> bool:
        return self.direction in ("out", "inout")


def argument_attributes(function: func.FuncOp, index: int) -> dict[str, Attribute]:
    if function.arg_attrs is None:
        return {}
    return dict(function.arg_attrs.data[index].data)


def argument_attribute(function: func.FuncOp, index: int, name: str) -> Attribute | None:
    """One attribute of an argument, if it has it."""
    return function.arg_attrs.data[index].data.get(name) if function.arg_attrs is not None else None


def set_argument_attributes(function: func.FuncOp, index: int, attributes: dict[str, Attribute]) -> None:
    """Replace all attributes of one argument."""
    count = len(function.function_type.inputs.data)
    rows = list(function.arg_attrs.data) if function.arg_attrs else [_EMPTY] * count
    rows[index] = DictionaryAttr(attributes)
    function.properties["arg_attrs"] = ArrayAttr(rows)


def set_argument_attribute(function: func.FuncOp, index: int, name: str, value: Attribute | None) -> None:
    """Set, or with None remove, one attribute of an argument."""
    attributes = argument_attributes(function, index)
    if value is None:
        attributes.pop(name, None)
    else:
        attributes[name] = value
    set_argument_attributes(function, index, attributes)


def _text(attr: Attribute | None) -> str | None:
    return attr.data if isinstance(attr, StringAttr) else None


def parameters(function: func.FuncOp) -> list[Parameter]:
    """All arguments of a program function, hidden ones included."""
    found: list[Parameter] = []
    for index, argument in enumerate(function.function_type.inputs.data):
        given = argument_attributes(function, index)
        direction = given.get("dsv4.direction")
        type_ = given.get("dsv4.tensor", argument)
        extents: tuple[str | int, ...] = ()
        if isinstance(type_, TensorType):
            extents = type_.get_shape()
            if isinstance(names := given.get("dsv4.dims"), ArrayAttr):
                texts = [_text(name) for name in cast(ArrayAttr[Attribute], names).data]
                extents = tuple(text or size for text, size in zip(texts, extents, strict=True))
        found.append(
            Parameter(
                index,
                _text(given.get("dsv4.name")) or f"arg{index}",
                cast(Attribute, type_),
                direction.data if isinstance(direction, DirectionAttr) else None,
                _text(given.get("dsv4.hidden")),
                extents,
            )
        )
    return found


def visible(function: func.FuncOp) -> list[Parameter]:
    """The arguments that a call passes."""
    return [p for p in parameters(function) if p.hidden is None]


def written(function: func.FuncOp) -> list[Parameter]:
    return [p for p in parameters(function) if p.written]


def call_results(function: func.FuncOp) -> list[Attribute]:
    """Types of what a call yields: a new version of each written tensor, then the function's results."""
    return [*(p.type for p in written(function)), *own_results(function)]


def own_results(function: func.FuncOp) -> Sequence[Attribute]:
    """Results that are not versions of arguments; an orchestration returns versions as results, too."""
    outputs = function.function_type.outputs.data
    return outputs[len(written(function)) :] if is_orchestration(function) else outputs


def returned(function: func.FuncOp) -> tuple[int, ...]:
    """Which of `call_results` the program text returns."""
    attr = function.attributes.get("dsv4.returns")
    if isinstance(attr, DenseArrayBase):
        return tuple(int(value) for value in attr.get_values())
    return ()


def set_returned(function: func.FuncOp, numbers: Sequence[int]) -> None:
    function.attributes["dsv4.returns"] = DenseArrayBase.from_list(i64, list(numbers))


def role(function: func.FuncOp) -> str | None:
    return _text(function.attributes.get("dsv4.role"))


def is_kernel(function: func.FuncOp) -> bool:
    return role(function) == KERNEL


def is_orchestration(function: func.FuncOp) -> bool:
    return role(function) == ORCHESTRATION


def program_functions(module: ModuleOp, wanted: str) -> list[func.FuncOp]:
    """The functions of that role, in order."""
    return [op for op in module.ops if isinstance(op, func.FuncOp) and role(op) == wanted]


def hidden_argument(function: func.FuncOp, kind: str) -> BlockArgument | None:
    """The argument `block_idx` or `block_num`, if the kernel has it."""
    for parameter in parameters(function):
        if parameter.hidden == kind:
            return function.body.block.args[parameter.index]
    return None


def find_function(module: ModuleOp, name: str) -> func.FuncOp | None:
    """The function of that name; `SymbolTable.lookup_symbol` asks every operation for its traits."""
    functions = (op for op in module.ops if isinstance(op, func.FuncOp))
    return next((op for op in functions if op.sym_name.data == name), None)
