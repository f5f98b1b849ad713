"""A certificate: the passes, the texts and the verdict of their comparison, which can be checked again.

{"version": 1, "target": "pto{ptoas=0.60}", "passes": "dsv4-rope{chip=a3}",
 "input": {"path": "k.pto", "sha256": {"k.pto": "…"}}, "output": {…}, "facts": {"facts.toml": "…"},
 "sites": [{"kernel": "k", "place": "k.pto:7:3", "decision": "rewritten", "text": "…"}],
 "kernels": [{"name": "k", "outcome": "proved", "conditions": ["FIN(%x)"], "outputs": ["out"], "lanes": 64}]}
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dsv4_passes.diagnostics import Diagnostic, UserError, location_text
from dsv4_passes.interpreter.kernels import find_kernels

from .program_folder import FolderProgram
from .sources import ComparedSource, Question, load
from .verdict import ROUNDING, ZERO_SIGN, Allowed, Verdict

VERSION = 1
OUTCOMES = ("unchanged", "proved", "different", "undecided")


def certificate(
    before: ComparedSource,
    after: ComparedSource,
    sites: Sequence[Diagnostic],
    verdicts: Sequence[Verdict],
    passes: str,
    target: str,
) -> str:
    """The text of a certificate."""
    described: dict[str, Any] = {
        "version": VERSION,
        "target": target,
        "passes": passes,
        "input": {"path": before.path, "sha256": before.hashes()},
        "output": {"path": after.path, "sha256": after.hashes()},
        "facts": {path: _hash_of_file(path) for path in before.facts},
        "sites": [
            {
                "kernel": site.function,
                "place": location_text(site.location),
                "decision": site.outcome,
                "text": site.message,
                **({"reason": site.reason} if site.reason else {}),
            }
            for site in sites
            if site.outcome in ("rewritten", "refused")
        ],
        "kernels": [_summary(verdict) for verdict in verdicts],
    }
    return json.dumps(described, indent=1) + "\n"


def _summary(verdict: Verdict) -> dict[str, Any]:
    found: dict[str, Any] = {"name": verdict.name, "outcome": verdict.outcome}
    if verdict.outcome == "proved":
        found |= {
            "conditions": list(verdict.conditions),
            "outputs": list(verdict.outputs),
            "lanes": verdict.lanes,
        }
    return found | ({"reason": verdict.reason} if verdict.reason else {})


def _hash_of_file(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def check_certificate(path: Path, before: str | None = None, after: str | None = None) -> Iterator[str]:
    """Compare the texts again; a line for each kernel. UserError where the certificate does not hold.

    `before` and `after` say where the texts are now, unless they are where they were.
    """
    try:
        known: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        sides = known["input"], known["output"]
        facts: Mapping[str, str] = known["facts"]
        said: list[Mapping[str, Any]] = known["kernels"]
        if known["version"] != VERSION:
            raise UserError(f"expected version {VERSION}, found {known['version']}", str(path))
        sources = [
            load(given or side["path"], list(facts))
            for given, side in zip((before, after), sides, strict=True)
        ]
        hashes = [side["sha256"] for side in sides]
        names = [kernel["name"] for kernel in said]
        if any(kernel["outcome"] not in OUTCOMES for kernel in said):
            raise ValueError(f"the outcome of a kernel is one of {', '.join(OUTCOMES)}")
        if not isinstance(facts, dict) or not isinstance(known["sites"], list):
            raise TypeError("facts are by file, sites are a list")
    except OSError as error:
        raise UserError(error.strerror or str(error), str(path)) from None
    except UnicodeDecodeError:
        raise UserError("not a certificate: it is no UTF-8 text", str(path)) from None
    except json.JSONDecodeError as error:
        raise UserError(f"not a certificate: {error.msg}", f"{path}:{error.lineno}:{error.colno}") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"not a certificate: {type(error).__name__}: {error}", str(path)) from None
    for source, wanted in zip(sources, hashes, strict=True):
        if sorted(source.hashes().values()) != sorted(wanted.values()):
            raise UserError("is not the text that the certificate is about", source.path)
    for file, wanted in facts.items():
        if not Path(file).is_file() or _hash_of_file(file) != wanted:
            raise UserError("is not the file of facts that the certificate is about", file)
    _check_target(str(path), str(known.get("target", "")), sources[1])
    yield from _compare_again(path, sources, said, names)


def _check_summary(path: Path, kernel: Mapping[str, Any], verdict: Verdict) -> None:
    """UserError where the certificate says that other lanes were compared."""
    said, found = (kernel.get("lanes"), kernel.get("outputs")), (verdict.lanes, list(verdict.outputs))
    if said != found:
        lanes, outputs = (f"{count} stored lanes of {names}" for count, names in (said, found))
        raise UserError(f"'{verdict.name}' has {outputs}, the certificate says {lanes}", str(path))


def _check_target(path: str, target: str, output: ComparedSource) -> None:
    """UserError where the output is no text of the target that the certificate names."""
    written = "pypto" if output.path.endswith(".py") else "pto"
    if target.partition("{")[0] != written:
        raise UserError(f"the certificate says target '{target}', the output is text of {written}", path)


def _named(source: ComparedSource, verdicts: Mapping[str, Verdict]) -> set[str]:
    """What verdicts about a source may be about: its kernels, or the program as a whole."""
    if not source.is_folder:
        return {*find_kernels(source.module()), *verdicts}
    program = FolderProgram(source.texts)
    return {program.name, *program.kernels, *verdicts}


def _compare_again(
    path: Path, sources: Sequence[ComparedSource], said: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> Iterator[str]:
    conditions = {c.partition("(")[0] for kernel in said for c in kernel.get("conditions", ())}
    question = Question(Allowed(ZERO_SIGN in conditions, ROUNDING in conditions), trials=0)
    found = {c.verdict.name: c.verdict for c in question.compare(sources[0], sources[1])}
    known = _named(sources[0], found) | _named(sources[1], found)
    program = sources[0].is_program
    if not program and (missing := found.keys() - set(names)):
        raise UserError(f"it says nothing of '{sorted(missing)[0]}'", str(path))
    for name, kernel in zip(names, said, strict=True):
        verdict = found.get(name)
        if verdict is None and program and name in known:
            verdict = next(iter(found.values()))  # about all kernels of it
        if verdict is not None and verdict.outcome == "different":
            raise UserError(f"'{name}' is not proved equal: {verdict.reason}", str(path))
        if kernel["outcome"] == "undecided":
            yield f"{name}: the certificate says that terms could not decide"
            continue
        kinds = {c.partition("(")[0] for c in kernel.get("conditions", ())}
        if verdict is None or not verdict.fine:
            reason = verdict.reason if verdict is not None else "there is no such kernel"
            if kernel["outcome"] == "unchanged" and verdict is not None and verdict.outcome == "undecided":
                yield f"{name}: unchanged"
                continue
            raise UserError(f"'{name}' is not proved equal: {reason}", str(path))
        if not {c.partition("(")[0] for c in verdict.conditions} <= kinds and kernel["outcome"] == "proved":
            raise UserError(f"'{name}' rests on more than the certificate says", str(path))
        if kernel["outcome"] == verdict.outcome == "proved" and name == verdict.name:
            _check_summary(path, kernel, verdict)
        yield f"{name}: proved equal again, {verdict.lanes} stored lanes"
