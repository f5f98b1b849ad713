"""The four kernels of the corpus, kernels written by hand and the forms made of them mean the same."""

from functools import cache

import pytest
from xdsl.passes import PassPipeline
from xdsl.universe import Universe

from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import new_context, parse_text
from dsv4_passes.transforms.bind_facts import BindFactsPass
from dsv4_passes.validation.compare import compare_kernels
from dsv4_passes.validation.kernels import Comparable, comparables
from dsv4_passes.validation.verdict import ZERO_SIGN, Allowed
from tests.unit.kernels import DATA
from tests.unit.rotations import Rotation

FACTS = '"even_sel*" = "even"\n"odd_sel*" = "odd"\n'
FORMS = ("bit-pack", "bit-swap", "transpose", "mask-gather", "flat-gather", "row-gather", "scatter-pair")


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("facts") / "facts.toml"
    path.write_text(FACTS)
    return str(path)


@cache
def kernel_of(text: str, passes: str, facts: str) -> Comparable:
    """The only kernel of a text, behind some passes, in value form."""
    module = parse_text(text, "kernel.pto")
    with collect():
        BindFactsPass(facts, others="ignore").apply(new_context(), module)
        known = Universe.get_multiverse().all_passes
        PassPipeline(PassPipeline.parse_spec(known, passes).passes if passes else ()).apply(
            new_context(), module
        )
    (found,) = comparables(module).values()
    return found


def rope(name: str, facts: str, passes: str = "") -> Comparable:
    return kernel_of((DATA / f"rope_{name}" / f"rope_{name}.pto").read_text(), passes, facts)


def by_hand(name: str, facts: str) -> Comparable:
    return kernel_of((DATA / "handwritten" / f"{name}.pto").read_text(), "", facts)


def assert_equal(before: Comparable, after: Comparable, accepted: set[str]) -> None:
    """Proved, given no more than these conditions."""
    verdict = compare_kernels(before, after, Allowed(zero_sign=ZERO_SIGN in accepted), in_order=False)
    assert (verdict.outcome, verdict.reason) == ("proved", "")
    assert {condition.partition("(")[0] for condition in verdict.conditions} <= accepted


def conditions(*names: str) -> set[str]:
    """One of them has products, which need finite numbers."""
    return {ZERO_SIGN, *(["FIN"] if "a" in names else [])}


@pytest.mark.parametrize("pair", ["ab", "bc", "cd", "da"])
def test_the_four_ropes_are_equal_up_to_the_sign_of_zero(pair: str, facts: str) -> None:
    assert_equal(
        rope(pair[0], facts), rope(pair[1], facts), {"FIN", ZERO_SIGN} if "a" in pair else {ZERO_SIGN}
    )


@pytest.mark.parametrize(("name", "form"), list(zip("cbdcbda", FORMS, strict=True)))
def test_a_form_of_one_rope_is_another_rope(name: str, form: str, facts: str) -> None:
    made = rope(name, facts, f"dsv4-rope{{chip=a3 form={form}}}")
    assert_equal(
        rope("b" if name != "b" else "c", facts), made, {"FIN", ZERO_SIGN} if name == "a" else {ZERO_SIGN}
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_what_was_written_by_hand(form: str, facts: str) -> None:
    """Halves of tables: the kernels that pack words; whole tables with signs: the one that swaps them."""
    passes = f"dsv4-lower-lanes{{chip=a3 form={form}}}"
    halves = kernel_of(Rotation(rows=64).text(), passes, facts)
    for name in ("bitpack_rope", "bitpack_rope_l2"):
        assert_equal(halves, by_hand(name, facts), {ZERO_SIGN})
    whole = kernel_of(Rotation(rows=64, full_width=True, flags=" signed").text(), passes, facts)
    assert_equal(whole, by_hand("bitswap_rope", facts), {ZERO_SIGN})


def test_another_rotation_is_not_what_was_written_by_hand(facts: str) -> None:
    other = kernel_of(Rotation(rows=64, flags=" inverse").text(), "dsv4-lower-lanes{chip=a3}", facts)
    verdict = compare_kernels(other, by_hand("bitpack_rope", facts), Allowed(zero_sign=True), in_order=False)
    assert verdict.outcome == "different"
