"""Rewrite one text with a pipeline, for callers other than the command line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any, Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.target import Target

from dsv4_passes.diagnostics import Diagnostics, UserError, collect
from dsv4_passes.equivalence.budget import Budget, limited
from dsv4_passes.formats.pto.reader import new_context, parse_text, verify_module
from dsv4_passes.transforms.bind_facts import BindFactsPass
from dsv4_passes.transforms.common.options import make_pass, parse_specs, told
from dsv4_passes.transforms.rope import RopePass
from dsv4_passes.validation.end_to_end import Pipeline

TextFormat = Literal["pto", "pypto"]


@dataclass(frozen=True)
class RewrittenText:
    """What became of a text; `sites` counts what was rewritten, and is 0 where the text is as it was."""

    text: str
    sites: int
    diagnostics: Diagnostics


def pipeline(text: str, chip: str | None = None, ptoas: str | float | None = None) -> list[ModulePass]:
    """The passes that the user typed. `dsv4-rope` is for `chip` and `ptoas` unless it says otherwise.

    Raises UserError for what cannot be built.
    """
    from dsv4_passes.universe import DSV4_UNIVERSE

    available: Mapping[str, Callable[[], type[ModulePass]]] = DSV4_UNIVERSE.all_passes
    passes = [make_pass(spec, available) for spec in parse_specs(text, "pass pipeline")]
    return [_for_target(each, chip, ptoas) for each in passes]


def _for_target(each: ModulePass, chip: str | None, ptoas: str | float | None) -> ModulePass:
    if not isinstance(each, RopePass):
        return each
    known: dict[str, Any] = {}
    if chip is not None and each.chip is None:
        known["chip"] = chip
    if ptoas is not None and each.ptoas == RopePass.ptoas:
        known["ptoas"] = ptoas
    return replace(each, **known)


def rewrite_text(
    text: str,
    name: str,
    kind: TextFormat,
    passes: Sequence[ModulePass],
    facts: Sequence[str] = (),
    target: Target | None = None,
    pypto: str | None = None,
) -> RewrittenText:
    """Take a text through facts, passes and target. `name` is the file that errors speak of.

    `pypto` is the version that goes on compiling a program text; unless given, as old as what the text uses.
    `facts` are files as `--facts` takes them; what they say of arguments that are not there is ignored.
    Raises UserError where the text cannot be read or the result cannot be written, or where what would be
    written is not, read back, proved to mean what was read.
    """
    context = new_context()
    with collect() as diagnostics, limited(Budget()):
        module = _parse(text, name, kind, context)
        read = module.clone()
        if kind == "pypto":
            passes = _for_pypto(passes, module, pypto)
        passes = [*(BindFactsPass(file, others="ignore") for file in facts), *passes]
        for each in passes:
            each.apply(context, module)
            verify_module(module)
        sites = sum(entry.outcome == "rewritten" for entry in diagnostics.entries)
        if not sites:
            return RewrittenText(text, 0, diagnostics)
        output = StringIO()
        (target or _target(kind, pypto)).emit(context, module, output)
        _require_equal(Pipeline(read, passes, context), module, output.getvalue(), kind)
    return RewrittenText(output.getvalue(), sites, diagnostics)


def _require_equal(pipeline: Pipeline, module: ModuleOp, text: str, kind: TextFormat) -> None:
    compare = pipeline.compare_program if kind == "pypto" else pipeline.compare_kernels
    for verdict in compare(module, text):
        if verdict.outcome == "different":
            raise UserError(f"internal error: '{verdict.name}' would not store what it did: {verdict.reason}")


def _parse(text: str, name: str, kind: TextFormat, context: Context) -> ModuleOp:
    if kind == "pto":
        return parse_text(text, name, context)
    from dsv4_passes.formats.pypto import parse_program

    return parse_program(text, name)


def _for_pypto(passes: Sequence[ModulePass], module: ModuleOp, version: str | None) -> Sequence[ModulePass]:
    from dsv4_passes.formats.pypto.target import version_for

    return told(passes, pypto=version_for(module, version))


def _target(kind: TextFormat, pypto: str | None) -> Target:
    if kind == "pypto":
        from dsv4_passes.formats.pypto.target import PyptoTarget

        return PyptoTarget(version=pypto)
    from dsv4_passes.formats.pto.target import PtoTarget

    return PtoTarget()


def remarks_text(diagnostics: Diagnostics) -> str:
    """One line a remark, as the command line prints them."""
    return "".join(f"{entry}\n" for entry in diagnostics.entries)


__all__ = ["RewrittenText", "TextFormat", "UserError", "pipeline", "remarks_text", "rewrite_text"]
