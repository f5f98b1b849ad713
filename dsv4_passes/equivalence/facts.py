"""What is known about the contents of kernel arguments, and how such knowledge is checked.

A fact is an attribute of a function argument: `dsv4.selector = #dsv4.selector<even>` says that the
matrix is exactly one-hot and picks the even lanes, in whichever orientation its shape allows;
`dsv4.table = #dsv4.table<even>` says the same of a row of lane numbers. The matrix a fact stands for is
made here, and real arrays are compared with it element by element.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, BlockArgument, SSAValue

from dialects.dsv4.attributes import SelectorAttr, TableAttr
from dialects.dsv4.functions import argument_attribute
from dialects.pto.elements import is_float
from dialects.pto.memory import MakeTensorViewOp, PartitionViewOp, TLoadOp, constant_int
from dialects.pto.types import PtrType
from dsv4_passes.argument_names import argument_name
from dsv4_passes.diagnostics import UserError

HALVES, SQUARES = ("even", "odd"), ("swap", "rotate", "unrotate")
"""Selectors of one lane of each pair, and of both exchanged: as they are, or with a sign turned."""
SELECTORS = (*HALVES, *SQUARES)
TABLES = ("even", "odd", "swap", "repeat")
_FIRST_LANE = {"even": 0, "odd": 1}


@dataclass(frozen=True, eq=False)
class Fact:
    """`matrix` holds the numbers of the whole argument, in the shape of its view (elements, row-major)."""

    kind: str
    word: str
    matrix: NDArray[Any]

    def attribute(self) -> Attribute:
        return SelectorAttr(self.word) if self.kind == "selector" else TableAttr(self.word)


class WrongFact(ValueError):
    """A fact that does not hold; the message names the first element that says so."""


def selector_matrix(word: str, shape: tuple[int, int]) -> NDArray[np.float32]:
    """The one-hot matrix: `m[2i + odd, i] = 1`, or its transpose where it is wider than high; of a square one
    `m[j ^ 1, j]` is 1, or -1 where `rotate` turns the sign of even lanes and `unrotate` that of odd lanes.
    """
    rows, cols = shape
    matrix = np.zeros(shape, np.float32)
    if word in SQUARES:
        if rows != cols or rows % 2:
            raise WrongFact(f"expected as many rows as columns, an even number, found {rows}x{cols}")
        lanes = np.arange(cols)
        matrix[lanes ^ 1, lanes] = 1
        if word != "swap":
            matrix[:, SQUARES.index(word) - 1 :: 2] *= -1
            matrix += 0.0  # no -0
    elif rows == 2 * cols:
        lanes = np.arange(cols)
        matrix[2 * lanes + _FIRST_LANE[word], lanes] = 1
    elif cols == 2 * rows:
        lanes = np.arange(rows)
        matrix[lanes, 2 * lanes + _FIRST_LANE[word]] = 1
    else:
        raise WrongFact(
            f"expected a selector to have twice as many rows as columns or the reverse, found {rows}x{cols}"
        )
    return matrix


def table_row(word: str, count: int) -> NDArray[np.int64]:
    """`count` lane numbers: even 0 2 4 …, odd 1 3 5 …, swap 1 0 3 2 …, repeat 0 0 1 1 …"""
    lanes = np.arange(count)
    return {"even": 2 * lanes, "odd": 2 * lanes + 1, "swap": lanes ^ 1, "repeat": lanes >> 1}[word]


def make_fact(kind: str, word: str, shape: tuple[int, ...], dtype: str | None = None) -> Fact:
    """The fact for an argument of that shape and, if given, element type; WrongFact where there is none."""
    if kind == "table" and dtype is not None and is_float(dtype):
        raise WrongFact(f"expected a table of lane numbers to be of integers, found {dtype}")
    if kind == "selector":
        if len(shape) != 2:
            raise WrongFact(f"expected a selector to have 2 dimensions, found {len(shape)}")
        return Fact(kind, word, selector_matrix(word, (shape[0], shape[1])))
    count = int(np.prod(shape))
    return Fact(kind, word, table_row(word, count).reshape(shape))


def check_array(fact: Fact, values: NDArray[Any], name: str) -> None:
    """Every element of `values` is what the fact says, -0 excluded; WrongFact with the first that is not."""
    expected = fact.matrix
    if values.shape != expected.shape:
        raise WrongFact(
            f"expected '{name}' to have shape {_shape(expected.shape)}, found {_shape(values.shape)}"
        )
    same = _holds(fact, values)
    if not same.all():
        index = np.unravel_index(int(np.argmin(same)), same.shape)
        where = ", ".join(str(int(i)) for i in index)
        raise WrongFact(
            f"'{name}' is not the {fact.word} {fact.kind}: "
            f"expected {expected[index]:g} at [{where}], found {float(values[index]):g}"
        )


def _holds(fact: Fact, values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where an array is what a fact says; -0 is not 0."""
    return (values == fact.matrix) & (np.signbit(values.astype(np.float64)) == (fact.matrix < 0))


def recognise(values: NDArray[Any], shape: tuple[int, ...], name: str) -> Fact | None:
    """The fact that an array is, exactly and element by element; None for any other array.

    WrongFact where it has not the shape of its argument.
    """
    if values.shape != shape:
        raise WrongFact(f"expected '{name}' to have shape {_shape(shape)}, found {_shape(values.shape)}")
    facts: list[Fact] = []
    if np.issubdtype(values.dtype, np.integer) and values.size > 1:
        facts += [make_fact("table", word, shape) for word in TABLES]
    if len(shape) == 2 and _may_select(shape):
        facts += [make_fact("selector", word, shape) for word in HALVES]
    if len(shape) == 2 and shape[0] == shape[1] and shape[0] % 2 == 0:
        facts += [make_fact("selector", word, shape) for word in SQUARES]
    return next((fact for fact in facts if _holds(fact, values).all()), None)


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


# -- arguments and their names ----------------------------------------------------------------------


def views_of(argument: BlockArgument) -> Iterator[MakeTensorViewOp]:
    for use in argument.uses:
        if isinstance(use.operation, MakeTensorViewOp):
            yield use.operation


def view_shape(view: MakeTensorViewOp) -> tuple[int, ...] | None:
    """Extents of a view (elements), if they are constants."""
    extents = [constant_int(v) for v in view.shape]
    return None if None in extents else tuple(e for e in extents if e is not None)


def argument_shape(argument: BlockArgument) -> tuple[int, ...] | None:
    """The argument's shape as its row-major view has it, or else a view of the whole of it transposed."""
    return next(iter(_shapes(argument)), None)


def stated_shape(function: func.FuncOp, index: int) -> tuple[int, ...] | None:
    """The shape that a fact about an argument speaks of: the program's, else that of its views."""
    tensor = argument_attribute(function, index, "dsv4.tensor")
    if isinstance(tensor, TensorType):
        return cast("TensorType[Attribute]", tensor).get_shape()
    return argument_shape(function.body.block.args[index])


def _shapes(argument: BlockArgument) -> list[tuple[int, ...]]:
    """All shapes that views of the whole argument give it, the row-major ones first."""
    plain: list[tuple[int, ...]] = []
    turned: list[tuple[int, ...]] = []
    for view in views_of(argument):
        shape = view_shape(view)
        if shape is None:
            continue
        strides = [constant_int(v) for v in view.strides]
        row_major = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
        if strides == row_major:
            plain.append(shape)
        elif len(shape) == 2 and strides == [1, shape[0]]:
            turned.append(shape[::-1])
    return list(dict.fromkeys([*plain, *turned]))


def _may_select(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and (shape[0] == 2 * shape[1] or shape[1] == 2 * shape[0])


def loaded_argument(load: TLoadOp) -> BlockArgument | None:
    """The argument that a load reads through untransposed views, if any."""
    part = load.ins[0].owner
    whole = part.source.owner if isinstance(part, PartitionViewOp) else None
    argument = whole.ptr if isinstance(whole, MakeTensorViewOp) else None
    return argument if isinstance(argument, BlockArgument) else None


def _meant(function: func.FuncOp, index: int) -> list[tuple[int, ...]]:
    """The shapes in which a word could mean a selector, where the program does not say which."""
    if argument_attribute(function, index, "dsv4.tensor") is not None:
        return []
    return [shape for shape in _shapes(function.body.block.args[index]) if _may_select(shape)]


def facts_of(function: func.FuncOp) -> Mapping[SSAValue, Fact]:
    """The facts stated on a function's pointer arguments, with the matrices they stand for.

    UserError where an argument has not the shape of what is stated of it.
    """
    facts: dict[SSAValue, Fact] = {}
    if not function.body.blocks:
        return facts
    for index, argument in enumerate(function.body.block.args):
        if not isinstance(argument.type, PtrType) or (shape := stated_shape(function, index)) is None:
            continue
        for kind in ("selector", "table"):
            attr = argument_attribute(function, index, f"dsv4.{kind}")
            if isinstance(attr, (SelectorAttr, TableAttr)):
                try:
                    if kind == "selector" and len(meant := _meant(function, index)) > 1:
                        raise WrongFact(f"it is viewed as {' and as '.join(map(_shape, meant))}")
                    facts[argument] = make_fact(kind, attr.data, shape, argument.type.data.dtype)
                except WrongFact as error:
                    name = argument_name(function, index)
                    raise UserError(
                        f"'{attr.name} {attr.data}' cannot hold for '{name}': {error}", function.location
                    ) from None
    return facts


def check_sides(functions: Sequence[func.FuncOp]) -> None:
    """The functions of a mixed kernel share their arguments: UserError where they state different facts."""
    stated: dict[int, tuple[str, str, func.FuncOp]] = {}
    for function in functions:
        for index in range(len(function.function_type.inputs.data)):
            for kind in ("selector", "table"):
                attribute = argument_attribute(function, index, f"dsv4.{kind}")
                if not isinstance(attribute, (SelectorAttr, TableAttr)):
                    continue
                one = stated.setdefault(index, (kind, attribute.data, function))
                if one[:2] != (kind, attribute.data):
                    raise UserError(
                        f"two facts contradict each other about '{argument_name(function, index)}': "
                        f"{one[0]} {one[1]} in '{one[2].sym_name.data}' and {kind} {attribute.data} in "
                        f"'{function.sym_name.data}', which take the same arguments",
                        function.location,
                    )
