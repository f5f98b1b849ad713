"""Ids of messages: the rules that reports and code reviews count by."""

import re
from collections.abc import Mapping
from typing import Any


def rule_of(found: Mapping[str, Any]) -> str:
    """What a message is about, as an id that does not change with its wording."""
    kind = str(found.get("outcome", found["severity"])).replace(" ", "-")
    reason = re.sub(r"[^a-z0-9]+", "-", str(found.get("reason", "")).lower()).strip("-")
    return f"{kind}/{reason}" if reason else kind
