"""What a tool tells people, as lines or in forms that editors and code reviews read.

`text` is a line per message, `json` an object per line, `sarif` one SARIF 2.1.0 log at the end. All go to
stderr.
"""

import json
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from dsv4_passes.diagnostics import Diagnostic, Diagnostics, one_line

from .message_rules import rule_of

MessageFormat = Literal["text", "json", "sarif"]
FORMATS = ("text", "json", "sarif")
_OPTION = "--diagnostic-format"
_LINE = re.compile(
    r"(?:(?P<file>[^\n]*?)(?::(?P<line>\d+))?(?::(?P<column>\d+))?: )?"
    r"(?P<severity>internal error|error|warning|remark)(?: in [^:]*)?: (?P<message>.*)"
)


def add_argument(parser: ArgumentParser) -> None:
    """Add the option that chooses the format."""
    parser.add_argument(
        _OPTION,
        choices=FORMATS,
        default="text",
        help="how messages are said on stderr: a line each, a JSON object each, or one SARIF log",
    )


def format_in(argv: Sequence[str]) -> MessageFormat:
    """The format that a command line asks for, also where something else is wrong with it."""
    given = "text"
    for word, following in pairwise([*argv, ""]):
        if word == "--":
            break
        option, equals, value = word.partition("=")
        if len(option) > len("--di") and _OPTION.startswith(option):  # argparse takes what is begun, too
            given = value if equals else following
    return given if given in ("json", "sarif") else "text"


class Messages:
    """Says messages of a tool in one format. `close` writes what is kept until the end."""

    def __init__(self, format: MessageFormat = "text", tool: str = "dsv4-opt"):
        self.format: MessageFormat = format
        self.tool = tool
        self._kept: list[dict[str, Any]] = []

    def show(self, diagnostics: Diagnostics, args: Namespace) -> None:
        """Say those of the diagnostics that the options ask for."""
        for entry in diagnostics.entries:
            if _wanted(entry, args):
                self._say(one_line(entry), entry)

    def line(self, line: str) -> None:
        """Say something about what was given, or that something failed; `line` is how text has it."""
        self._say(line)

    def close(self, code: int) -> None:
        """The tool ends with this exit code."""
        if self.format == "sarif":
            from .sarif import sarif_log

            print(json.dumps(sarif_log(self._kept, self.tool, code), indent=2), file=sys.stderr)

    def _say(self, line: str, entry: Diagnostic | None = None) -> None:
        if self.format == "text":
            print(line, file=sys.stderr)
            return
        found = finding(line, entry)
        if self.format == "json":
            print(json.dumps(found), file=sys.stderr)
        else:
            self._kept.append(found)


def _wanted(entry: Diagnostic, args: Namespace) -> bool:
    if entry.severity == "warning":
        return args.warn
    if entry.outcome == "silent":
        return False
    return args.remarks is True if entry.outcome == "note" else args.remarks is not False


def finding(line: str, entry: Diagnostic | None = None) -> dict[str, Any]:
    """A message as an object: severity and message, and where known the place, what it is about, and why."""
    match = _LINE.match(line)
    parts = match.groupdict() if match else {"severity": "error", "message": line}
    found: dict[str, Any] = {"severity": parts["severity"], "message": parts["message"]}
    if parts.get("file"):
        found["file"] = parts["file"]
    for name in ("line", "column"):
        if int(parts.get(name) or 0):
            found[name] = int(parts[name])
    if entry is not None and entry.function:
        found["function"] = entry.function
    if entry is not None and entry.severity == "remark":
        found["outcome"] = entry.outcome
        if entry.reason:
            found["reason"] = entry.reason
    if entry is not None:
        found["rule"] = rule_of(found)
    return found
