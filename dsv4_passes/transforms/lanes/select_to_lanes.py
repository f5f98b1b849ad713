"""`dsv4-select-to-lanes`: matrix products that only select or re-order lanes become lane moves.

    %a = pto.tmatmul ins(%even, %E)                   %s = pto.tscatter ins(%even, {P0101})
    %b = pto.tmatmul.acc ins(%a, %odd, %O)      =>    %t = pto.tscatter ins(%odd, {P1010})
                                                      %b = pto.tadd ins(%s, %t)

    %e = pto.tmatmul ins(%x, %S)                =>    %e = pto.tgather ins(%x, {P0101})

where `%E`, `%O`, `%S` are loaded from arguments that are known to be one-hot (a fact). Recognised is not
the shape of the code but the result: a value in the accumulator whose lanes are those of other values,
re-ordered. So chunked, transposed, block-diagonal and added products are all the same to it.

Legal because a product with a one-hot matrix is exact: one summand is `1 * x`, the others are 0 where
the row is finite (the side condition `FIN`), and the accumulator starts at +0. Every rewrite is kept
only if what the function stores is proved to be the same, lane by lane; the guard says what happens to
a rounding to bf16 that the cube made necessary: dropped where every use rounds again in the same mode,
else kept as an explicit conversion.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass

from dialects.dsv4.opaque import MoveOp
from dialects.pto.attributes import KernelKindAttr
from dialects.pto.elementwise import TAddOp
from dialects.pto.matmul import MatmulOp
from dialects.pto.moves import TMovOp
from dialects.pto.sync import BarrierSyncOp, BufferLockOp, CoreFlagOp, FlagOp, SyncAllOp, TSyncOp
from dialects.pto.tiles import InsertOp, UndefOp
from dialects.pto.types import AnyTileType, TileBufType, TileType
from dsv4_passes.argument_names import argument_name
from dsv4_passes.diagnostics import (
    UserError,
    collect,
    note,
    refused,
    repeat,
    rewritten,
)
from dsv4_passes.equivalence.facts import argument_shape, facts_of, loaded_argument
from dsv4_passes.equivalence.gm_mod_ref import only_read
from dsv4_passes.equivalence.lanes import lane_difference
from dsv4_passes.targets import LATEST
from dsv4_passes.transforms.common.byte_ranges import trips
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.common.origin import functions_of, mark_rewritten
from dsv4_passes.transforms.common.unroll import unroll_loops
from dsv4_passes.transforms.facts.given import given_instead
from dsv4_passes.transforms.mixed.join_mixed import JOINED, drop_channels
from dsv4_passes.transforms.program.alias_check import aliased_launch

from .bf16_consumers import bf16_goldens
from .builder import Builder, CannotBuild, layout_of
from .candidates import source
from .checked_rewrite import (
    Candidate,
    CheckedRewrite,
    Guard,
    Policy,
    Rewritten,
    SignedZero,
)
from .constant_reachability import KnownLanes
from .forms.scatter_pair import PATTERNS, interleave, plus_zero, scatter
from .report import outcome_text, savings

MAX_SELECTED = 128
"""As many lanes as one head rotates, at most."""
_NAMED_AFTER_LANES = re.compile("sel|even|odd|perm|leave", re.IGNORECASE)
_NUMBERED = re.compile(r"arg\d+")
PARTLY_VALID = "not all of the tile is valid"
MAX_CHUNKS = 8
"""Loops that sum up chunks of one selection are unrolled up to so many trips."""
BY_HAND = (FlagOp, CoreFlagOp, BufferLockOp, BarrierSyncOp, SyncAllOp, TSyncOp)
"""Synchronisation that names pipelines, operations, buffers or kinds of cores."""
Rewrite = Callable[[func.FuncOp, Policy], int]
"""Rewrites the sites of a function and says how many."""
CUBE_MEMORIES = ("mat", "left", "right", "acc", "bias", "scaling")


def is_site(value: SSAValue) -> bool:
    """A product that leaves the cube, or a sum of such."""
    op = value.owner
    if layout_of(value).loc == "acc" and not isinstance(op, (UndefOp, InsertOp, TMovOp, MoveOp)):
        return any(not isinstance(use.operation, MatmulOp) for use in value.uses)
    return isinstance(op, TAddOp) and any(_from_cube(v) for v in op.ins)


def _from_cube(value: SSAValue) -> bool:
    op = value.owner
    return isinstance(op, (TMovOp, MoveOp)) and layout_of(op.operands[0]).loc == "acc"


def candidates(checked: CheckedRewrite, value: SSAValue) -> Iterator[Candidate]:
    """Forms that hold the lanes of `value`, cheapest first."""
    ids = checked.index.ids(value)
    if ids is None:
        return
    anchor = value.owner
    assert isinstance(anchor, Operation)
    if (found := source(checked.index, ids, anchor)) is not None:
        yield Candidate(found.what, found.build)
        yield Candidate(f"{found.what} + 0", lambda b: plus_zero(b, found.build(b)))
    yield from interleavings(checked, value)


def interleavings(checked: CheckedRewrite, value: SSAValue) -> Iterator[Candidate]:
    """Forms for a value whose even and odd lanes can be had."""
    ids = checked.index.ids(value)
    anchor = value.owner
    if ids is None or ids.shape[2] % 2:
        return
    assert isinstance(anchor, Operation)
    even, odd = ids[:, :, 0::2], ids[:, :, 1::2]
    for lane, half, other in ((0, even, odd), (1, odd, even)):
        if checked.is_zero(other) and not checked.is_zero(half):
            if (found := source(checked.index, half, anchor)) is not None:
                what, pattern = f"raw mask scatter {PATTERNS[lane]}", PATTERNS[lane]
                yield Candidate(what, lambda b: scatter(b, found.build(b), pattern))
                yield Candidate(f"{what} + 0", lambda b: plus_zero(b, scatter(b, found.build(b), pattern)))
            return
    bare = checked.unrounded(even), checked.unrounded(odd)
    for halves, drops in ((bare, True), ((even, odd), False)):
        if halves[0] is None or halves[1] is None:
            continue
        first, second = (source(checked.index, half, anchor) for half in (halves[0], halves[1]))
        if first is None or second is None:
            continue
        for how in ("tadd", "tor"):
            yield Candidate(
                f"two raw mask scatters merged by {how}",
                lambda b, e=first, o=second, how=how: interleave(b, e.build(b), o.build(b), how),
                drops,
            )


# -- why not -----------------------------------------------------------------------------------------


def loaded_by(operand: SSAValue) -> BlockArgument | None:
    """The argument that an operand of a product was loaded from as it is."""
    try:
        return loaded_argument(Builder(operand.owner).load_behind(operand))  # pyright: ignore[reportArgumentType]
    except CannotBuild:
        return None


def missing_facts(function: func.FuncOp, value: SSAValue) -> list[str]:
    """Arguments of a selector's shape that the products behind `value` load and nothing is known of."""
    known = facts_of(function)
    names: list[str] = []
    for product in products(value):
        argument = loaded_by(product.rhs)
        if argument is None or argument in known:
            continue
        shape = argument_shape(argument)
        name = argument_name(function, argument.index)
        if shape and len(shape) == 2 and may_be_selector(name, *shape):
            names.append(name)
    return list(dict.fromkeys(names))


def may_be_selector(name: str, rows: int, cols: int) -> bool:
    """Worth asking whether a matrix of that name and shape is a select matrix: weights are not."""
    named = _NAMED_AFTER_LANES.search(name) or (_NUMBERED.fullmatch(name) and max(rows, cols) <= MAX_SELECTED)
    return bool(named) and (rows == 2 * cols or cols == 2 * rows)


def _row_selectors(function: func.FuncOp, products: Iterable[MatmulOp]) -> list[str]:
    """Selectors that products have on the left."""
    known = facts_of(function)
    found = (loaded_by(product.lhs) for product in products)
    names = [f"'{argument_name(function, a.index)}'" for a in found if a is not None and a in known]
    return list(dict.fromkeys(names))


def products(value: SSAValue) -> Iterator[MatmulOp]:
    """The products that a value in the accumulator was summed up from, in order.

    On the right a selector moves lanes; on the left it would move rows, which no form here does.
    """
    op = value.owner
    while isinstance(op, (TMovOp, MoveOp)):
        value, op = op.operands[0], op.operands[0].owner
    if isinstance(op, MatmulOp):
        if (acc := op.operand("acc")) is not None:
            yield from products(acc)
        yield op
    elif isinstance(op, TAddOp):
        for operand in op.ins:
            yield from products(operand)
    elif isinstance(op, (scf.ForOp, scf.IfOp)):
        number = list(op.results).index(value)  # pyright: ignore[reportArgumentType]
        for region in op.regions:
            if isinstance(last := region.block.last_op, scf.YieldOp):
                yield from products(last.operands[number])


def wanted_fact(names: list[str], what: str, kind: str = "") -> str:
    """`nothing is known about 'w': if it is a select matrix, a fact allows the rewrite (…)`."""
    about = " and ".join(f"'{name}'" for name in names)
    stated = ", ".join(f'{name} = "{kind}even" or "{kind}odd"' for name in names)
    if_so = f"{'it' if len(names) == 1 else 'each'} is {what}"
    return (
        f"nothing is known about {about}: if {if_so}, a fact allows the rewrite "
        f"(--facts with {stated}, or with the real arrays)"
    )


def unknown(function: func.FuncOp, value: SSAValue) -> tuple[str, str] | None:
    """What is not known, or known to be of no use, about the matrices that a value is a product with, in a
    sentence and in few words; None where that is not what keeps the product.
    """
    summed = list(products(value))
    if given := given_instead(function, (loaded_by(product.rhs) for product in summed)):
        return given, "no selector"
    if rows := _row_selectors(function, summed):
        why = "is a selector on the left, which moves rows: no form does that"
        return f"{', '.join(rows)} {why}", "moves rows"
    if missing := missing_facts(function, value):
        return wanted_fact(missing, "a select matrix"), "no fact about a selector"
    return None


def refuse(function: func.FuncOp, value: SSAValue, reasons: list[str]) -> None:
    op = value.owner
    assert isinstance(op, Operation)
    if (why := unknown(function, value)) is not None:
        refused(op, f"'{op.name}' stays: {why[0]}", why[1])
        return
    if not reasons and not layout_of(value).full:
        reasons = [PARTLY_VALID]
    text = "; ".join(reasons) or "its lanes are not those of known values"
    refused(op, f"'{op.name}' stays: {text}", reasons[0] if reasons else "not a selection")


# -- the pass ----------------------------------------------------------------------------------------


def followed(function: func.FuncOp, policy: Policy, partly: bool = False) -> CheckedRewrite | None:
    """The function with its lanes; None, with a remark, where it cannot be run on terms."""
    _say_what_is_stored_to(function)
    if (flag := next((op for op in function.walk() if isinstance(op, BY_HAND)), None)) is not None:
        why = f"'{flag.name}' orders operations by hand, and nothing would wait for what takes their place"
        refused(flag, f"'{function.sym_name.data}' stays: {why}", "synchronised by hand")
        return None
    if (twice := aliased_launch(function)) is not None:
        launch, one, other = twice
        why = f"a launch passes one tensor as '{one}' and as '{other}', and one of the two is written"
        refused(launch, f"'{function.sym_name.data}' stays: {why}", "tensor passed twice")
        return None
    try:
        return CheckedRewrite(function, policy, partly)
    except UserError as error:
        why = f"its lanes cannot be followed: {error.message}"
        refused(function, f"'{function.sym_name.data}' stays: {why}", "lanes cannot be followed")
        return None


def _say_what_is_stored_to(function: func.FuncOp) -> None:
    """A remark for every fact that holds when the kernel starts and not when another block loads."""
    unwritten = only_read(function)
    for argument in facts_of(function):  # a fact that cannot hold is an error and no reason to go on
        assert isinstance(argument, BlockArgument)
        if argument.index not in unwritten:
            name = argument_name(function, argument.index)
            why = "the kernel stores to it, and another block may have done so before"
            refused(
                function, f"what is known about '{name}' is not used: {why}", "a fact about what is stored to"
            )


def may_select(function: func.FuncOp) -> bool:
    """A factor of some product may hold known numbers."""
    lanes = KnownLanes(function)
    return any(lanes.possible(*op.inputs()) for op in function.walk() if isinstance(op, MatmulOp))


def rewrite_function(function: func.FuncOp, policy: Policy) -> int:
    """Rewrite every site of one function in value form; how many were rewritten."""
    if not any(isinstance(op, MatmulOp) for op in function.walk()):
        return 0
    if any(isinstance(r.type, TileBufType) for op in function.walk() for r in op.results):
        return 0
    if not may_select(function):
        for value in reversed([v for op in function.walk() for v in op.results]):
            if isinstance(value.type, TileType) and is_site(value) and unknown(function, value):
                refuse(function, value, [])
        return 0
    return with_chunks_unrolled(function, policy, rewrite_sites)


def with_chunks_unrolled(function: func.FuncOp, policy: Policy, rewrite: Rewrite) -> int:
    """Rewrite a function, first with each loop unrolled that sums up chunks of one selection."""
    count = 0
    tried: set[int] = set()
    while (number := next(_accumulating(function, tried), None)) is not None:
        tried.add(number)
        if gained := rewrite_unrolled(function, number, policy, rewrite):
            count += gained
            tried.clear()
    return count + rewrite(function, policy)


def rewrite_sites(function: func.FuncOp, policy: Policy) -> int:
    """Rewrite every site of one function as it stands."""
    count = 0
    if (checked := followed(function, policy)) is None:
        return count
    kept: dict[Operation, Operation] = {}
    lanes = KnownLanes(function)
    for value in checked.from_the_last(is_site):
        op = value.owner
        assert isinstance(op, Operation)
        forms = list(candidates(checked, value))
        if policy.guard == "bf16-fallback" and forms and list(interleavings(checked, value)):
            golden = next(bf16_goldens(value), None) or next(
                (kept[user] for user in sums_of(value) if user in kept), None
            )
            if golden is not None:
                kept[op] = golden
                refused(
                    op,
                    f"'{op.name}' stays: guard bf16-fallback keeps the matmul re-interleave because "
                    f"'{golden.name}' rounds its result to bf16",
                    "guard bf16-fallback",
                )
                continue
        before = savings(function)
        result = checked.try_all(value, forms)
        if isinstance(result, Rewritten):
            count += 1
            rewritten(op, f"'{op.name}' -> {outcome_text(result, before, savings(function))}")
        elif result or unknown(function, value) or any(lanes.possible(*p.inputs()) for p in products(value)):
            refuse(function, value, result)
    become_vector(function)
    return count


def sums_of(value: SSAValue) -> Iterator[Operation]:
    """The sums that a product goes into."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, TAddOp):
            yield op
        elif isinstance(op, (TMovOp, MoveOp)):
            yield from sums_of(op.results[0])


def _accumulating(function: func.FuncOp, tried: Container[int]) -> Iterator[int]:
    """Short loops, by number, that sum up products with known select matrices, a chunk per trip."""
    known = facts_of(function)
    for number, loop in enumerate(op for op in function.walk() if isinstance(op, scf.ForOp)):
        if number in tried or not any(_is_acc(v) for v in loop.results):
            continue
        products = [op for op in loop.walk() if isinstance(op, MatmulOp)]
        if any(loaded_by(op.rhs) in known for op in products) and 0 < (trips(loop) or 0) <= MAX_CHUNKS:
            yield number


def _is_acc(value: SSAValue) -> bool:
    return isinstance(value.type, TileType) and value.type.data.loc == "acc"


def rewrite_unrolled(function: func.FuncOp, number: int, policy: Policy, rewrite: Rewrite) -> int:
    """Unroll a loop that sums up chunks and rewrite; everything stays if a product of it is left.

    No single trip selects anything, only all of them together do. Unrolled, the function has to do the same
    lane by lane before anything is rewritten.
    """
    trial = function.clone()
    loop = [op for op in trial.walk() if isinstance(op, scf.ForOp)][number]
    others = {op for op in trial.walk() if isinstance(op, MatmulOp)} - set(loop.walk())
    unroll_loops(trial, lambda one: one is loop, MAX_CHUNKS)
    eliminate_dead_code(trial)
    if lane_difference(function, trial) is not None:
        return 0
    with collect() as said:
        count = rewrite(trial, policy)
    if any(isinstance(op, MatmulOp) and op not in others for op in trial.walk()):
        return 0
    for diagnostic in said.entries:
        if diagnostic.outcome != "refused":
            repeat(diagnostic)
    old, new = function.body.detach_block(0), trial.body.detach_block(0)
    function.body.add_block(new)
    function.attributes |= trial.attributes
    old.erase()
    return count


def uses_cube(function: func.FuncOp) -> bool:
    """Something in the function is on the cube or in its memories."""
    return any(
        isinstance(op, MatmulOp)
        or any(isinstance(v.type, AnyTileType) and v.type.data.loc in CUBE_MEMORIES for v in op.results)
        for op in function.walk()
    )


def become_vector(function: func.FuncOp) -> None:
    """A function without anything on the cube runs on vector cores."""
    joined = JOINED in function.attributes
    if uses_cube(function) or not (
        joined or function.attributes.get("pto.kernel_kind") == KernelKindAttr("cube")
    ):
        return
    drop_channels(function)
    function.attributes["pto.kernel_kind"] = KernelKindAttr("vector")
    name = function.sym_name.data
    arguments = function.body.block.args
    dead = [argument_name(function, i) for i, a in enumerate(arguments) if not list(a.uses)]
    unused = f"; it no longer reads {', '.join(dead)}, kept as arguments" if dead else ""
    note(function, f"'{name}' is a vector kernel now: launch it on vector cores{unused}")


@dataclass(frozen=True)
class SelectToLanesPass(ModulePass):
    """Rewrite one-hot products; `guard` and `signed-zero` say how exact the result must be."""

    name = "dsv4-select-to-lanes"
    guard: Guard = "exact"
    signed_zero: SignedZero = "exact"
    chip: str | None = None
    ptoas: str | float = LATEST

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in functions_of(op):
            if rewrite_function(function, Policy(self.guard, self.signed_zero, self.chip, self.ptoas)):
                mark_rewritten(function)
