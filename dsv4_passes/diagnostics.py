"""What the tools tell people: errors stop, warnings and remarks are collected and printed at the end.

Every message is one line, `file:line:col: error|warning|remark: text`. A remark belongs to a site: it
says what a pass did there and why that is exact, or why it left the site alone and what would lift it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from xdsl.dialects.builtin import FileLineColLoc, LocationAttr
from xdsl.ir import Operation

from . import source_names as spelling

Severity = Literal["remark", "warning"]


class UserError(Exception):
    """A failure that is the input's, told in one line; `location` may be unknown."""

    def __init__(self, message: str, location: LocationAttr | str | None = None):
        super().__init__(message)
        self.message = message
        self.location = location

    def __str__(self) -> str:
        where = self.location if isinstance(self.location, str) else location_text(self.location)
        return f"{where}: error: {self.message}" if where else f"error: {self.message}"


@dataclass(frozen=True)
class Diagnostic:
    """One remark or warning. `site` is where, `outcome` what kind, for the summary of a batch."""

    severity: Severity
    message: str
    location: LocationAttr | None
    outcome: Literal["rewritten", "refused", "note"] = "note"
    reason: str = ""

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


def _add(diagnostic: Diagnostic) -> None:
    if (current := _CURRENT.get()) is not None:
        current.add(diagnostic)


def repeat(diagnostic: Diagnostic) -> None:
    """Say what was collected apart, while something was only tried."""
    _add(diagnostic)


def note(op: Operation, message: str) -> None:
    """Say something about a site that was neither rewritten nor refused."""
    _add(Diagnostic("remark", message, op.location))


def rewritten(op: Operation, message: str) -> None:
    """Say that a site was rewritten, why that is exact, and what it saves."""
    _add(Diagnostic("remark", message, op.location, "rewritten"))


def refused(op: Operation, message: str, reason: str) -> None:
    """Say that a site was left alone; `reason` is a short phrase that a summary can count."""
    _add(Diagnostic("remark", message, op.location, "refused", reason))


def warning(op: Operation, message: str) -> None:
    """Say that the input itself looks wrong, for instance that it reads bytes nobody wrote."""
    _add(Diagnostic("warning", message, op.location))


def location_text(location: LocationAttr | None) -> str:
    """`file:line:col` in the text that was read, or nothing where the place is not known.

    For an operation with a `loc(…)` of its own that is where the operation stands, not what it says.
    """
    if location is not None:
        location = spelling.position(location) or location
    if isinstance(location, FileLineColLoc):
        return f"{location.filename.data}:{location.line.data}:{location.column.data}"
    return ""
