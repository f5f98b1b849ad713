"""The last step of `dsv4-opt`: compare the output with the input before it is written."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dsv4_passes.diagnostics import UserError, said, unproved
from dsv4_passes.files import write_folder
from dsv4_passes.formats.pto.reader import new_context
from dsv4_passes.formats.pto.target import is_program
from dsv4_passes.validation.certificate import certificate
from dsv4_passes.validation.end_to_end import Pipeline
from dsv4_passes.validation.sources import ComparedSource
from dsv4_passes.validation.verdict import Verdict

from .common import InternalError, one_line, require_folder


def check_output(
    read: ModuleOp,
    module: ModuleOp,
    source: str,
    written: str | Mapping[str, str],
    passes: Sequence[ModulePass],
    reproducer: str | None,
) -> list[Verdict]:
    """Compare `written`, a text or the files of a program made of `module`, with the module that was read.

    The verdicts. Says what could not be compared, and raises InternalError for what differs: then `source`,
    what is written and what differs go to the folder `reproducer`.
    """
    pipeline = Pipeline(read, passes, new_context())
    try:
        verdicts = _verdicts(pipeline, module, written)
    except UserError as error:
        raise InternalError(f"in writing the text: it cannot be read back: {one_line(str(error))}") from error
    for verdict in verdicts:
        if verdict.outcome == "undecided":
            unproved(
                read,
                f"'{verdict.name}' is written without being compared with what was read: {verdict.reason}",
            )
    wrong = next((v for v in verdicts if v.outcome == "different"), None)
    if wrong is None:
        return verdicts
    blamed = pipeline.blame()
    step = f"pass {blamed}" if blamed is not None else "writing the text"
    lines = describe_difference(wrong)
    saved = "--reproducer DIR saves both texts"
    if reproducer is not None:
        suffix = ".py" if is_program(module) else ".pto"
        files = {"after" + suffix: written} if isinstance(written, str) else dict(written)
        found = pipeline.counterexample(written)
        shown = [] if found is None else [f"on input.npz, {found}, in {found.blocks} blocks"]
        report = "\n".join([f"in {step}:", *lines, *shown, ""])
        require_folder(Path(reproducer))
        write_folder(Path(reproducer), {**files, "before" + suffix: source, "counterexample.txt": report})
        if found is not None:
            found.save(Path(reproducer) / "input.npz")
        saved = f"both texts are in {reproducer}"
    raise InternalError(f"in {step}: {one_line('; '.join(lines))}; nothing is written, {saved}")


def _verdicts(pipeline: Pipeline, module: ModuleOp, written: str | Mapping[str, str]) -> list[Verdict]:
    if not isinstance(written, str):
        return pipeline.compare_folder(written)
    if is_program(module):
        return pipeline.compare_program(module, written)
    return pipeline.compare_kernels(module, written)


def describe_difference(verdict: Verdict) -> list[str]:
    """What differs, a line each: what, and both terms of the lane if it is one."""
    lines = [f"'{verdict.name}' would not store what it did: {verdict.reason}"]
    if (lane := verdict.lane) is not None:
        lines += [f"before: {lane.before}", f"after: {lane.after}"]
    return lines


def certify(
    options: argparse.Namespace, source: str, written: str | Mapping[str, str], verdicts: Sequence[Verdict]
) -> str:
    """The certificate of what `dsv4-opt` did with these options."""
    read, out = options.input_file or "<stdin>", options.output_file or "<stdout>"
    texts = {Path(out).name: written} if isinstance(written, str) else written
    before, after = (
        ComparedSource(read, {Path(read).name: source}, options.facts),
        ComparedSource(out, texts, options.facts),
    )
    return certificate(before, after, said(), verdicts, options.passes, options.target)
