"""`dsv4-bind-facts`: state what is known about kernel arguments, and check it.

    -p 'dsv4-bind-facts{file="facts.toml"}'      even_select_t = "even"        # or globs: "even_sel*"
    -p 'dsv4-bind-facts{file="inputs.npz"}'      the real arrays, every element checked

    func.func @k(%arg0: !pto.ptr<bf16>)
    =>  func.func @k(%arg0: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>})

A select matrix is an argument: nothing in a kernel says that it is one-hot, so no pass may assume it.
A fact comes from a person (TOML: argument or view names, globs, to `even`, `odd`, or `table:even`) or
from the arrays a kernel is really run with (`.npz`; bf16 and f16 as such or as their bits in uint16).

What a person states must hold: a shape, an element type, an array or another statement that contradicts it
is an error. An exact name says more than a glob, which does not contradict it. An array that nobody said
anything about is a fact if it is one exactly, and a remark says so, as the result then rests on its numbers;
any other array is only noted on its argument (`dsv4.given`), for remarks that would ask for it.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr, TensorType
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from dialects.dsv4.functions import argument_attribute, set_argument_attribute
from dialects.pto.attributes import AngleAttr
from dialects.pto.types import PtrType, element_name
from dsv4_passes.argument_names import argument_names, argument_spellings, nearest_first
from dsv4_passes.diagnostics import UserError, about_facts
from dsv4_passes.equivalence.facts import (
    SELECTORS,
    TABLES,
    Fact,
    WrongFact,
    check_array,
    check_sides,
    make_fact,
    recognise,
    stated_shape,
)
from dsv4_passes.interpreter.numerics import as_elements, numpy_dtype
from dsv4_passes.npz import Array, read_npz
from dsv4_passes.xdsl_extras.functions import functions_in

from .facts.given import GIVEN
from .facts.selections import describe

Others = Literal["error", "ignore"]
KINDS = {"selector": SELECTORS, "table": TABLES}


@dataclass(frozen=True)
class GmArgument:
    """A GM tensor that comes into a function: a pointer argument, or a whole program's parameter."""

    function: func.FuncOp
    index: int
    name: str
    spellings: tuple[str, ...]
    shape: tuple[int, ...] | None
    dtype: str

    @property
    def is_read(self) -> bool:
        return self.function.body.block.args[self.index].first_use is not None

    def stated(self) -> Iterator[tuple[str, str]]:
        """Kind and word of each fact stated so far."""
        for kind in KINDS:
            attribute = argument_attribute(self.function, self.index, f"dsv4.{kind}")
            if isinstance(attribute, AngleAttr):
                yield kind, attribute.data

    def fact(self, kind: str, word: str) -> Fact:
        """The fact about this argument, whose shape is known; raises WrongFact."""
        assert self.shape is not None
        return make_fact(kind, word, self.shape, self.dtype)

    def bind(self, fact: Fact) -> None:
        set_argument_attribute(self.function, self.index, f"dsv4.{fact.kind}", fact.attribute())


def arguments_of(module: ModuleOp) -> Iterator[GmArgument]:
    for function in module.walk():
        if not isinstance(function, func.FuncOp) or not function.body.blocks:
            continue
        names = argument_names(function)
        for index, argument in enumerate(function.body.block.args):
            if isinstance(argument.type, PtrType):
                shape, dtype = stated_shape(function, index), argument.type.data.dtype
            elif isinstance(argument.type, TensorType):
                tensor = cast("TensorType[Attribute]", argument.type)  # pyright: ignore[reportUnknownMemberType]
                shape, dtype = tensor.get_shape(), element_name(tensor.get_element_type())
            else:
                continue
            spellings = tuple(argument_spellings(function, index))
            yield GmArgument(function, index, names[index], spellings, shape, dtype)


def _there_are(arguments: Sequence[GmArgument], wanted: str) -> str:
    return ", ".join(nearest_first(sorted({a.name for a in arguments}), wanted)) or "none"


# -- what a person states ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A line of a facts file: an argument pattern and a fact."""

    pattern: str
    kind: str
    word: str
    where: str

    @property
    def is_glob(self) -> bool:
        return any(mark in self.pattern for mark in "*?[")

    def matches(self, argument: GmArgument) -> bool:
        return any(fnmatchcase(name, self.pattern) for name in argument.spellings)

    def __str__(self) -> str:
        return f'{self.pattern} = "{self.word if self.kind == "selector" else f"{self.kind}:{self.word}"}"'


def read_entries(path: str) -> list[Entry]:
    """The lines of a facts file. Raises UserError."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
        entries: dict[str, object] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem, _, place = str(error).partition(" (at line ")
        where = ":".join([path, *place.removesuffix(")").split(", column ")]) if place else path
        raise UserError(f"not a TOML file: {problem}", where) from None
    table = entries.get("facts")
    if not isinstance(table, dict):
        facts = entries
    else:
        facts = cast("dict[str, object]", table)
        for stray in (key for key, value in entries.items() if not isinstance(value, dict)):
            place = path + _place(text, stray)
            raise UserError(f"expected '{stray}' in the table [facts], found it beside the table", place)
    return [_entry(pattern, value, path + _place(text, pattern)) for pattern, value in facts.items()]


def _place(text: str, key: str) -> str:
    """`:line:column` of an entry, which the parser of TOML does not tell; empty where it is not found."""
    name = rf"""(["']?){re.escape(key)}\2"""
    found = re.search(rf"^[ \t]*({name})[ \t]*=", text, re.MULTILINE) or re.search(
        rf"^[ \t]*(\[{name}[\].])", text, re.MULTILINE
    )
    if found is None:
        return ""
    return f":{text.count(chr(10), 0, found.start()) + 1}:{found.start(1) - found.start() + 1}"


def _entry(pattern: str, value: object, where: str) -> Entry:
    kind, _, word = str(value).rpartition(":")
    kind = kind or "selector"
    if word not in KINDS.get(kind, ()):
        raise UserError(
            f"expected a fact for '{pattern}' to be one of {', '.join(SELECTORS)}, "
            f"{', '.join(f'table:{t}' for t in TABLES)}, found '{value}'",
            where,
        )
    return Entry(pattern, kind, word, where)


def bind_toml(module: ModuleOp, path: str, others: Others = "error") -> None:
    entries = read_entries(path)
    arguments = list(arguments_of(module))
    for entry in entries:
        if others == "error" and not any(map(entry.matches, arguments)):
            _say_unmatched(module, entry, arguments)
    for argument in arguments:
        if (entry := _decisive([e for e in entries if e.matches(argument)], argument)) is not None:
            _bind(argument, entry)


def _say_unmatched(module: ModuleOp, entry: Entry, arguments: Sequence[GmArgument]) -> None:
    """An error, unless the entry may concern an argument that lost its name because nothing reads it."""
    message = f"fact '{entry.pattern}' matches no argument; there are {_there_are(arguments, entry.pattern)}"
    nameless = [a.name for a in arguments if not a.is_read and a.name == f"arg{a.index}"]
    if not nameless:
        raise UserError(message, entry.where)
    have, them = ("has", "it") if len(nameless) == 1 else ("have", "them")
    about_facts(module, f"{message}; {', '.join(nameless)} {have} no name, as nothing reads {them}")


def _decisive(entries: Sequence[Entry], argument: GmArgument) -> Entry | None:
    """The entry that decides about an argument. UserError where two say different things."""
    exact = [entry for entry in entries if not entry.is_glob] or entries
    for entry in exact[1:]:
        if (entry.kind, entry.word) != (exact[0].kind, exact[0].word):
            raise UserError(
                f"two facts contradict each other about '{argument.name}': {exact[0]} and {entry}",
                entry.where,
            )
    return exact[0] if exact else None


def _bind(argument: GmArgument, entry: Entry) -> None:
    name = argument.name
    if argument.shape is None:
        if argument.is_read:
            raise UserError(f"the shape of '{name}' is not known from its views", entry.where)
        function = argument.function
        about_facts(
            function, f"'{function.sym_name.data}' does not read '{name}': a fact about it is not used"
        )
        return
    for kind, word in argument.stated():
        if (kind, word) != (entry.kind, entry.word):
            raise UserError(
                f"two facts contradict each other about '{name}': {entry} and, stated before, {kind} {word}",
                entry.where,
            )
    try:
        argument.bind(argument.fact(entry.kind, entry.word))
    except WrongFact as error:
        raise UserError(f"fact '{entry.pattern}' cannot hold for '{name}': {error}", entry.where) from None


# -- what arrays are -----------------------------------------------------------------------------------


def bind_arrays(module: ModuleOp, path: str, others: Others = "error") -> None:
    arrays = read_npz(path)
    arguments = list(arguments_of(module))
    taken: list[str] = []
    unused = set(arrays)
    for argument in arguments:
        name = next((n for n in argument.spellings if n in arrays), None)
        unused.difference_update(argument.spellings)
        if name is None or argument.shape is None or not _has_numbers(argument.dtype):
            continue
        try:
            values = _as_numbers(arrays[name], argument.dtype, argument.shape, name)
            stated = list(argument.stated())
            for kind, word in stated:
                check_array(argument.fact(kind, word), values, name)
            if (found := recognise(values, argument.shape, name)) is None:
                if not stated:
                    text = StringAttr(describe(values))
                    set_argument_attribute(argument.function, argument.index, GIVEN, text)
                continue
        except (WrongFact, ValueError) as error:
            raise UserError(str(error), path) from None
        if not stated:
            argument.bind(found)
            taken.append(f"'{argument.name}' = {'table:' if found.kind == 'table' else ''}{found.word}")
    if taken:
        about_facts(
            module, f"taken for facts that hold in every run, from {path}: {', '.join(dict.fromkeys(taken))}"
        )
    if unused and others == "error":
        _say_unused(module, sorted(unused), arguments, path)


def _say_unused(module: ModuleOp, names: Sequence[str], arguments: Sequence[GmArgument], path: str) -> None:
    what = (
        f"array {_quoted(names)} of {path} names"
        if len(names) == 1
        else f"arrays {_quoted(names)} of {path} name"
    )
    about_facts(module, f"{what} no argument; there are {_there_are(arguments, names[0])}")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _has_numbers(dtype: str) -> bool:
    """Not so fp8 and 4-bit types, of which there are no facts."""
    try:
        numpy_dtype(dtype)
    except ValueError:
        return False
    return True


def _as_numbers(array: Array, dtype: str, shape: tuple[int, ...], name: str) -> Array:
    """The array as numbers of that shape; it may be flat, and short floats may be their bits."""
    numbers: np.ndarray[Any, Any] = as_elements(array, dtype, name)
    if numbers.shape == (int(np.prod(shape)),):
        numbers = numbers.reshape(shape)
    return numbers if numbers.dtype.kind in "iu" else numbers.astype(np.float32)


@dataclass(frozen=True)
class BindFactsPass(ModulePass):
    """Attach the facts of `file` (TOML or npz) to the arguments of the module's functions.

    A fact in a TOML file about `others`, arguments that the module does not have, is an error unless ignored.
    """

    name = "dsv4-bind-facts"
    file: str
    """the facts: TOML with a line per argument, or an .npz with the arrays themselves"""
    others: Others = "error"
    """what facts about arguments are that the module does not have"""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        path = Path(self.file)
        if not path.is_file():
            raise UserError("no such file", self.file)
        if path.suffix == ".npz":
            bind_arrays(op, self.file, self.others)
        else:
            bind_toml(op, self.file, self.others)
        by_name = {f.sym_name.data: f for f in functions_in(op)}
        for name, cube in by_name.items():
            if name.endswith("_aic") and (vector := by_name.get(f"{name[:-4]}_aiv")) is not None:
                check_sides((cube, vector))
