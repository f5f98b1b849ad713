"""The remark about a site that stays as it is."""

from collections.abc import Sequence

from xdsl.ir import Operation, SSAValue

from dialects.pto.base import layout_of
from dsv4_passes.diagnostics import refused

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
