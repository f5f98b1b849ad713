"""What `guard=contract-rounding` may drop: roundings to the nearest bf16, and nothing else."""

import pytest

from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.validation.modules import compare_modules
from dsv4_passes.validation.verdict import ROUNDING, Allowed
from tests.unit.kernels import kernel

F, H, INDEX = "T<8x32xf32>", "T<8x32xbf16>", "T<8x32xi32>"


def body(*steps: str) -> str:
    """x*x through the steps: rounding modes there and back, the name of an operation, or a gather of lanes
    that are not known.
    """
    lines, last = [f"%x = load x\n%v0 = pto.tmul ins(%x, %x : {F}, {F}) -> {F}"], "%v0"
    for i, step in enumerate(steps, 1):
        if step == "gather":
            lines.append(f"%i{i} = load i\n%v{i} = pto.tgather ins({last}, %i{i} : {F}, {INDEX}) -> {F}")
        elif step.islower():
            lines.append(f"%v{i} = pto.{step} ins({last} : {F}) -> {F}")
        else:
            lines.append(f"%h{i} = pto.tcvt ins({last} {{rmode = #pto<round_mode {step}>}} : {F}) -> {H}")
            lines.append(f"%v{i} = pto.tcvt ins(%h{i} {{rmode = #pto<round_mode RINT>}} : {H}) -> {F}")
        last = f"%v{i}"
    return kernel("\n".join([*lines, f"store {last} to y"]), x="8x32xf32", i="8x32xi32", y="8x32xf32")


@pytest.mark.parametrize(
    ("before", "after", "equal"),
    [
        (["RINT"], [], True),
        (["ROUND"], [], True),
        (["RINT", "TRUNC"], ["TRUNC"], True),
        (["ROUND", "tneg", "FLOOR"], ["tneg", "FLOOR"], True),
        (["RINT", "texp", "RINT"], ["texp", "RINT"], True),
        (["RINT", "texp", "RINT"], ["texp"], True),
        (["RINT", "gather"], ["gather"], True),
        (["RINT", "gather", "texp", "gather", "FLOOR"], ["gather", "texp", "gather", "FLOOR"], True),
        (["TRUNC", "gather"], ["gather"], False),
        (["gather"], ["RINT", "gather"], False),
        (["RINT", "tneg", "gather"], ["gather"], False),
        (["TRUNC"], [], False),
        (["FLOOR", "texp"], ["texp"], False),
        ([], ["RINT"], False),
        (["texp"], ["RINT", "texp"], False),
        (["RINT"], ["tneg"], False),
        (["texp", "TRUNC"], ["texp", "FLOOR"], False),
    ],
)
def test_roundings_to_nearest_may_go(before: list[str], after: list[str], equal: bool) -> None:
    read, written = (parse_text(body(*steps), "k.pto") for steps in (before, after))
    (verdict,) = compare_modules(read, written, Allowed(rounding=True))
    different = "undecided" if "gather" in before and "gather" in after else "different"
    assert verdict.outcome == ("proved" if equal else different)
    assert (ROUNDING in verdict.conditions) == equal
