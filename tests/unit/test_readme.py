"""What the README says is there, is there; and what is there is in the README."""

import re
from pathlib import Path

from dsv4_passes.universe import DSV4_UNIVERSE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_pass_is_in_the_table() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`((?:dsv4|pto)-[a-z-]+)`", row.split("|")[1])}
    assert named == set(DSV4_UNIVERSE.all_passes), "the table in README.md wants a row or has one too many"


def test_links_and_folders_are_there() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "examples" / "README.md"):
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
        for path in re.findall(r"\b(?:dsv4_passes|dialects|tests)/[\w/]+(?:\.\w+)?", text):
            assert (ROOT / path).exists(), f"{page.name}: {path}"
