"""A launcher in C++."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .steps import BYTES, Json, Launcher

_OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.And: "&&",
    ast.Or: "||",
}
_FUNCTIONS: Mapping[type[ast.AST], str] = {ast.FloorDiv: "floor_div", ast.Mod: "floor_mod"}


class Cpp(Launcher):
    def function(self, function: Json) -> Iterator[str]:
        name = function["name"]
        yield f"// The orchestration '{name}'."
        taken = (
            f"const dsv4::Tensor &{self.name(p['name'])}"
            if "shape" in p
            else f"{_type(p['dtype'])} {self.name(p['name'])}"
            for p in function["parameters"]
        )
        yield f"inline void {name}({', '.join(['dsv4::Runtime &runtime', *taken])}) {{"
        yield "  [[maybe_unused]] dsv4::Owned owned(runtime);"
        for extent, source in self.open_extents(function):
            yield f"  [[maybe_unused]] const std::int64_t {extent} = {source};"
        yield from self.steps(function["steps"], "  ")
        yield "}"

    def number(self, text: Any) -> str:
        return _Expression(self).text(ast.parse(str(text), mode="eval").body)

    def shape(self, extents: Sequence[Any]) -> str:
        return f"{{{', '.join(map(self.number, extents))}}}"

    def passed(self, text: str, dtype: str) -> str:
        if dtype == "tensor":
            return f"dsv4::pass({text})"
        return f"dsv4::pass({_type(dtype)}({text}))"

    def created(self, element: int, extents: Sequence[Any]) -> str:
        return f"owned.create({element}, {self.shape(extents)})"

    def known(self, hidden: str) -> str:
        kind = {"block_idx": "block_index", "block_num": "block_count"}[hidden]
        return f"dsv4::Argument{{dsv4::Argument::{kind}}}"

    def create_(self, step: Json) -> Iterator[str]:
        made = self.created(BYTES.get(step["dtype"], 1), step["shape"])
        yield f"const dsv4::Tensor {self.name(step['create'])} = {made};"

    def launch_(self, step: Json) -> Iterator[str]:
        core, blocks = self.kernels[step["launch"]]["core"], self.number(step.get("blocks", 1))
        arguments = ", ".join(self.arguments(step))
        yield f'runtime.launch("{step["launch"]}", dsv4::Core::{core}, {blocks}, {{{arguments}}});'

    def assemble_(self, step: Json) -> Iterator[str]:
        piece = self.tensor(step["assemble"])
        into = f"{self.tensor(step['into'])}.slice({self.shape(step['offsets'])}, {piece}.shape)"
        yield f"runtime.copy({into}, {piece});"

    def read_(self, step: Json) -> Iterator[str]:
        yield f"const auto {self.name(step['as'])} = runtime.read({self.element(step['read'], step['at'])});"

    def write_(self, step: Json) -> Iterator[str]:
        yield f"runtime.write({self.element(step['into'], step['at'])}, {self.number(step['write'])});"

    def dim_(self, step: Json) -> Iterator[str]:
        yield f"const auto {self.name(step['as'])} = {self.tensor(step['dim'])}.shape[{step['axis']}];"

    def for_(self, step: Json) -> Iterator[str]:
        carried = step.get("carried", {})
        for name, (start, _) in carried.items():
            yield f"std::int64_t {self.name(name)} = {self.number(start)};"
        i = self.name(step["for"])
        first, last, by = (self.number(step[word]) for word in ("from", "to", "step"))
        yield f"for (std::int64_t {i} = {first}; {i} < {last}; {i} += {by}) {{"
        yield from self.steps(step["steps"], "  ")
        if carried:
            names = ", ".join(map(self.name, carried))
            ends = ", ".join(f"std::int64_t({self.number(end)})" for _, end in carried.values())
            yield f"  std::tie({names}) = std::make_tuple({ends});"
        yield "}"

    def if_(self, step: Json) -> Iterator[str]:
        yield f"if ({self.number(step['if'])}) {{"
        yield from self.steps(step["then"], "  ")
        if step.get("else"):
            yield "} else {"
            yield from self.steps(step["else"], "  ")
        yield "}"


def _type(dtype: str) -> str:
    return "float" if re.fullmatch(r"b?f\d+", dtype) else "std::int64_t"


class _Expression:
    """Expressions of the program text in C++."""

    def __init__(self, names: Launcher):
        self.name = names.name

    def text(self, node: ast.expr) -> str:
        """Raises ValueError for an expression that has no counterpart."""
        match node:
            case ast.Constant(value=bool(value)):
                return "true" if value else "false"
            case ast.Constant(value=int(value)):
                return f"std::int64_t({value})"
            case ast.Constant(value=float(value)):
                return repr(value)
            case ast.Name(id=name):
                return self.name(name)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(type(op), left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.binary(type(op), left, right)
            case ast.BoolOp(op=op, values=values):
                return f"({f' {_OPERATORS[type(op)]} '.join(map(self.text, values))})"
            case ast.UnaryOp(op=ast.USub() | ast.Not() as op, operand=operand):
                return f"({'-' if isinstance(op, ast.USub) else '!'}{self.text(operand)})"
            case ast.Call(func=ast.Attribute(attr="cast" | "const"), args=[value, *_]):
                return self.text(value)
            case ast.Call(func=ast.Attribute(attr="min" | "max" as attr), args=[left, right]):
                return f"std::{attr}<std::int64_t>({self.text(left)}, {self.text(right)})"
            case _:
                raise ValueError(f"no C++ for '{ast.unparse(node)}'")

    def binary(self, op: type[ast.AST], left: ast.expr, right: ast.expr) -> str:
        sides = self.text(left), self.text(right)
        if op in _FUNCTIONS:
            return f"dsv4::{_FUNCTIONS[op]}({', '.join(sides)})"
        if op not in _OPERATORS:
            raise ValueError(f"no C++ for '{op.__name__}'")
        return f"({f' {_OPERATORS[op]} '.join(sides)})"
