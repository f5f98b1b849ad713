"""Kernels of one grid that hand tensors to each other: what becomes one, and what is said of the rest."""

import re
from collections.abc import Sequence

import pytest
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.functions import KERNEL, parameters, program_functions
from dsv4_passes.diagnostics import Diagnostic, collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.transforms.fusion.fuse_stages import fuse_all
from tests.unit.kernels import DATA
from tests.unit.programs import Kernel, arrays, same_bits, text

TENSORS = {
    "x": "64x16xf32",
    "stage": "64x16xf32",
    "half": "64x16xf32",
    "out": "64x16xbf16",
    "sum": "64x16xf32",
}
MAKE = """
v = load(x, [b * 16, 0], "16x16xf32")
y = exp(v, "16x16xf32")
store(y, [b * 16, 0], stage)
"""
ROUND = """
y = load(stage, [b * 16, 0], "16x16xf32")
z = cast(y, "16x16xbf16", target_type=pl.BF16, mode="rint")
store(z, [b * 16, 0], out)
"""
COPY_OUT = """
y = load(stage, [b * 16, 0], "16x16xf32")
z = neg(y, "16x16xf32")
store(z, [b * 16, 0], sum)
"""


def make(body: str = MAKE, writes: Sequence[str] = ("stage",), **more: Sequence[str]) -> Kernel:
    return Kernel("make", 4, ["x"], writes, body, **more)


def write_back(body: str = ROUND, reads: Sequence[str] = ("stage",)) -> Kernel:
    return Kernel("write_back", 4, reads, ["out"], body)


def fused(source: str, tensors: dict[str, str] = TENSORS) -> tuple[ModuleOp, list[Diagnostic]]:
    """The program after fusing, which must compute the same bits, also when it is printed and read again."""
    before, after = parse_program(source, "p.py"), parse_program(source, "p.py")
    with collect() as diagnostics:
        fuse_all(after)
    verify_module(after)
    again = parse_program(program_text(after), "p.py")
    for module in (after, again):
        assert same_bits(before, module, arrays(tensors))
    return after, diagnostics.entries


def one_kernel(kernels: Sequence[Kernel], outputs: Sequence[str] = ("out",)) -> ModuleOp:
    """The program when all its kernels became one and nothing was refused."""
    module, said = fused(text(kernels, TENSORS, outputs))
    assert [e.outcome for e in said] == ["rewritten"] * (len(kernels) - 1)
    assert len(program_functions(module, KERNEL)) == 1
    return module


def count(module: ModuleOp, *names: str) -> list[int]:
    return [sum(op.name == f"pto.{name}" for op in module.walk()) for name in names]


# -- what becomes one -----------------------------------------------------------------------------------


def test_a_stage_and_its_write_back_are_one_kernel() -> None:
    module = one_kernel([make(), write_back()])
    assert count(module, "tload", "texp", "tcvt", "tstore") == [1, 1, 1, 1]
    (kernel,) = program_functions(module, KERNEL)
    assert [(p.name, p.direction) for p in parameters(kernel) if p.is_tensor] == [("x", "in"), ("out", "out")]


@pytest.mark.parametrize("side", ["producer", "consumer", "both"])
def test_loops_of_one_trip_are_no_loops(side: str) -> None:
    """As in `for c in pl.pipeline(0, 64, 64)`, whose variable is halved in an offset."""
    first = """
for c in range(0, 16, 16):
    v = load(x, [b * 16 + c // 2, c], "16x16xf32")
    y = exp(v, "16x16xf32")
    store(y, [b * 16, c // 2], stage)
"""
    second = """
for c in range(0, 16, 16):
    y = load(stage, [b * 16 + c, c // 2], "16x16xf32")
    z = cast(y, "16x16xbf16", target_type=pl.BF16, mode="rint")
    store(z, [b * 16, c], out)
"""
    kernels = [
        make(first if side != "consumer" else MAKE),
        write_back(second if side != "producer" else ROUND),
    ]
    assert count(one_kernel(kernels), "tload", "tstore") == [1, 1]


def test_several_stores_for_a_load() -> None:
    body = """
for r in range(0, 16, 4):
    v = load(x, [b * 16 + r, 0], "4x16xf32")
    y = exp(v, "4x16xf32")
    store(y, [b * 16 + r, 0], stage)
"""
    assert count(one_kernel([make(body), write_back()]), "tload", "tstore") == [4, 1]


def test_boxes_of_a_store() -> None:
    """Chunks of columns, as a product in chunks loads them, and some of the rows."""
    body = """
for c in range(0, 16, 8):
    for r in range(0, 16, 4):
        y = load(stage, [b * 16 + r, c], "4x8xf32")
        z = cast(y, "4x8xbf16", target_type=pl.BF16, mode="rint")
        store(z, [b * 16 + r, c], out)
"""
    assert count(one_kernel([make(), write_back(body)]), "tload", "tstore") == [1, 8]


@pytest.mark.parametrize(("rows", "cols"), [((0, 4), (0, 16)), ((0, 16), (0, 8)), ((12, 4), (0, 16))])
def test_what_is_left_of_a_store_that_another_one_wrote_over(
    rows: tuple[int, int], cols: tuple[int, int]
) -> None:
    """The rest of the first store is read from its own rows and columns, those that are left."""
    (row, height), (col, width) = rows, cols
    over = f"""
w = load(x, [b * 16, {col}], "{height}x{width}xf32")
m = neg(w, "{height}x{width}xf32")
store(m, [b * 16 + {row}, {col}], stage)
"""
    module = one_kernel([make(MAKE + over), write_back()])
    assert count(module, "tload", "tstore") == [2, 1]


def test_two_buffers_that_are_added() -> None:
    first = MAKE + 'w = neg(y, "16x16xf32")\nstore(w, [b * 16, 0], half)\n'
    second = ROUND.replace(
        "z = cast(y", "o = load(half, [b * 16, 0], '16x16xf32')\ns = add(y, o, '16x16xf32')\nz = cast(s"
    )
    second = second.replace("'", '"')
    module = one_kernel([make(first, ["stage", "half"]), write_back(second, ["stage", "half"])])
    assert count(module, "tload", "tadd", "tstore") == [1, 1, 1]


def test_chains_go_into_one_kernel() -> None:
    middle = Kernel("negate", 4, ["stage"], ["half"], COPY_OUT.replace("sum", "half"))
    module = one_kernel([make(), middle, write_back(ROUND.replace("stage", "half"), ["half"])])
    assert count(module, "tload", "texp", "tneg", "tcvt", "tstore") == [1, 1, 1, 1, 1]


def test_a_copy_is_forwarded_before_kernels_are_fused() -> None:
    """Else it would be part of one of two readers."""
    copy = Kernel("copy", 1, ["x"], ["half"], 'v = load(x, [0, 0], "64x16xf32")\nstore(v, [0, 0], half)')
    use = (
        MAKE
        + 'w = load(half, [b * 16, 0], "16x16xf32")\nu = add(w, y, "16x16xf32")\nstore(u, [b * 16, 0], sum)\n'
    )
    first = Kernel("make", 4, ["x", "half"], ["stage", "sum"], use)
    module, said = fused(text([copy, first, write_back()], TENSORS, ["sum", "out"]))
    assert [e.message.split(":")[0] for e in said] == [
        "'copy' only copies x",
        "'make' and 'write_back' are one kernel now, 'make_write_back'",
    ]
    assert len(program_functions(module, KERNEL)) == 1


@pytest.mark.parametrize(
    ("first", "second", "direction"),
    [
        ((), (), "out"),
        (("sum",), (), "inout"),
        ((), ("sum",), "inout"),
    ],
)
def test_a_tensor_of_both_has_the_direction_of_both(
    first: Sequence[str], second: Sequence[str], direction: str
) -> None:
    """Who keeps what is there, or reads it, needs it to come in."""
    a = make(MAKE + "store(v, [b * 16, 0], sum)\n", ["stage", "sum"], updates=first)
    body = COPY_OUT.replace("[b * 16, 0], sum", "[b * 16 + 8, 0], sum").replace("16x16", "8x16")
    b = Kernel("again", 4, ["stage"], ["sum"], body, second)
    module, _ = fused(text([a, b], TENSORS, ["sum"]))
    (kernel,) = program_functions(module, KERNEL)
    assert [p.direction for p in parameters(kernel) if p.name == "sum"] == [direction]
    assert f"sum: pl.{'Out' if direction == 'out' else 'InOut'}[" in program_text(module)


def test_a_tensor_that_one_writes_and_the_other_reads_goes_both_ways() -> None:
    a = make(MAKE + "store(v, [b * 16, 0], sum)\n", ["stage", "sum"])
    b = write_back(
        'u = load(sum, [b * 16, 0], "16x16xf32")\n'
        + ROUND.replace("cast(y", "cast(s").replace("z = ", 's = add(u, y, "16x16xf32")\nz = ', 1),
        ["stage", "sum"],
    )
    module, _ = fused(text([a, b], TENSORS, ["sum", "out"]))
    (kernel,) = program_functions(module, KERNEL)
    assert [p.direction for p in parameters(kernel) if p.name == "sum"] == ["inout"]


# -- what stays two, and what is said -------------------------------------------------------------------


def said_of(source: str, tensors: dict[str, str] = TENSORS) -> list[tuple[str, str]]:
    """What is refused: the remark behind its place, and the reason."""
    module, said = fused(source, tensors)
    assert len(program_functions(module, KERNEL)) > 1
    texts = [
        (re.sub(r"^.*?not fused: | \(what would lift it: .*\)$", "", str(e)), e.reason)
        for e in said
        if e.outcome == "refused"
    ]
    assert len(texts) == sum("not fused: " in str(e) for e in said)
    far = [str(e) for e in said if e.reason == "handed over from afar"]
    assert all("(what would lift it: " in text for text in far)
    return texts


def edited(kernels: Sequence[Kernel], outputs: Sequence[str], *changes: tuple[str, str]) -> str:
    """The program with some text of its orchestration changed."""
    source = text(kernels, TENSORS, outputs)
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return source


PAIR = [make(), write_back()]


def test_another_reader() -> None:
    other = Kernel("other", 4, ["stage"], ["sum"], COPY_OUT)
    assert said_of(text([make(), write_back(), other], TENSORS, ["out", "sum"])) == [
        ("'stage' is also read by 'other'", "other reader"),
        ("'write_back' stands between 'make' and 'other'", "kernel in between"),
    ]


def test_a_kernel_in_between() -> None:
    """It changes what the first one reads."""
    body = 'v = load(x, [b * 16, 0], "16x16xf32")\nw = neg(v, "16x16xf32")\nstore(w, [b * 16, 0], x)'
    between = Kernel("change", 4, [], ["x"], body, ["x"])
    assert said_of(text([make(), between, write_back()], TENSORS, ["x", "out"])) == [
        ("'change' stands between 'make' and 'write_back'", "kernel in between")
    ]


def test_a_kernel_in_between_that_does_not_mind_stays_where_it_is() -> None:
    body = 'v = load(x, [b * 16, 0], "16x16xf32")\nw = neg(v, "16x16xf32")\nstore(w, [b * 16, 0], sum)'
    between = Kernel("minus", 4, ["x"], ["sum"], body)
    module, said = fused(text([make(), between, write_back()], TENSORS, ["sum", "out"]))
    assert [e.outcome for e in said] == ["rewritten"]
    assert [f.sym_name.data for f in program_functions(module, KERNEL)] == ["minus", "make_write_back"]


def test_a_stage_that_comes_in() -> None:
    assert said_of(text(PAIR, TENSORS, ["out", "stage"])) == [
        ("'stage' is also read by 'func.return'", "other reader")
    ]


def test_a_stage_that_is_returned() -> None:
    tensor, out = "pl.Tensor[[64, 16], pl.FP32]", "pl.Tensor[[64, 16], pl.BF16]"
    more = f"out: pl.InOut[{out}]) -> tuple[{out}, {tensor}]:\n        stage:"
    source = edited(
        PAIR,
        ["out"],
        (f"out: pl.InOut[{out}]) -> {out}:\n        stage:", more),
        ("stage__v0)\n        return out__v1\n", "stage__v0)\n        return out__v1, stage__v0\n"),
    )
    assert said_of(source) == [("'stage' is also read by 'func.return'", "other reader")]


def test_rows_that_nobody_has_written() -> None:
    body = MAKE.replace(
        'y = exp(v, "16x16xf32")', 'w = slice(v, [8, 16], [0, 0], "8x16xf32")\ny = exp(w, "8x16xf32")'
    )
    assert said_of(text([make(body), write_back()], TENSORS, ["out"])) == [
        (
            "'write_back' loads element [8, 0] of 'stage', which nobody stores in 'make'",
            "not stored in one block",
        )
    ]


def test_a_stage_that_is_passed_twice() -> None:
    body = ROUND.replace("z = ", 'o = load(half, [b * 16, 0], "16x16xf32")\nz = ', 1)
    body = body.replace("cast(y", "cast(o")
    call = "self.write_back_spmd(out, stage__v0, {})"
    source = edited(
        [make(), write_back(body, ["stage", "half"])],
        ["out"],
        (call.format("half"), call.format("stage__v0")),
    )
    assert said_of(source) == [("'stage' is passed twice to 'write_back'", "other reader")]


def test_several_producers() -> None:
    body = 'v = load(x, [b * 16, 0], "8x16xf32")\nw = neg(v, "8x16xf32")\nstore(w, [b * 16, 0], stage)'
    change = Kernel("change", 4, ["x"], ["stage"], body, ["stage"])
    assert said_of(text([make(), change, write_back()], TENSORS, ["out"])) == [
        ("'change' changes 'stage' in place", "several producers"),
        ("'stage' is not written by 'change' alone", "several producers"),
    ]


def test_a_tensor_that_is_taken_in_two_ways() -> None:
    """Two pointers of one kernel never point to the same elements."""
    body = COPY_OUT.replace("[b * 16, 0], sum", "[b // 2 * 16, (b - 2 * (b // 2)) * 16], half")
    tensors = {**TENSORS, "half": "32x32xf32"}
    again = Kernel("again", 4, ["stage"], ["half"], body, ["half"])
    lines = text([make(), again], tensors, ["x", "half"]).splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "pl.tensor.create" in line)
    lines.insert(at, "        view: pl.Tensor[[32, 32], pl.FP32] = pl.tensor.reshape(x, [32, 32])\n")
    source = "".join(lines).replace("self.again_spmd(half,", "self.again_spmd(view,")
    source = source.replace("return x, half__v1", "return x, half")
    assert said_of(source, tensors) == [("'make' and 'again' take 'half' in two ways", "tensor passed twice")]


ATTRIBUTES = 'role=pl.Role.SubWorker, attrs={"%s": %s})'


@pytest.mark.parametrize("which", [0, 1])
def test_how_one_kernel_is_split_is_a_hint(which: int) -> None:
    parts = text(PAIR, TENSORS, ["out"]).split("role=pl.Role.SubWorker)")
    split = ATTRIBUTES % ("split", "pl.SplitMode.UP_DOWN")
    between = [split if i == which else "role=pl.Role.SubWorker)" for i in range(2)]
    module, _ = fused(parts[0] + between[0] + parts[1] + between[1] + parts[2])
    assert "attrs={" not in program_text(module).split("def make_write_back(")[0]
    module, _ = fused(split.join(parts))
    assert split in program_text(module)


def test_other_attributes_must_be_the_same() -> None:
    source = text(PAIR, TENSORS, ["out"])
    source = source.replace("role=pl.Role.SubWorker)", ATTRIBUTES % ("slots", "2"), 1)
    assert said_of(source) == [
        ("'make' and 'write_back' are declared with different attributes", "different attributes")
    ]


CALL = "        out__v1: pl.Tensor[[64, 16], pl.BF16] = self.write_back_spmd(out, stage__v0)\n"
INNER = "            out__r: pl.Tensor[[64, 16], pl.BF16] = self.write_back_spmd({out}, stage__v0)\n"
YIELD = "            out__v1: pl.Tensor[[64, 16], pl.BF16] = pl.yield_({out})\n"
IN_A_LOOP = (
    "        for t, (out__iter,) in pl.range(2, init_values=(out,)):\n"
    + INNER.format(out="out__iter")
    + YIELD.format(out="out__r")
)
IN_A_BRANCH = (
    "        n: pl.Scalar[pl.INDEX] = pl.tensor.dim(x, 0)\n        if n == 64:\n"
    + INNER.format(out="out")
    + YIELD.format(out="out__r")
    + "        else:\n"
    + YIELD.format(out="out")
)


@pytest.mark.parametrize("place", [IN_A_LOOP, IN_A_BRANCH], ids=["a loop", "a branch"])
def test_kernels_in_different_loops_or_branches(place: str) -> None:
    assert said_of(edited(PAIR, ["out"], (CALL, place))) == [
        (
            "'stage' goes from 'make' to 'write_back', but they are not in the same loop or branch",
            "handed over from afar",
        )
    ]


def test_a_stage_that_comes_out_of_a_loop() -> None:
    tensor = "pl.Tensor[[64, 16], pl.FP32]"
    call = f"        stage__v0: {tensor} = self.make_spmd(stage, x)\n"
    loop = (
        "        for t, (stage__iter,) in pl.range(2, init_values=(stage,)):\n"
        f"            stage__r: {tensor} = self.make_spmd(stage__iter, x)\n"
        f"            stage__v0: {tensor} = pl.yield_(stage__r)\n"
    )
    (found,) = said_of(edited(PAIR, ["out"], (call, loop)))
    assert found[0].endswith("but they are not in the same loop or branch")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("pl.tensor.reshape(stage__v0, [64, 16])", "it is a view of what the one stores"),
        ("pl.tensor.assemble(space, stage__v0, [0, 0])", "'dsv4.assemble' stands between them"),
    ],
)
def test_a_stage_that_goes_through_something_else(line: str, why: str) -> None:
    tensor = "pl.Tensor[[64, 16], pl.FP32]"
    lines = f"        space: {tensor} = pl.tensor.create([64, 16], dtype=pl.FP32)\n"
    lines += f"        other: {tensor} = {line}\n"
    found = said_of(edited(PAIR, ["out"], (CALL, lines + CALL.replace("stage__v0", "other"))))
    assert found == [(f"'stage' goes from 'make' to 'write_back', but {why}", "handed over from afar")]


def test_a_tensor_with_a_symbolic_extent_keeps_its_own_type() -> None:
    """A kernel says `[ROWS, 64]` of a tensor that was created as `[64, 64]` and is carried by a loop."""
    source = (DATA / "programs/symbolic_dim_create.py").read_text(encoding="utf-8")
    before, after = parse_program(source, "p.py"), parse_program(source, "p.py")
    assert fuse_all(after) == 1
    verify_module(after)
    inputs = arrays({"x": "64x64xf32"})
    for module in (after, parse_program(program_text(after), "p.py")):
        assert same_bits(before, module, inputs)
