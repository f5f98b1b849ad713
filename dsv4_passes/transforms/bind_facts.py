"""`dsv4-bind-facts`: state what is known about kernel arguments, and check it.

    -p 'dsv4-bind-facts{file="facts.toml"}'      even_select_t = "even"        # or globs: "even_sel*"
    -p 'dsv4-bind-facts{file="inputs.npz"}'      the real arrays, every element checked

    func.func @k(%arg0: !pto.ptr<bf16>)
    =>  func.func @k(%arg0: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>})

A select matrix is an argument: nothing in a kernel says that it is one-hot, so no pass may assume it.
A fact comes from a person (TOML: argument or view names, globs, to `even`, `odd`, or `table:even`) or
from the arrays a kernel is really run with (`.npz`; bf16 and f16 as such or as their bits in uint16). A
fact that contradicts a shape, or an array that is nearly but not exactly one-hot, is an error.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, BlockArgument
from xdsl.passes import ModulePass

from dialects.pto.attributes import AngleAttr
from dialects.pto.types import PtrType, element_name
from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.facts import (
    SELECTORS,
    TABLES,
    Fact,
    WrongFact,
    argument_attribute,
    argument_name,
    check_array,
    make_fact,
    recognise,
    set_argument_attribute,
    stated_shape,
    views_of,
)
from dsv4_passes.interpreter.numerics import numpy_dtype
from dsv4_passes.npz import Array, read_npz

Others = Literal["error", "ignore"]


@dataclass(frozen=True)
class Argument:
    """A GM tensor that comes into a function: a pointer argument, or a whole program's parameter."""

    function: func.FuncOp
    index: int
    names: frozenset[str]
    shape: tuple[int, ...] | None
    dtype: str

    @property
    def name(self) -> str:
        return argument_name(self.function, self.index)

    def bind(self, fact: Fact) -> None:
        set_argument_attribute(self.function, self.index, f"dsv4.{fact.kind}", fact.attribute())


def arguments_of(module: ModuleOp) -> Iterator[Argument]:
    for function in module.walk():
        if not isinstance(function, func.FuncOp) or not function.body.blocks:
            continue
        for index, argument in enumerate(function.body.block.args):
            if isinstance(argument.type, PtrType):
                shape, dtype = stated_shape(function, index), argument.type.data.dtype
            elif isinstance(argument.type, TensorType):
                tensor = cast("TensorType[Attribute]", argument.type)  # pyright: ignore[reportUnknownMemberType]
                shape, dtype = tensor.get_shape(), element_name(tensor.get_element_type())
            else:
                continue
            yield Argument(function, index, _names(function, index, argument), shape, dtype)


def _names(function: func.FuncOp, index: int, argument: BlockArgument) -> frozenset[str]:
    names = {argument_name(function, index), f"arg{index}"}
    names |= {view.res.name_hint for view in views_of(argument) if view.res.name_hint}
    return frozenset(names | ({argument.name_hint} if argument.name_hint else set()))


def bind_toml(module: ModuleOp, path: str, others: Others = "error") -> None:
    try:
        with open(path, "rb") as file:
            entries: dict[str, object] = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem, _, place = str(error).partition(" (at line ")
        where = ":".join([path, *place.removesuffix(")").split(", column ")]) if place else path
        raise UserError(f"not a TOML file: {problem}", where) from None
    arguments = list(arguments_of(module))
    table = entries.get("facts")
    facts = cast("dict[str, object]", table) if isinstance(table, dict) else entries
    for pattern, value in facts.items():
        kind, _, word = str(value).rpartition(":")
        kind = kind or "selector"
        if word not in {"selector": SELECTORS, "table": TABLES}.get(kind, ()):
            raise UserError(
                f"expected a fact for '{pattern}' to be one of {', '.join(SELECTORS)}, "
                f"{', '.join(f'table:{t}' for t in TABLES)}, found '{value}'",
                path,
            )
        matched = [a for a in arguments if any(fnmatchcase(name, pattern) for name in a.names)]
        if not matched and others == "error":
            known = ", ".join(sorted({a.name for a in arguments}))
            raise UserError(f"fact '{pattern}' matches no argument; there are {known}", path)
        for argument in matched:
            if argument.shape is None:
                raise UserError(f"the shape of '{argument.name}' is not known from its views", path)
            try:
                argument.bind(make_fact(kind, word, argument.shape))
            except WrongFact as error:
                raise UserError(
                    f"fact '{pattern}' cannot hold for '{argument.name}': {error}", path
                ) from None


def bind_arrays(module: ModuleOp, path: str) -> None:
    arrays = read_npz(path)
    for argument in arguments_of(module):
        name = next((n for n in sorted(argument.names) if n in arrays), None)
        dtype = _numpy_dtype(argument.dtype)
        if name is None or dtype is None or argument.shape is None:
            continue
        try:
            values = _as_numbers(arrays[name], dtype, argument.shape, name)
            for kind in ("selector", "table"):
                stated = argument_attribute(argument.function, argument.index, f"dsv4.{kind}")
                if isinstance(stated, AngleAttr):
                    check_array(make_fact(kind, stated.data, argument.shape), values, name)
            if (found := recognise(values, argument.shape, name)) is not None:
                argument.bind(found)
        except WrongFact as error:
            raise UserError(str(error), path) from None


def _numpy_dtype(dtype: str) -> np.dtype[Any] | None:
    """None for fp8 and 4-bit types, of which there are no facts."""
    try:
        return numpy_dtype(dtype)
    except ValueError:
        return None


def _as_numbers(array: Array, dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> Array:
    """The array as numbers of that shape; it may be flat, and short floats may be their bits."""
    if dtype.name in ("bfloat16", "float16") and array.dtype in (np.dtype(np.uint16), np.dtype("V2")):
        array = np.ascontiguousarray(array).view(dtype)
    if array.dtype != dtype:
        raise WrongFact(f"expected '{name}' to be an array of {dtype.name}, found {array.dtype.name}")
    if array.shape == (int(np.prod(shape)),):
        array = array.reshape(shape)
    return array if dtype.kind in "iu" else array.astype(np.float32)


@dataclass(frozen=True)
class BindFactsPass(ModulePass):
    """Attach the facts of `file` (TOML or npz) to the arguments of the module's functions.

    A fact in a TOML file about `others`, arguments that the module does not have, is an error unless ignored.
    """

    name = "dsv4-bind-facts"
    file: str
    others: Others = "error"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        path = Path(self.file)
        if not path.is_file():
            raise UserError("no such file", self.file)
        if path.suffix == ".npz":
            bind_arrays(op, self.file)
        else:
            bind_toml(op, self.file, self.others)
