"""`dsv4-validate BEFORE AFTER`: whether two kernels or programs mean the same.

    dsv4-validate kernel.pto better.pto --facts facts.toml
    dsv4-validate program.py build/ --facts inputs.npz --require FIN
    dsv4-validate --certificate better.json

Exit code 0: every stored lane is proved equal, under the side conditions that are printed. 2: terms cannot
decide, and both store the same on all inputs that were tried. 1: they differ, with an input that shows it,
or something is wrong with what was given.
"""

# PYTHON_ARGCOMPLETE_OK: the shell may ask this tool what could follow
import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dsv4_passes.diagnostics import UserError
from dsv4_passes.validation.certificate import check_certificate
from dsv4_passes.validation.runs import Counterexample
from dsv4_passes.validation.sources import Comparison, Question, load
from dsv4_passes.validation.verdict import ROUNDING, ZERO_SIGN, Allowed, Verdict

from .arguments import parse
from .common import one_line, require_directory_of, run_tool

EXAMPLES = """\
examples:
  dsv4-validate kernel.pto better.pto --facts facts.toml
      compare two kernels
  dsv4-validate program.py build/ --facts inputs.npz --require FIN
      compare a program with a folder of kernels; the sign of zeros must be the same
  dsv4-validate --certificate better.json
      check what dsv4-opt --certificate wrote

exit code:
  0  every stored lane is proved equal, under the conditions that are printed
  2  terms cannot decide, and both store the same on all inputs that were tried
  1  they differ, or something is wrong with what was given
"""

CONDITIONS = ("FIN", ZERO_SIGN, ROUNDING)
PROVED, DIFFERENT, TESTED = 0, 1, 2


def main(args: Sequence[str] | None = None) -> int:
    """Entry point."""
    return run_tool("dsv4-validate", lambda _: _run(args), args)


def _run(args: Sequence[str] | None) -> int:
    options = _parse_options(args)
    for path in options.facts:
        if not Path(path).is_file():
            raise UserError("no such file", path)
    if options.certificate is not None:
        for line in check_certificate(Path(options.certificate), options.before, options.after):
            print(line)
        return PROVED
    if options.before is None or options.after is None:
        raise UserError("expected two files or folders to compare")
    if options.save is not None:
        require_directory_of(Path(options.save))
    accepted = set(options.require)
    allowed = Allowed(ZERO_SIGN in accepted, ROUNDING in accepted)
    question = Question(allowed, "FIN" in accepted, options.trials, options.seconds, options.seed)
    before, after = (load(path, options.facts) for path in (options.before, options.after))
    code = PROVED
    for comparison in question.compare(before, after):
        found = report(comparison, accepted, question)
        if comparison.found is not None and options.save is not None:
            comparison.found.save(Path(options.save))
        code = DIFFERENT if DIFFERENT in (code, found) else max(code, found)
    return code


def report(comparison: Comparison, accepted: set[str], question: Question) -> int:
    """Print what a comparison came to; its exit code."""
    verdict = comparison.verdict
    unacceptable = [c for c in verdict.conditions if c.partition("(")[0] not in accepted]
    if verdict.fine and not unacceptable:
        given = f", given {', '.join(verdict.conditions)}" if verdict.conditions else ""
        what = "unchanged" if verdict.outcome == "unchanged" else f"proved equal, {_lanes(verdict)}{given}"
        print(f"{verdict.name}: {what}")
        _say_carried(comparison)
        return PROVED
    if unacceptable:
        print(f"{verdict.name}: equal only given {', '.join(unacceptable)}, which is not acceptable")
        if comparison.pair is not None:
            comparison.found = comparison.pair.search(question.trials, question.seed)
            comparison.tested = comparison.pair.tried if comparison.found is None else 0
    elif verdict.outcome == "different":
        print(f"{verdict.name}: not proved: {one_line(verdict.reason)}")
        if verdict.lane is not None:
            print(f"  before: {verdict.lane.before}\n  after:  {verdict.lane.after}")
    else:
        print(f"{verdict.name}: terms cannot decide: {one_line(verdict.reason)}")
    if comparison.found is not None:
        print(f"{verdict.name}: different: {comparison.found}")
        print("\n".join(f"  {line}" for line in _inputs(comparison.found)))
        return DIFFERENT
    if comparison.tested:
        print(f"{verdict.name}: only tested: {comparison.tested} inputs give the same bits")
        _say_carried(comparison)
        return TESTED
    if comparison.problem:
        print(f"{verdict.name}: not run: {one_line(comparison.problem)}")
    return DIFFERENT


def _say_carried(comparison: Comparison) -> None:
    """What only the first text states."""
    if comparison.carried:
        print(f"  what the first states is taken to hold for both: {', '.join(comparison.carried)}")


def _lanes(verdict: Verdict) -> str:
    return f"{verdict.lanes} stored lanes of {', '.join(map(repr, verdict.outputs)) or 'nothing'}"


def _inputs(found: Counterexample, most: int = 8) -> list[str]:
    """The elements of the input that are not zero, where there are few."""
    lines = [f"blocks = {found.blocks}"]
    for name, values in found.inputs.items():
        flat = values.reshape(-1)
        with np.errstate(invalid="ignore"):
            at = np.flatnonzero((flat != 0) | np.signbit(flat.astype(np.float64)))
        if at.size > most:
            lines.append(f"{name}: {at.size} of {flat.size} elements are not 0 (--save FILE writes them)")
        else:
            lines.append(f"{name}: 0 but " + (", ".join(f"[{i}] = {flat[i]}" for i in at) or "nothing"))
    return lines


def _parse_options(args: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dsv4-validate",
        description="Prove that two kernels or programs mean the same, or show an input.",
    )
    parser.add_argument("before", nargs="?", help="a .pto file, a program (.py), or a folder with a program")
    parser.add_argument("after", nargs="?", help="likewise")
    parser.add_argument(
        "--facts", metavar="FILE", action="append", default=[], help="what is known of inputs"
    )
    parser.add_argument(
        "--require",
        metavar="CONDITIONS",
        type=lambda text: [c for c in text.split(",") if c],
        default=["FIN", ZERO_SIGN],
        help="side conditions that are acceptable, with commas between them (default FIN,SZ): FIN, no Inf or "
        "NaN where a product has zeros; SZ, the sign of a stored zero; rounding, dropped roundings to bf16",
    )
    parser.add_argument("--trials", metavar="N", type=int, default=12, help="inputs to try (default 12)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="which inputs (default 0)")
    parser.add_argument("--seconds", type=float, default=300, help="CPU time for terms (default 300)")
    parser.add_argument("--save", metavar="NPZ", help="where the input goes on which they differ")
    parser.add_argument("--certificate", metavar="FILE", help="check what dsv4-opt --certificate wrote")
    options = parse(parser, EXAMPLES, args)
    for condition in options.require:
        if condition not in CONDITIONS:
            raise UserError(f"--require expects some of {', '.join(CONDITIONS)}, found '{condition}'")
    return options


if __name__ == "__main__":
    sys.exit(main())
