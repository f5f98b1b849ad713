"""The remark about a site that stays as it is, and about several that one missing fact keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.ir import Operation, SSAValue

from dialects.pto.base import layout_of
from dsv4_passes.diagnostics import location_text, refused

PARTLY_VALID = "not all of the tile is valid"


def say_stays(
    value: SSAValue,
    site: str,
    unknown: tuple[str, str] | None,
    reasons: Sequence[str],
    otherwise: tuple[str, str],
) -> None:
    """Say that a site stays, because of the first of these that holds: something is not known, forms failed
    for `reasons`, the tile is partly valid, or `otherwise`. Pairs are a sentence and a few words to count.
    """
    op = value.owner
    assert isinstance(op, Operation)
    if unknown is not None:
        text, kind = unknown
    elif reasons:
        text, kind = "; ".join(reasons), reasons[0]
    elif not layout_of(value).full:
        text = kind = PARTLY_VALID
    else:
        text, kind = otherwise
    refused(op, f"{site} stays: {text}", kind, sites=1)


@dataclass
class MissingFacts:
    """The sites of a function that stay because something is not known, by what that is."""

    sites: dict[tuple[str, str], dict[Operation, str]] = field(
        default_factory=dict[tuple[str, str], dict[Operation, str]]
    )

    def note(self, op: Operation, site: str, unknown: tuple[str, str]) -> None:
        """A site, and what is not known of it: a sentence and a few words to count."""
        self.sites.setdefault(unknown, {})[op] = site

    def say(self) -> None:
        """One remark for everything that is missing, at the first of its sites, which names the others."""
        for (text, kind), found in self.sites.items():
            (op, site), *others = reversed(found.items())  # sites are visited from the last
            places = {location_text(other.location).partition(":")[2]: what for other, what in others}
            also = "".join(f", {what} at {place}" for place, what in places.items() if place)
            refused(op, f"{site}{also} {'stay' if also else 'stays'}: {text}", kind, sites=len(found))
