"""The last step of `dsv4-opt`: what is about to be written is compared with what was read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dsv4_passes.diagnostics import note
from dsv4_passes.files import write_folder
from dsv4_passes.validation.end_to_end import Pipeline
from dsv4_passes.validation.verdict import Verdict

from .common import InternalError, one_line, require_folder


def check_output(
    pipeline: Pipeline, verdicts: Sequence[Verdict], files: Mapping[str, str], reproducer: str | None
) -> None:
    """Say what could not be compared, and raise InternalError for what differs.

    `files`, the texts that were read and would be written by name, go to the folder `reproducer`.
    """
    for verdict in verdicts:
        if verdict.outcome == "undecided":
            note(
                pipeline.before,
                f"'{verdict.name}' is written without being compared with what was read: {verdict.reason}",
            )
    wrong = next((v for v in verdicts if v.outcome == "different"), None)
    if wrong is None:
        return
    blamed = pipeline.blame()
    step = f"pass {blamed}" if blamed is not None else "writing the text"
    lines = describe_difference(wrong)
    if reproducer is None:
        saved = "--reproducer DIR saves both texts"
    else:
        require_folder(Path(reproducer))
        report = "\n".join([f"in {step}:", *lines, ""])
        write_folder(Path(reproducer), {**files, "counterexample.txt": report})
        saved = f"both texts are in {reproducer}"
    raise InternalError(f"in {step}: {one_line('; '.join(lines))}; nothing is written, {saved}")


def describe_difference(verdict: Verdict) -> list[str]:
    """What differs, a line each: what, and both terms of the lane if it is one."""
    lines = [f"'{verdict.name}' would not store what it did: {verdict.reason}"]
    if (lane := verdict.lane) is not None:
        lines += [f"before: {lane.before}", f"after: {lane.after}"]
    return lines
