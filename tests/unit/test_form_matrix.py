"""Every form of a rotation is raised again, and so becomes every other form, and stays what it is."""

from collections import Counter
from dataclasses import replace

import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.lanes import LaneOp, RotatePairsOp
from dialects.pto.base import TileOp
from dialects.pto.tiles import BitcastOp, SubviewOp, TReshapeOp
from dsv4_passes.diagnostics import collect
from dsv4_passes.equivalence.lanes import lane_difference
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.transforms.bind_facts import bind_toml
from dsv4_passes.transforms.lanes.fold_lanes import FoldLanesPass
from dsv4_passes.transforms.lanes.lower_lanes import LowerLanesPass
from dsv4_passes.transforms.lanes.raise_lanes import RaiseLanesPass
from dsv4_passes.transforms.lanes.ways import STYLES, FormName
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from dsv4_passes.transforms.rope import RopePass
from tests.unit.kernels import DATA
from tests.unit.rotations import Rotation
from tests.unit.test_lower_lanes import ROTATIONS

MOVES = set("tgather tscatter ttrans tshls tshrs tor tand tands tsel tmov".split())
FORMS = list(STYLES)
BOTH_LEVELS = ("bf16", "bf16-signed", "f32-few-rows", "bf16-dynamic", "f16")
CASES = [(name, arch, "level3") for name in ROTATIONS for arch in ("a2a3", "a5")]
CASES += [(name, "a2a3", "level2") for name in BOTH_LEVELS]


def small(rotation: Rotation, arch: str) -> Rotation:
    """The rotation on as few rows as transposes take."""
    if rotation.rows != 32:
        return replace(rotation, arch=arch)
    return replace(rotation, arch=arch, rows=16, valid=12 if rotation.valid else None)


@pytest.mark.parametrize(("name", "arch", "level"), CASES)
def test_every_form_is_raised_to_the_rotation(name: str, arch: str, level: str) -> None:
    """Lowered in any form and written as buffers, it is read back as one rotation and nothing else."""
    text, seen = small(ROTATIONS[name], arch).text(), set[str]()
    with collect():
        for form in FORMS:
            module = parse_text(text, "test.mlir")
            LowerLanesPass(form).apply(Context(), module)
            if (lowered := str(module)) in seen:  # forms that do not go write what others do
                continue
            seen.add(lowered)
            PtoLowerPass(arch, "0.60", level, "buffer").apply(Context(), module)  # pyright: ignore[reportArgumentType]
            windows = [op for op in module.walk() if isinstance(op, SubviewOp)]
            casts = [op for op in windows if isinstance(op.source.owner, (TReshapeOp, BitcastOp))]
            assert not casts, f"{form}: ptoas takes no window of a cast"
            again = parse_text(str(module), "test.pto")
            for pass_ in (PtoRaisePass(), RaiseLanesPass(), FoldLanesPass()):
                pass_.apply(Context(), again)
            assert [type(op) for op in again.walk() if isinstance(op, LaneOp)] == [RotatePairsOp], form
            assert not MOVES & {op.mnemonic() for op in again.walk() if isinstance(op, TileOp)}, form


# -- kernels -----------------------------------------------------------------------------------------

KERNELS = {
    "rope_a": "rope_a/rope_a.pto",
    "rope_b": "rope_b/rope_b.pto",
    "rope_c": "rope_c/rope_c.pto",
    "rope_d": "rope_d/rope_d.pto",
    "unrotate": "mixed/unrotate.pto",
    "head_rotate": "staged/head_rotate.pto",
    "reassemble": "staged/reassemble.pto",
}
SELECTORS = ("rope_a", "unrotate", "reassemble")
FACTS = '"even_select*" = "even"\n"odd_select*" = "odd"\n'


def converted(text: str, form: FormName, arch: str, facts: str | None = None) -> str:
    """A kernel's text with its lanes moved in one form."""
    module = parse_text(text, "test.pto")
    with collect():
        if facts is not None:
            bind_toml(module, facts)
        RopePass(arch, "0.60", form=form).apply(Context(), module)
    return str(module)


def work(text: str) -> Counter[str]:
    """The tile operations of a text. Whether a zero that is used twice is filled once, and two tiles are
    converted by one operation, hangs on the order they come in.
    """
    names = (op.mnemonic() for op in parse_text(text, "test.pto").walk() if isinstance(op, TileOp))
    return Counter(name for name in names if name not in ("texpands", "tcvt"))


def values(text: str) -> func.FuncOp:
    module = parse_text(text, "test.pto")
    PtoRaisePass().apply(Context(), module)
    return next(op for op in module.walk() if isinstance(op, func.FuncOp))


@pytest.mark.parametrize(("name", "arch"), [(name, ("a3", "a5")[i % 2]) for i, name in enumerate(KERNELS)])
def test_every_form_becomes_every_other_one(name: str, arch: str, tmp_path: object) -> None:
    """Each form is made into another one and is then what that one is made directly, term by term; other
    kernels meet other pairs. Made into itself it stays, to the letter.
    """
    (facts := DATA.__class__(str(tmp_path)) / "facts.toml").write_text(FACTS)
    given = str(facts) if name in SELECTORS else None
    text = (DATA / KERNELS[name]).read_text().replace('"a2a3"', f'"{arch}"')
    forms: dict[FormName, str] = {
        form: converted(text, form, arch, given) for form in FORMS if (name, form) != ("reassemble", "auto")
    }
    texts: dict[str, FormName] = {text: form for form, text in forms.items()}
    names = list(texts.values())  # forms that do not go write what others do
    step = 1 + list(KERNELS).index(name) % (len(names) - 1)
    for number, form in enumerate(names):
        other = names[(number + step) % len(names)]
        became = converted(forms[form], other, arch)
        assert work(became) == work(forms[other]), (form, other)
        assert lane_difference(values(became), values(forms[other])) is None
        if number % 2 == 0:
            assert converted(forms[form], form, arch) == forms[form], form


def test_every_form_of_a_program_becomes_the_next_one() -> None:
    """In value form, as kernels of programs stay, from one run to the next."""
    program = parse_program((DATA / "programs" / "preserve_blend.py").read_text(), "test.py")

    def in_form(module: ModuleOp, form: FormName) -> ModuleOp:
        copy = module.clone()
        with collect():
            RopePass("a3", form=form).apply(Context(), copy)
        return copy

    def kernel_of(module: ModuleOp) -> func.FuncOp:
        return next(
            op for op in module.walk() if isinstance(op, func.FuncOp) and op.sym_name.data == "attend"
        )

    forms = {form: in_form(program, form) for form in FORMS}
    for number, form in enumerate(FORMS):
        other = FORMS[(number + 1) % len(FORMS)]
        became = in_form(forms[form], other)
        assert work(str(became)) == work(str(forms[other])), (form, other)
        assert lane_difference(kernel_of(became), kernel_of(forms[other])) is None
