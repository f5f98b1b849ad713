"""What a tool tells people, as lines or in forms that editors and code reviews read.

`text` is a line per message, `json` an object per line, `sarif` one SARIF 2.1.0 log at the end. All go to
stderr.
"""

import json
import re
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from dsv4_passes.diagnostics import Diagnostic, Diagnostics

from .common import one_line

MessageFormat = Literal["text", "json", "sarif"]
FORMATS = ("text", "json", "sarif")
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "internal error": "error", "warning": "warning", "remark": "note"}
_LINE = re.compile(
    r"(?:(?P<file>[^\n]*?)(?::(?P<line>\d+))?(?::(?P<column>\d+))?: )?"
    r"(?P<severity>internal error|error|warning|remark)(?: in [^:]*)?: (?P<message>.*)"
)


def format_in(argv: Sequence[str]) -> MessageFormat:
    """The format that a command line asks for, also where something else is wrong with it."""
    given = "text"
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        if option == "--diagnostic-format":
            given = value if equals else following
    return given if given in ("json", "sarif") else "text"


class Messages:
    """Says messages in one format. `close` writes what is kept until the end."""

    def __init__(self, format: MessageFormat = "text"):
        self.format: MessageFormat = format
        self._kept: list[dict[str, Any]] = []

    def show(self, diagnostics: Diagnostics, args: Namespace) -> None:
        """Say those of the diagnostics that the options ask for."""
        for entry in diagnostics.entries:
            if _wanted(entry, args):
                self._say(one_line(entry), entry)

    def failure(self, line: str) -> None:
        """Say that something failed; `line` is how text has it."""
        self._say(line)

    def close(self) -> None:
        if self.format == "sarif":
            print(json.dumps(sarif_log(self._kept), indent=2), file=sys.stderr)

    def _say(self, line: str, entry: Diagnostic | None = None) -> None:
        if self.format == "text":
            print(line, file=sys.stderr)
            return
        found = finding(line, entry)
        self._kept.append(found)
        if self.format == "json":
            print(json.dumps(found), file=sys.stderr)


def _wanted(entry: Diagnostic, args: Namespace) -> bool:
    if entry.severity == "warning":
        return args.warn
    if entry.outcome == "silent":
        return False
    return args.remarks is True if entry.outcome == "note" else args.remarks is not False


def finding(line: str, entry: Diagnostic | None = None) -> dict[str, Any]:
    """A message as an object: severity, message, and where known file, line, column, outcome, reason."""
    match = _LINE.match(line)
    parts = match.groupdict() if match else {"severity": "error", "message": line}
    found: dict[str, Any] = {"severity": parts["severity"], "message": parts["message"]}
    if parts.get("file"):
        found["file"] = parts["file"]
    for name in ("line", "column"):
        if parts.get(name):
            found[name] = int(parts[name])
    if entry is not None and entry.severity == "remark":
        found["outcome"] = entry.outcome
        if entry.reason:
            found["reason"] = entry.reason
    return found


def sarif_log(findings: list[dict[str, Any]]) -> dict[str, Any]:
    """A SARIF 2.1.0 log of one run. A rule is the outcome of a site, or the severity."""
    rules = sorted({_rule(found) for found in findings})
    driver = {
        "name": "dsv4-opt",
        "version": version("dsv4-passes"),
        "rules": [{"id": rule} for rule in rules],
    }
    results = [_result(found, rules) for found in findings]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _rule(found: dict[str, Any]) -> str:
    return str(found.get("outcome", found["severity"])).replace(" ", "-")


def _result(found: dict[str, Any], rules: list[str]) -> dict[str, Any]:
    rule = _rule(found)
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": _LEVELS[found["severity"]],
        "message": {"text": found["message"]},
    }
    if "reason" in found:
        result["properties"] = {"reason": found["reason"]}
    if "file" in found:
        place: dict[str, Any] = {"artifactLocation": {"uri": _uri(found["file"])}}
        if "line" in found:
            column = {"startColumn": found["column"]} if "column" in found else {}
            place["region"] = {"startLine": found["line"], **column}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _uri(file: str) -> str:
    """A file in SARIF's notation: absolute ones as `file:` URI, others relative, with `/` and escapes."""
    from urllib.parse import quote

    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
