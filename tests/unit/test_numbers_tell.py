"""Where terms of both sides rest on things without a formula, numbers are tried before anything is written."""

# ruff: noqa: E501  (types make long lines)

from dataclasses import replace

import pytest

from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.validation.modules import compare_modules
from dsv4_passes.validation.numbers import tell
from dsv4_passes.validation.verdict import Allowed
from tests.unit.kernels import kernel

BODY = """
    %x = load x
    %y = pto.OP ins(%x : T<8x16xf32>) -> T<8x16xf32>
    store %y to y"""


def text(op: str) -> str:
    return kernel(BODY.replace("OP", op), x="8x16xf32", y="8x16xf32")


@pytest.mark.parametrize(("other", "outcome"), [("texp", "undecided"), ("tlog", "different")])
def test_numbers_are_tried(other: str, outcome: str) -> None:
    before, after = text("texp"), text(other)
    (verdict,) = compare_modules(parse_text(before, "k.pto"), parse_text(after, "after.pto"))
    asked = replace(verdict, outcome="undecided", reason="it rests on something", without_formula=True)
    (told,) = tell([asked], parse_text(before, "k.pto"), parse_text(after, "after.pto"), Allowed(), 6)
    assert told.outcome == outcome
    assert ("6 inputs give the same bits" if outcome == "undecided" else "is ") in told.reason
    (untold,) = tell([verdict], parse_text(before, "k.pto"), parse_text(after, "after.pto"), Allowed(), 6)
    assert untold == verdict


def test_a_message_names_the_operation_without_a_formula() -> None:
    """Scatters by an index of which nothing is known, of other numbers: equal operands give equal terms."""
    body = """
    %x = load x
    %i = load i
    %q = pto.tneg ins(%x : T<8x16xf32>) -> T<8x16xf32>
    %y = pto.tscatter ins(%SOURCE, %i : T<8x16xf32>, T<8x16xi32>) -> T<8x16xf32>
    store %y to y"""
    given = {"x": "8x16xf32", "i": "8x16xi32", "y": "8x16xf32"}
    read, other = (kernel(body.replace("SOURCE", name), **given) for name in ("x", "q"))
    (verdict,) = compare_modules(parse_text(read, "k.pto"), parse_text(read, "k.pto"))
    assert verdict.outcome == "proved"
    (verdict,) = compare_modules(parse_text(read, "k.pto"), parse_text(other, "k.pto"))
    assert verdict.outcome == "undecided"
    line = next(i for i, text in enumerate(read.splitlines(), 1) if "tscatter" in text)
    said = (
        f"rests on 'pto.tscatter' in line {line}: there is no formula for that, and it is given other terms"
    )
    assert said in verdict.reason
