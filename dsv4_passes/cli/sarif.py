"""Messages as a SARIF 2.1.0 log, which code reviews and editors show at the lines that it names.

A rule is what a message is about (rewritten, refused, …), behind a `/` the reason where there is one that
summaries count, as `refused/does-not-fit`.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .message_rules import rule_of

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "internal error": "error", "warning": "warning", "remark": "note"}
_RULES = {
    "rewritten": (
        "Something was rewritten.",
        "The message says what it became, why every stored lane is the same, and what is saved.",
    ),
    "refused": (
        "Something stays as it is.",
        "The message says what stands in the way. Where a fact about an argument is missing, state it with "
        "--facts; where a guard forbids a rewrite, another one may be chosen with the pass's options.",
    ),
    "fact": (
        "What was given is a fact about an argument, or is none.",
        "Rewrites rest on facts: a result is right only for arguments of which they are true.",
    ),
    "note": ("An observation.", "Nothing has to be done about it."),
    "summary": ("What became of a whole program.", "Counts before and after all passes."),
    "remark": ("An observation about what was given.", "Look whether it is what was meant."),
    "warning": (
        "The input itself looks wrong.",
        "It is worked on as it is. Look whether the kernel means what it says.",
    ),
    "error": (
        "What was given cannot be worked on.",
        "Nothing is written. The message says what was expected and what was found.",
    ),
    "internal-error": (
        "A defect of the tool, not of what it was given.",
        "Nothing is written. --debug prints a traceback, --reproducer DIR keeps the texts.",
    ),
}
"""What each kind of message says, and what to do about it."""


def sarif_log(findings: Sequence[Mapping[str, Any]], tool: str = "dsv4-opt", code: int = 0) -> dict[str, Any]:
    """A log of one run of a tool that ended with an exit code. `findings` are as JSON has them."""
    by_rule = {rule_of(found): found for found in findings}
    rules = sorted(by_rule)
    driver = {
        "name": tool,
        "version": version("dsv4-passes"),
        "rules": [_rule(rule, by_rule[rule]) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": code != 1, "exitCode": code}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(found, rules) for found in findings],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: str, found: Mapping[str, Any]) -> dict[str, Any]:
    short, text = _RULES[rule.partition("/")[0]]
    reason = found.get("reason")
    return {
        "id": rule,
        "shortDescription": {"text": f"{short.removesuffix('.')}: {reason}." if reason else short},
        "help": {"text": text},
        "defaultConfiguration": {"level": _LEVELS[found["severity"]]},
    }


def _result(found: Mapping[str, Any], rules: Sequence[str]) -> dict[str, Any]:
    rule = rule_of(found)
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": _LEVELS[found["severity"]],
        "message": {"text": found["message"]},
    }
    if "reason" in found:
        result["properties"] = {"reason": found["reason"]}
    place: dict[str, Any] = {}
    if "file" in found:
        place["physicalLocation"] = {"artifactLocation": {"uri": _uri(found["file"])}}
        if "line" in found:
            column = {"startColumn": found["column"]} if "column" in found else {}
            place["physicalLocation"]["region"] = {"startLine": found["line"], **column}
    if "function" in found:
        place["logicalLocations"] = [{"name": found["function"], "kind": "function"}]
    if place:
        result["locations"] = [place]
    return result


def _uri(file: str) -> str:
    """A file as SARIF wants it: absolute ones as `file:` URI, others relative, with `/` and escapes."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
