"""Passes and targets as people type them, with errors that say what would be right."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import (
    ArgSpec,
    ArgSpecConvertible,
    PipelineLexer,
    SpecTokenKind,
    parse_pipeline,
)
from xdsl.utils.exceptions import ArgSpecParseError

from dsv4_passes.diagnostics import UserError, one_line

Configurable = TypeVar("Configurable", bound=ArgSpecConvertible)


def parse_specs(text: str, what: str) -> tuple[ArgSpec, ...]:
    """`a{x=1},b` taken apart. Raises UserError that says where it is wrong."""
    try:
        specs = tuple(parse_pipeline(text))
    except ArgSpecParseError as error:
        _, place, *_, problem = str(error).strip().splitlines()
        problem = one_line(problem).removesuffix(" here")
        if problem.startswith(("Malformed pass arguments", "Unknown token")):
            problem = (
                'expected options like {chip=a3 ptoas="0.60"}; a value is a word, a number, or text in quotes'
            )
        column = place.rpartition(":")[2]
        raise UserError(f"invalid {what} '{text}': {problem} (column {column})") from None
    if (repeated := _repeated(text)) is not None:
        name, column = repeated
        raise UserError(f"invalid {what} '{text}': option {name} is given twice (column {column})")
    return specs


def _repeated(text: str) -> tuple[str, int] | None:
    """The first option that is given again in the same braces, and its column; the parser takes the last."""
    lexer, before, seen = PipelineLexer(text), None, set[str]()
    while (token := lexer.lex()).kind is not SpecTokenKind.EOF:
        if token.kind is SpecTokenKind.L_BRACE:
            seen.clear()
        elif token.kind is SpecTokenKind.IDENT and before in (SpecTokenKind.L_BRACE, SpecTokenKind.SPACE):
            name = _written(token.span.text)
            if name in seen:
                return name, token.span.start + 1
            seen.add(name)
        before = token.kind
    return None


def make_pass(spec: ArgSpec, available: Mapping[str, Callable[[], type[ModulePass]]]) -> ModulePass:
    """The pass with its options. Raises UserError for one that is not known."""
    if spec.name not in available:
        raise UserError(f"unknown pass '{spec.name}'{did_you_mean(spec.name, available)}")
    return build("pass", spec, available[spec.name]())


def did_you_mean(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"; did you mean '{near[0]}'?" if near else ""


def build(kind: Literal["pass", "target"], spec: ArgSpec, class_: type[Configurable]) -> Configurable:
    """The pass or target with its options. Raises UserError for one that cannot be."""
    where = f"{kind} {spec.name}"
    hints = get_type_hints(class_)
    options = {f.name: hints[f.name] for f in dataclasses.fields(class_) if f.init and f.name != "name"}
    for name, values in spec.normalize_parameter_names().parameters.items():
        if name not in options:
            there = ", ".join(map(_written, options)) or "none"
            near = did_you_mean(name, options)
            raise UserError(f"{where} has no option '{_written(name)}'{near or f'; there are {there}'}")
        if _is_version(options[name]) and any(type(value) is int for value in values):
            found = ",".join(map(_value, values))
            raise UserError(f'{where}: option {_written(name)} should be a text, as "0.60", found {found}')
        if _is_text(options[name]) and (len(values) != 1 or not isinstance(values[0], str)):
            found = ",".join(map(_value, values)) or "nothing"
            raise UserError(f'{where}: option {_written(name)} should be a text, as "{found}", found {found}')
        choices = (True, False) if options[name] is bool else _choices(options[name])
        if choices and (len(values) != 1 or values[0] not in choices):
            found = ",".join(map(_value, values)) or "nothing"
            *most, last = map(_value, choices)
            wanted = f"{', '.join(most)} or {last}"
            raise UserError(f"{where}: option {_written(name)} should be {wanted}, found {found}")
    try:
        made = class_.from_spec(spec)
        _check_machine(made)
    except ValueError as error:
        raise UserError(f"{where}: {one_line(error)}") from error
    return made


def _is_text(hint: Any) -> bool:
    return hint is str or set(get_args(hint)) == {str, type(None)}


def _is_version(hint: Any) -> bool:
    return {str, float} <= set(get_args(hint))


def told(passes: Sequence[ModulePass], **options: Any) -> tuple[ModulePass, ...]:
    """The passes with these options, where they have them and were not given others."""

    def one(each: ModulePass) -> ModulePass:
        missing = {k: v for k, v in options.items() if getattr(each, k, v) is None}
        return dataclasses.replace(each, **missing) if missing else each

    return tuple(map(one, passes))


def _choices(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) is Literal else ()


def _written(name: str) -> str:
    return name.replace("_", "-")


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_machine(made: ArgSpecConvertible) -> None:
    """A chip or a version that is not known is an error now, not when some pass asks for it."""
    given = [getattr(made, name, None) for name in ("chip", "ptoas", "pypto")]
    given.append(getattr(made, "version", None) if made.name == "pypto" else None)
    if given == [None] * len(given):
        return
    from dsv4_passes import targets

    checks: Sequence[Callable[[Any], object]] = (targets.chip, targets.ptoas, targets.pypto, targets.pypto)
    for given, find in zip(given, checks, strict=True):
        if given is not None:
            find(given)
