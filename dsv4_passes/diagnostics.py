"""What the tools tell people: errors stop, warnings and remarks are collected and printed at the end.

Every message is one line, `file:line:col: error|warning|remark: text`. A remark belongs to a site: it
says what a pass did there and why that is exact, or why it left the site alone and what would lift it.
"""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from xdsl.dialects.builtin import FileLineColLoc, LocationAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from . import source_names as spelling

Severity = Literal["remark", "warning"]
RemarkKind = Literal["rewritten", "refused", "fact", "note", "summary", "unproved", "silent"]
"""What a message is about; what is silent is only counted."""


def one_line(text: object) -> str:
    """A message without line breaks: every diagnostic is one line."""
    return " ".join(str(text).split())


class UserError(Exception):
    """A failure that is the input's, told in one line; `location` may be unknown."""

    def __init__(self, message: str, location: LocationAttr | str | None = None):
        super().__init__(message)
        self.message = message
        self.location = location

    def __str__(self) -> str:
        where = self.location if isinstance(self.location, str) else location_text(self.location)
        return f"{where}: error: {self.message}" if where else f"error: {self.message}"


class PassFailure(Exception):
    """A failure that is ours, with the operation at which it happened."""

    def __init__(self, op: Operation, error: Exception):
        super().__init__(f"{op.name}: {type(error).__name__}: {error}".removesuffix(": "))
        self.location = op.location


@dataclass(frozen=True)
class Diagnostic:
    """One remark or warning. `site` is where, `outcome` what kind, for the summary of a batch."""

    severity: Severity
    message: str
    location: LocationAttr | None
    outcome: RemarkKind = "note"
    reason: str = ""
    function: str = ""
    """The name of the function that was being worked on, else of the one that the site stands in."""
    sites: int = 0
    """How many places where lanes move it is about."""

    def __str__(self) -> str:
        where = location_text(self.location)
        return f"{where}: {self.severity}: {self.message}" if where else f"{self.severity}: {self.message}"


@dataclass
class Diagnostics:
    """Collected diagnostics in the order they were made; a message at a place is kept once."""

    entries: list[Diagnostic] = field(default_factory=list[Diagnostic])
    _seen: set[Diagnostic] = field(default_factory=set[Diagnostic])

    def add(self, diagnostic: Diagnostic) -> None:
        if diagnostic not in self._seen:
            self._seen.add(diagnostic)
            self.entries.append(diagnostic)

    def withdraw(self, functions: Collection[str]) -> None:
        """Withdraw remarks about rewrites of these functions; refusals and warnings stay."""
        self.entries = [
            entry
            for entry in self.entries
            if entry.function not in functions
            or entry.outcome in ("refused", "fact", "silent")
            or entry.severity == "warning"
        ]
        self._seen = set(self.entries)


_FUNCTION: ContextVar[str] = ContextVar("function", default="")
_CURRENT: ContextVar[Diagnostics | None] = ContextVar("diagnostics", default=None)


@contextmanager
def collect() -> Generator[Diagnostics]:
    """Collect what passes say inside the `with`; outside of one, remarks go nowhere."""
    diagnostics = Diagnostics()
    token = _CURRENT.set(diagnostics)
    try:
        yield diagnostics
    finally:
        _CURRENT.reset(token)


@contextmanager
def about(function: str) -> Generator[None]:
    """Attribute messages inside the `with` to that function."""
    token = _FUNCTION.set(function)
    try:
        yield
    finally:
        _FUNCTION.reset(token)


def said() -> tuple[Diagnostic, ...]:
    """The messages so far; empty outside of `collect`."""
    current = _CURRENT.get()
    return () if current is None else tuple(current.entries)


def withdraw(functions: Collection[str]) -> None:
    """Withdraw remarks about rewrites of these functions, because they are restored."""
    if (current := _CURRENT.get()) is not None:
        current.withdraw(functions)


def _say(
    severity: Severity,
    op: Operation,
    message: str,
    outcome: RemarkKind = "note",
    reason: str = "",
    sites: int = 0,
) -> None:
    function = _FUNCTION.get() or _function_of(op)
    _add(Diagnostic(severity, message, op.location, outcome, reason, function, sites))


def _function_of(op: Operation) -> str:
    """The name of the function that an operation stands in, or is; empty for a module."""
    found: Operation | None = op
    while found is not None and not isinstance(found, FuncOp):
        found = found.parent_op()
    return found.sym_name.data if found is not None else ""


def _add(diagnostic: Diagnostic) -> None:
    if (current := _CURRENT.get()) is not None:
        current.add(diagnostic)


def repeat(diagnostic: Diagnostic) -> None:
    """Emit a message that was collected separately during a trial."""
    _add(diagnostic)


def note(op: Operation, message: str, reason: str = "", sites: int = 0) -> None:
    """Say something about a site that was neither rewritten nor refused."""
    _say("remark", op, message, "note", reason, sites)


def silent(op: Operation, message: str, reason: str, sites: int) -> None:
    """Count what is not worth a remark, for the summary of a program."""
    _say("remark", op, message, "silent", reason, sites)


def summary(op: Operation, message: str) -> None:
    """Say what became of a whole program."""
    _say("remark", op, message, "summary")


def unproved(op: Operation, message: str) -> None:
    """Say that something is written whose equality was not proved: whoever uses it has to know."""
    _say("remark", op, message, "unproved")


def rewritten(op: Operation, message: str, reason: str = "", sites: int = 0) -> None:
    """Say that something was rewritten, why that is exact, and what it saves; lanes move at `sites` of it."""
    _say("remark", op, message, "rewritten", reason, sites)


def refused(op: Operation, message: str, reason: str, sites: int = 0) -> None:
    """Say that something was left alone; `reason` is a short phrase that a summary can count."""
    _say("remark", op, message, "refused", reason, sites)


def about_facts(op: Operation, message: str) -> None:
    """Say which given arrays became facts and which did not: results depend on it."""
    _say("remark", op, message, "fact")


def warning(op: Operation, message: str) -> None:
    """Say that the input itself looks wrong, for instance that it reads uninitialised bytes."""
    _say("warning", op, message)


def location_text(location: LocationAttr | None) -> str:
    """`file:line:col` in the text that was read, or nothing where the place is not known.

    For an operation with a `loc(…)` of its own that is where the operation stands, not what it says.
    """
    if location is not None:
        location = spelling.position(location) or location
    if isinstance(location, FileLineColLoc):
        return f"{location.filename.data}:{location.line.data}:{location.column.data}"
    return ""
