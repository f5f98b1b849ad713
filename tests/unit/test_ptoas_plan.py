"""What ptoas takes of vector memory where it plans itself: the numbers are those of ptoas 0.60, which printed
its plans of these texts.
"""

import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.targets import chip, ptoas
from dsv4_passes.transforms.lanes.form_choice import lower, whole_layout
from dsv4_passes.transforms.lanes.forms import LANE_FORMS
from dsv4_passes.transforms.lanes.lower_lanes import LowerLanesPass
from dsv4_passes.transforms.lanes.narrow import LANE_OPERATIONS
from dsv4_passes.transforms.lowering import lower_tiles
from dsv4_passes.transforms.lowering.dry_run import memory_problem
from dsv4_passes.transforms.lowering.lower_tiles import lower_function
from dsv4_passes.transforms.lowering.ptoas_plan import PlannedMemory, planned_memory
from tests.unit.kernels import kernel
from tests.unit.test_lane_forms import TARGETS, module

A3, PTOAS = chip("a3"), ptoas("0.60")


def planned(function: func.FuncOp, arch: str = "a3") -> PlannedMemory:
    return planned_memory(function, chip(arch), PTOAS)["vec"]


def function_of(parsed: ModuleOp) -> func.FuncOp:
    return next(op for op in parsed.walk() if isinstance(op, func.FuncOp))


def buffer_form(text: str) -> func.FuncOp:
    return function_of(parse_text(text, "test.pto"))


@pytest.mark.parametrize(
    ("arch", "form", "operation", "shape", "taken", "beside"),
    [
        ("a3", "bit-pack", "deinterleave", (32, 256, "bf16"), 65536, True),
        ("a3", "mask-gather", "deinterleave", (128, 128, "f32"), 131072, False),
        ("a3", "index-scatter", "interleave", (128, 64, "f32"), 115456, True),
        ("a5", "scatter-pair", "interleave", (64, 256, "f16"), 98304, True),
        ("a3", "scatter-pair", "interleave", (256, 128, "f32"), 393216, True),
        ("a3", "transpose", "swap_pairs", (64, 128, "f32"), 196608, True),
    ],
)
def test_plan_of_a_form(
    monkeypatch: pytest.MonkeyPatch,
    arch: str,
    form: str,
    operation: str,
    shape: tuple[int, int, str],
    taken: int,
    beside: bool,
) -> None:
    """Where the ends of lives are lost, ptoas itself says less: tiles that are alive share bytes then."""
    monkeypatch.setattr(lower_tiles, "_check_plan", lambda *_: None)
    target = next(target for target in TARGETS if target.chip.name == chip(arch).name)
    parsed = module(arch, operation, *shape)
    function = function_of(parsed)
    (site,) = [op for op in parsed.walk() if isinstance(op, LANE_OPERATIONS)]
    forms = [one for one in LANE_FORMS if (one.name, one.operation) == (form, operation)]
    legal = [one for one in forms if one.refuse(target, whole_layout(site)) is None]
    lower(function, target, "halves", True, (), legal[:1])
    lower_function(function, arch, "0.60", "level2")
    assert planned(function, arch)[:2] == (taken, beside)


def test_what_ptoas_plans_is_made_small_enough() -> None:
    """What would fit with addresses, but not as ptoas plans it, works on less rows at a time."""
    parsed = module("a3", "interleave", 256, 128, "f32")
    with_addresses = parsed.clone()
    with collect():
        LowerLanesPass("scatter-pair", level="level2").apply(Context(), parsed)
        LowerLanesPass("scatter-pair", level="level3").apply(Context(), with_addresses)
    problem = memory_problem(function_of(with_addresses), "a3", level="level2")
    assert problem is not None
    assert "196608 bytes of vec memory as ptoas plans it" in problem.why
    assert memory_problem(function_of(parsed), "a3", level="level2") is None


ALLOCATED = "\n".join(f"%{name} = pto.alloc_tile : B<64x128xf32>" for name in "abcdef")
ONE_AFTER_THE_OTHER = """
    %a : B<64x128xf32> := load x
    pto.tadd ins(%a, %a : B<64x128xf32>, B<64x128xf32>) outs(%b : B<64x128xf32>)
    pto.tadd ins(%b, %b : B<64x128xf32>, B<64x128xf32>) outs(%c : B<64x128xf32>)
    pto.tadd ins(%c, %c : B<64x128xf32>, B<64x128xf32>) outs(%d : B<64x128xf32>)
    pto.tadd ins(%d, %d : B<64x128xf32>, B<64x128xf32>) outs(%e : B<64x128xf32>)
    pto.tadd ins(%e, %e : B<64x128xf32>, B<64x128xf32>) outs(%f : B<64x128xf32>)
    store %f : B<64x128xf32> to y
"""


@pytest.mark.parametrize(
    ("change", "taken", "beside"),
    [
        (("", ""), 98304, False),
        (("pto.tadd ins(%b, %b", "SEEN pto.tadd ins(%s, %s"), 98304, False),
        (("pto.tadd ins(%b, %b", "SEEN pto.tadd ins(%s, %b"), 98304, False),
        (("pto.tadd ins(%c, %c", "SEEN pto.tadd ins(%s, %c"), 98304, False),
        (
            (
                "pto.tadd ins(%b, %b",
                "SEEN pto.tmuls ins(%s, %f1 : B<64x128xf32>, f32) outs(%c : B<64x128xf32>)\n"
                "pto.tadd ins(%b, %b",
            ),
            196608,
            True,
        ),
    ],
)
def test_lives_of_tiles(change: tuple[str, str], taken: int, beside: bool) -> None:
    """A result shares no bytes with what it is computed from, others do; unless the end of a life is lost."""
    seen = "%s = pto.treshape %b : B<64x128xf32> -> B<64x128xf32>\n"
    body = ONE_AFTER_THE_OTHER.replace(*change, 1).replace("SEEN", seen)
    tiles = "%f1 = arith.constant 1.0 : f32\n" + ALLOCATED
    function = buffer_form(kernel(tiles + body, x="64x128xf32", y="64x128xf32"))
    assert planned(function)[:2] == (taken, beside)


def test_what_is_in_front_of_a_loop_lives_until_its_end() -> None:
    body = ONE_AFTER_THE_OTHER.replace("%a : B<64x128xf32> := load x", "%a : B<64x128xf32> := load x\nLOOP{")
    body = body.replace("store", "}\nstore").replace("LOOP", "scf.for %i = %c0 to %c1 step %c1 ")
    function = buffer_form(kernel(ALLOCATED + body, x="64x128xf32", y="64x128xf32"))
    assert planned(function)[:2] == (196608, False)
