"""What a proof may not assume: that what only one run records is equal, that a store has run, that a
declaration tells the truth, that an argument keeps its content, that an index is not negative.
"""

import pytest
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.launch import LaunchOp
from dialects.pto.memory import TStoreOp
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.equivalence.comparison import Difference
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.equivalence.lanes import LaneContext, lane_difference, run_lanes
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.interpreter import affine
from dsv4_passes.interpreter.affine import Affine
from dsv4_passes.transforms.fusion.forward_copies import forward_copies
from dsv4_passes.transforms.mixed.join_mixed import join_all
from dsv4_passes.transforms.program.drop_dead_stores import drop_dead_stores
from dsv4_passes.validation.kernels import comparables
from dsv4_passes.validation.program_terms import RunBudget, TermBlocks
from tests.unit.kernels import function, kernel
from tests.unit.programs import Kernel, arrays, program, same_bits, text

X = "8x16xf32"


def with_index(body: str) -> str:
    """A kernel on `x` and `y` that also takes an index %n; `ROUND(%a)` stands for %a rounded to bf16."""
    lines: list[str] = []
    for line in body.splitlines():
        if "ROUND(" in line:
            result, given = line.strip().removesuffix(")").split(" = ROUND(")
            rounding = "{rmode = #pto<round_mode RINT>}"
            lines.append(f"{result}_h = pto.tcvt ins({given} {rounding} : T<{X}>) -> T<8x16xbf16>")
            lines.append(f"{result} = pto.tcvt ins({result}_h {rounding} : T<8x16xbf16>) -> T<{X}>")
        else:
            lines.append(line)
    made = kernel("\n".join(lines), x=X, y=X)
    return made.replace("%__pypto_spmd_block_idx: i32", "%__pypto_spmd_block_idx: i32, %n: index")


def difference(before: str, after: str) -> Difference | None:
    return lane_difference(function(with_index(before)), function(with_index(after)))


# -- values that loops carry --------------------------------------------------------------------------------


def tiles_carried(ends: str, init: str = "%a, %b") -> str:
    """A loop of n trips that stores what two tiles it carries differ by, and goes on with `ends`."""
    first, second = init.split(", ")
    return f"""
%a = load x
%b = pto.tneg ins(%a : T<{X}>) -> T<{X}>
%r, %r2 = scf.for %i = %c0 to %n step %c1 iter_args(%p = {first}, %q = {second}) -> (T<{X}>, T<{X}>) {{
%s = pto.tsub ins(%p, %q : T<{X}>, T<{X}>) -> T<{X}>
store %s to y
%f = ROUND(%p)
%g = pto.tneg ins(%p : T<{X}>) -> T<{X}>
scf.yield {ends} : T<{X}>, T<{X}>
}}"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("%f, %q", "%p, %q"),
        ("%q, %p", "%p, %q"),
        ("%g, %q", "%p, %q"),
        ("%p, %f", "%p, %q"),
        ("%f, %q", "%g, %q"),
    ],
)
def test_a_trip_that_changes_what_it_carries_is_not_one_that_does_not(one: str, other: str) -> None:
    # What no trip changes is what it was before the loop: then a store differs.
    kinds = {"a value that a loop carries changes differently", "element 0 of argument 1 differs"}
    for before, after in ((one, other), (other, one)):
        found = difference(tiles_carried(before), tiles_carried(after))
        assert found is not None
        assert found.message in kinds
    assert difference(tiles_carried(one), tiles_carried(one)) is None


def test_a_carried_value_that_nobody_reads_may_be_any() -> None:
    text = tiles_carried("%p, %q").replace("store %s to y", "store %p to y")
    assert difference(text.replace("yield %p, %q", "yield %p, %f"), text) is None


def test_values_that_start_alike_are_told_apart() -> None:
    one, other = tiles_carried("%f, %q", "%a, %a"), tiles_carried("%p, %f", "%a, %a")
    assert difference(one, other) is not None
    assert difference(other, one) is not None
    assert difference(one, one) is None


@pytest.mark.parametrize("end", ["%more", "%c0", "%i"])
def test_carried_numbers_count_too(end: str) -> None:
    def text(end: str) -> str:
        return f"""
%a = load x
%r = scf.for %i = %c0 to %n step %c1 iter_args(%p = %c1) -> (index) {{
%more = arith.addi %p, %c1 : index
%big = arith.cmpi sgt, %p, %c4 : index
scf.if %big {{
store %a to y
}}
scf.yield {end} : index
}}"""

    for before, after in ((end, "%p"), ("%p", end)):
        assert difference(text(before), text(after)) is not None


def test_what_no_trip_changes_is_what_it_was_before_the_loop() -> None:
    through = tiles_carried("%p, %q") + "\nstore %r2 to y"
    around = tiles_carried("%p, %q") + "\nstore %b to y"
    assert difference(through, around) is None


def test_what_no_trip_changes_is_known_within_the_loop() -> None:
    """Also where a branch or a loop inside passes it on."""
    branch = f"""%more = scf.if %is -> (T<{X}>) {{
scf.yield %p : T<{X}>
}} else {{
scf.yield %p : T<{X}>
}}
scf.yield %more, %q"""
    inner = f"""%more = scf.for %j = %c0 to %n step %c1 iter_args(%w = %p) -> (T<{X}>) {{
scf.yield %w : T<{X}>
}}
scf.yield %more, %q"""
    head = "%is = arith.cmpi sgt, %n, %c4 : index\n"
    around = head + tiles_carried("%p, %q").replace("ins(%p, %q :", "ins(%a, %b :")
    for end in (branch, inner):
        through = head + tiles_carried("%p, %q").replace("scf.yield %p, %q", end)
        assert difference(through, around) is None
        end = end.replace("yield %p", "yield %f").replace("yield %w", "yield %b")
        changed = head + tiles_carried("%p, %q").replace("scf.yield %p, %q", end)
        assert difference(changed, around) is not None


def test_what_a_loop_copies_around_and_back_is_not_changed() -> None:
    def text(end: str) -> str:
        return f"""
%a = load x
%b = pto.tneg ins(%a : T<{X}>) -> T<{X}>
%r, %r2 = scf.for %i = %c0 to %n step %c1 iter_args(%p = %a, %q = %b) -> (T<{X}>, T<{X}>) {{
%t = pto.tmov ins(%p : T<{X}>) -> T<{X}>
%u = pto.tmov ins(%t : T<{X}>) -> T<{X}>
%v = pto.tmov ins(%q : T<{X}>) -> T<{X}>
store %u to y
scf.yield {end} : T<{X}>, T<{X}>
}}"""

    copied = text("%u, %v")
    assert difference(copied, text("%p, %q")) is None
    assert difference(copied, text("%v, %u")) is not None
    assert difference(text("%v, %u"), copied) is not None


def test_the_shape_in_which_a_loop_carries_lanes_does_not_matter() -> None:
    def text(shape: str, end: str = "%g", reshaped: str = "%a") -> str:
        tile, there, back = f"T<{shape}>", f"T<{X}> -> T<{shape}>", f"T<{shape}> -> T<{X}>"
        return f"""
%a = load x
%b = pto.tneg ins(%a : T<{X}>) -> T<{X}>
%s = pto.reshape {reshaped} : {there}
%r = scf.for %i = %c0 to %n step %c1 iter_args(%p = %s) -> ({tile}) {{
%g = pto.tneg ins(%p : {tile}) -> {tile}
%h = pto.tmul ins(%p, %p : {tile}, {tile}) -> {tile}
scf.yield {end} : {tile}
}}
%t = pto.reshape %r : {back}
store %t to y"""

    assert difference(text(X), text("4x32xf32")) is None
    assert difference(text(X), text("4x32xf32", end="%h")) is not None
    assert difference(text(X), text("4x32xf32", reshaped="%b")) is not None


def test_a_loop_that_changes_an_extent_is_not_followed() -> None:
    body = f"""
%a = load x
%s = pto.set_validshape %a, %c4, %c16 : T<{X}> -> T<8x16xf32, valid=?x?>
%r = scf.for %i = %c0 to %n step %c1 iter_args(%p = %s) -> (T<8x16xf32, valid=?x?>) {{
%w = pto.set_validshape %a, %c8, %c16 : T<{X}> -> T<8x16xf32, valid=?x?>
scf.yield %w : T<8x16xf32, valid=?x?>
}}
store %a to y"""
    with pytest.raises(UserError, match="changes the valid extent of a tile that it carries"):
        run_lanes(function(with_index(body)))


# -- arguments --------------------------------------------------------------------------------------------


def test_an_index_argument_may_be_negative() -> None:
    def branches(when_negative: str) -> str:
        return f"""
%a = load x
%h = ROUND(%a)
%neg = arith.cmpi slt, %n, %c0 : index
scf.if %neg {{
store {when_negative} to y
}} else {{
store %h to y
}}"""

    assert difference(branches("%a"), branches("%h")) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("%s = arith.addi %n, %k : i32\n%is = arith.cmpi slt, %s, %n : i32", "%is = arith.constant false"),
        (
            """
            %s = arith.muli %n, %k : i32
            %w = arith.extsi %s : i32 to i64
            %is = arith.cmpi eq, %w, %z : i64""",
            "%w = arith.extsi %n : i32 to i64\n%is = arith.cmpi eq, %w, %z : i64",
        ),
        (
            """
            %w = arith.extsi %n : i32 to i64
            %t = arith.muli %w, %k64 : i64
            %s = arith.trunci %t : i64 to i32
            %is = arith.cmpi eq, %s, %z32 : i32""",
            "%is = arith.cmpi eq, %n, %z32 : i32",
        ),
    ],
)
def test_a_narrow_integer_may_overflow(one: str, other: str) -> None:
    """What is true of numbers need not be true of an i32, which wraps."""

    def text(decide: str) -> str:
        body = f"""
%k = arith.constant 65536 : i32
%k64 = arith.constant 65536 : i64
%z32 = arith.constant 0 : i32
%z = arith.constant 0 : i64
%a = load x
%b = pto.tneg ins(%a : T<{X}>) -> T<{X}>
{decide}
scf.if %is {{
store %a to y
}} else {{
store %b to y
}}"""
        return with_index(body).replace("%n: index", "%n: i32")

    before, after = function(text(one)), function(text(other))
    assert lane_difference(before, before) is None
    assert lane_difference(before, after) is not None


def test_an_index_of_a_program_may_be_negative() -> None:
    number = TermBlocks(LaneContext(), RunBudget(1)).scalar("n", "index")
    assert isinstance(number, Affine)
    assert affine.bounds(number) == (None, None)


SELECTOR = "{dsv4.selector = #dsv4.selector<even>}"


def loads_constants(body: str) -> bool:
    """The load of `w`, a selector by its fact, is one of known numbers."""
    made = kernel(body, x="16x8xf32", w="16x8xf32").replace(
        "%arg1: !pto.ptr<f32>", f"%arg1: !pto.ptr<f32> {SELECTOR}"
    )
    found = function(made)
    run = run_lanes(found, selectors=facts_of(found))
    value = next(v for v in run.instances if v.name_hint == "s")
    lanes = run.lanes(value)
    assert lanes is not None
    return bool(run.context.domain.is_constant(lanes).all())


@pytest.mark.parametrize(
    "store",
    [
        "store %t to w",
        "%b = arith.index_cast %__pypto_spmd_block_idx : i32 to index\n"
        "%is = arith.cmpi eq, %b, %c4 : index\nscf.if %is {\nstore %t to w\n}",
        "%f = arith.constant 0.0 : f32\npto.store_scalar %f, %arg1[%c0] : !pto.ptr<f32>, f32",
        "scf.for %i = %c0 to %c2 step %c1 {\nstore %t to w\n}",
    ],
)
def test_a_fact_does_not_survive_a_store_of_any_block(store: str) -> None:
    load = "%s = load w\n%t = load x\n"
    assert loads_constants(load + "store %s to x")
    assert not loads_constants(load + store)


# -- copies -----------------------------------------------------------------------------------------------

TENSORS = {"x": "64x16xf32", "n": "4xi32", "copy": "64x16xf32", "out": "64x16xf32"}
USE = """
v = load(copy, [(3 - b) * 16, 0], "16x16xf32")
w = neg(v, "16x16xf32")
store(w, [(3 - b) * 16, 0], out)
"""
LOAD = 'v = load(x, [b * 16, 0], "16x16xf32")\n'
STORE = "store(v, [b * 16, 0], copy)"


def copying(body: str) -> str:
    kernels = [Kernel("cp", 4, ["x", "n"], ["copy"], body), Kernel("use", 4, ["copy"], ["out"], USE)]
    return text(kernels, TENSORS, ["out"])


def forwarded(source: str) -> int:
    """How many copies are forwarded."""
    module = parse_program(source, "p.py")
    with collect():
        return forward_copies(module)


def test_a_full_copy_is_forwarded() -> None:
    source = copying(LOAD + STORE)
    before, after = parse_program(source, "p.py"), parse_program(source, "p.py")
    with collect():
        assert forward_copies(after) == 1
    assert same_bits(before, after, arrays(TENSORS))


@pytest.mark.parametrize(
    "body",
    [
        f"{LOAD}if b < 2:\n    {STORE}",
        f"{LOAD}t = read(n, [b])\nif t < 2:\n    {STORE}",
        f"{LOAD}t = read(n, [b])\nfor i in range(0, t, 1):\n    {STORE}",
        f"{LOAD}for i in range(0, 0, 1):\n    {STORE}",
        f"{LOAD}for i in range(0, b, 1):\n    {STORE}",
        f"{LOAD}if b < 2:\n    {STORE}\nelse:\n    w = neg(v, '16x16xf32')\n    store(w, [b * 16, 0], copy)",
    ],
)
def test_a_copy_that_may_not_happen_is_not(body: str) -> None:
    assert forwarded(copying(body)) == 0


def test_a_copy_beside_the_tensor_is_not() -> None:
    """As many elements as the tensor has, but not its own."""
    moved = (LOAD + STORE).replace("b * 16", "b * 16 + 16")
    assert forwarded(copying(moved)) == 0


def test_a_copy_of_a_dynamic_extent_is_not() -> None:
    source = copying(f"t = read(n, [b])\n{LOAD}{STORE}")
    assert forwarded(source) == 1
    whole = "[16, 16], [16, 16], target_memory"
    assert source.count(whole) == 2
    assert forwarded(source.replace(whole, "[16, 16], [t, 16], target_memory", 1)) == 0


def test_a_copy_that_adds_is_not() -> None:
    source = copying(LOAD + STORE)
    line = next(line for line in source.splitlines() if "pl.tile.store(v" in line)
    assert forwarded(source.replace(line, line[:-1] + ", atomic=pl.AtomicType.Add)")) == 0


# -- directions -------------------------------------------------------------------------------------------

FIRST = 'v = load(x, [b * 16, 0], "16x16xf32")\nw = neg(v, "16x16xf32")\nstore(w, [b * 16, 0], copy)'
SECOND = """
v = load(copy, [b * 16, 0], "16x16xf32")
store(v, [b * 16, 0], out)
w = exp(v, "16x16xf32")
store(w, [b * 16, 0], copy)
"""


def two_kernels(second: str) -> ModuleOp:
    """The second kernel declares `copy` as `pl.Out`."""
    first = Kernel("first", 4, ["x"], ["copy"], FIRST)
    other = Kernel("second", 4, ["x"], ("out", "copy"), second)
    return program([first, other], TENSORS, ["out"])


def test_what_is_declared_written_and_is_loaded_is_read() -> None:
    before, after = two_kernels(SECOND), two_kernels(SECOND)
    with collect():
        assert drop_dead_stores(after) == 0
    assert len([op for op in after.walk() if isinstance(op, LaunchOp)]) == 2
    assert same_bits(before, after, arrays(TENSORS))


def test_what_is_declared_written_and_is_only_stored_is_not_read() -> None:
    second = SECOND.replace("load(copy", "load(x")
    before, after = two_kernels(second), two_kernels(second)
    with collect():
        assert drop_dead_stores(after) == 2
    assert len([op for op in after.walk() if isinstance(op, TStoreOp)]) == 1
    assert same_bits(before, after, arrays(TENSORS))


# -- the two functions of a mixed kernel --------------------------------------------------------------------

MIXED = """module {{
  func.func @k_aic(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>{})
      attributes {{pto.kernel_kind = #pto.kernel_kind<cube>}} {{
    return
  }}
  func.func @k_aiv(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>{})
      attributes {{pto.kernel_kind = #pto.kernel_kind<vector>}} {{
    return
  }}
}}
"""


def stated(fact: str) -> str:
    kind, _, word = fact.partition(" ")
    return f" {{dsv4.{kind} = #dsv4.{kind}<{word}>}}" if fact else ""


@pytest.mark.parametrize(
    ("cube", "vector", "wrong"),
    [
        ("selector even", "selector odd", True),
        ("selector even", "table even", True),
        ("table swap", "table repeat", True),
        ("selector even", "selector even", False),
        ("selector even", "", False),
        ("", "table swap", False),
    ],
)
def test_facts_of_the_two_sides_must_not_contradict_each_other(cube: str, vector: str, wrong: bool) -> None:
    module = parse_text(MIXED.format(stated(cube), stated(vector)), "test.pto")
    if not wrong:
        join_all(module)
        return
    for check in (join_all, lambda m: comparables(m)["k"].run(LaneContext())):
        with pytest.raises(UserError, match="two facts contradict each other about 'w'") as problem:
            check(module)
        assert cube in str(problem.value)
        assert vector in str(problem.value)
        assert "'k_aic'" in str(problem.value)
        assert "'k_aiv'" in str(problem.value)


def test_a_kernel_that_takes_a_view_is_not_followed() -> None:
    text = "func.func @k(%p: !pto.partition_tensor_view<8x16xf32>) { return }"
    with pytest.raises(UserError, match=r"takes !pto.partition_tensor_view<8x16xf32>, of which nothing is"):
        run_lanes(function(text))


def test_the_size_of_scratch_memory_decides_nothing() -> None:
    """Sorting has no formula. An assembler adds scratch memory, and raising remembers how large it was."""
    sort = """
%a = load x
%i = pto.tci ins(%c0_i32 : i32) -> T<1x32xi32>
%s = pto.tsort32 ins(%a, %i : T<1x32xf32>, T<1x32xi32>) -> T<1x64xf32>
store %s to y"""
    larger = sort.replace("T<1x64xf32>\n", "T<1x64xf32> {pto.scratch = T<1x4096xf32>}\n")
    other = sort.replace("T<1x64xf32>\n", "T<1x64xf32> {mode = 1 : i32}\n")
    before, after, changed = (
        function(kernel(f"%c0_i32 = arith.constant 0 : i32{body}", x="1x32xf32", y="1x64xf32"))
        for body in (sort, larger, other)
    )
    assert lane_difference(before, after) is None
    assert lane_difference(before, changed) is not None
