"""The head of a function: decorator, parameters and results."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from .source import Source, Unread, is_docstring
from .types import AnyText, OtherText, ScalarText, TensorText, TupleText, TypeReader

KINDS = {"InCore": "kernel", "Spmd": "wrapper", "Orchestration": "orchestration"}
OTHER_KINDS = ("Opaque", "AIC", "AIV", "Group", "Inline", "Graph")
"""Functions of pypto that are not read."""


@dataclass(frozen=True)
class ParameterText:
    name: str
    type: AnyText
    direction: str


@dataclass(eq=False)
class Signature:
    """A function of the program text as its callers see it."""

    node: ast.FunctionDef
    name: str
    kind: str
    decorator: str
    """The arguments of `@pl.function`, as written."""
    has_self: bool
    parameters: list[ParameterText]
    returns: list[AnyText] | None
    """Types of what it returns; None where the text does not say."""
    attrs: dict[str, ast.expr] = field(default_factory=dict[str, ast.expr])
    unread: Unread | None = None
    """What keeps the function from being read."""

    @property
    def body(self) -> list[ast.stmt]:
        """The statements without what only describes the function."""
        statements = self.node.body
        if statements and is_docstring(statements[0]):
            statements = statements[1:]
        return [s for s in statements if not _is_attr_prologue(s)]

    def written(self) -> list[ParameterText]:
        return [p for p in self.parameters if p.direction != "in"]


def _is_attr_prologue(statement: ast.stmt) -> bool:
    """`pl.func_attr({…})`, where newer pypto puts what `attrs=` of the decorator was."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="pl"), attr="func_attr"))):
            return True
        case _:
            return False


def read_signature(source: Source, types: TypeReader, node: ast.FunctionDef) -> Signature:
    """The signature of a function, or only its name where something in it is not read."""
    try:
        return _read(source, types, node)
    except Unread as reason:
        return Signature(node, node.name, "", "", False, [], None, unread=reason)


def _read(source: Source, types: TypeReader, node: ast.FunctionDef) -> Signature:
    decorator = _decorator(source, node)
    given = source.keywords(decorator)
    if "type" not in given:
        if given:
            source.unread(decorator)
        source.outside(decorator, "@pl.function(type=…)")
    word = source.word(given["type"], "pl.FunctionType")
    if word in OTHER_KINDS:
        source.unread(given["type"])
    if word not in KINDS:
        source.fail(given["type"], f"unknown function type '{word}'; known are {', '.join(KINDS)}")
    attrs = _attrs(source, given.get("attrs"))
    for statement in node.body:
        if isinstance(statement, ast.Expr) and _is_attr_prologue(statement):
            assert isinstance(statement.value, ast.Call)
            attrs |= _attrs(source, statement.value.args[0] if statement.value.args else None)
    arguments = node.args
    extra = (
        *arguments.posonlyargs,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
        *arguments.defaults,
    )
    if any(extra):
        source.fail(node, f"function '{node.name}' has parameters that are not plain")
    has_self = (
        bool(arguments.args) and arguments.args[0].arg == "self" and arguments.args[0].annotation is None
    )
    parameters = _parameters(source, types, arguments.args[has_self:])
    returns: list[AnyText] | None = None
    if node.returns is not None:
        read = types.read(node.returns)
        returns = list(read.parts) if isinstance(read, TupleText) else [read]
    text = ", ".join(f"{k.arg}={source.written(k.value)}" for k in decorator.keywords)
    if "attrs" not in given and attrs:
        entries = ", ".join(f'"{key}": {source.written(value)}' for key, value in attrs.items())
        text = f"{text}, attrs={{{entries}}}"
    return Signature(node, node.name, KINDS[word], text, has_self, parameters, returns, attrs)


def _parameters(source: Source, types: TypeReader, arguments: Sequence[ast.arg]) -> list[ParameterText]:
    parameters: list[ParameterText] = []
    for argument in arguments:
        if argument.annotation is None:
            source.fail(argument, f"parameter '{argument.arg}' has no type")
        type_, direction = types.parameter(argument.annotation)
        if isinstance(type_, OtherText):
            source.unread(argument.annotation)
        if not isinstance(type_, TensorText | ScalarText):
            source.outside(argument.annotation, "a pl.Tensor or pl.Scalar type")
        if any(p.name == argument.arg for p in parameters):
            source.fail(argument, f"parameter '{argument.arg}' is there twice")
        parameters.append(ParameterText(argument.arg, type_, direction))
    return parameters


def _decorator(source: Source, node: ast.FunctionDef) -> ast.Call:
    match node.decorator_list:
        case [ast.Call(args=[]) as call] if source.qualified(call.func) == "pl.function":
            return call
        case [ast.Attribute() as plain] if source.qualified(plain) == "pl.function":
            source.unread(plain)
        case _:
            source.fail(node, f"expected '@pl.function(…)' in front of '{node.name}'")


def _attrs(source: Source, node: ast.expr | None) -> dict[str, ast.expr]:
    if node is None:
        return {}
    if not isinstance(node, ast.Dict):
        source.outside(node, "a dictionary")
    found: dict[str, ast.expr] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            source.outside(value, "a named attribute")
        found[source.string(key)] = value
    return found
