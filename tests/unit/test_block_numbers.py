"""Integers of all blocks and trips at once: they are what running the kernel gives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.ir import Operation

from dialects.dsv4.functions import KERNEL, parameters, program_functions
from dsv4_passes.interpreter import integers, scalars
from dsv4_passes.interpreter.gm import ArrayMemory
from dsv4_passes.interpreter.machine import Machine, Place, arguments_of, run_together
from dsv4_passes.interpreter.numpy_domain import NumpyDomain
from dsv4_passes.interpreter.values import Box
from dsv4_passes.transforms.common.quasi_affine import Digit, Sum, as_sum
from dsv4_passes.transforms.fusion.index_evaluation import (
    IndexEvaluation,
    OwnedAddresses,
    evaluate,
    meet_across,
    meet_within,
    owners_of,
    together,
)
from tests.unit.kernels import function as function_of
from tests.unit.programs import Kernel, program

TENSORS = {"x": "64x16xf32", "y": "64x16xf32"}


def test_a_loop_of_very_many_trips_is_not_looked_into() -> None:
    body = """
for t in range(0, 1000000000000, 1):
    v = load(x, [t, 0], "8x16xf32")
    store(v, [0, 0], y)
"""
    module = program([Kernel("k", 4, ["x"], ["y"], body)], TENSORS, ["y"])
    numbers = IndexEvaluation(program_functions(module, KERNEL)[0], 4)
    assert numbers.trips == {}
    assert [a.base is None for a in numbers.accesses] == [True, False]


Pairs = set[tuple[int, int, bool, int]]
"""Block, argument, whether it is stored, address."""


class Recording(ArrayMemory):
    """GM that notes who touches what."""

    def __init__(self, arrays: dict[int, NDArray[Any]], names: dict[int, str]):
        super().__init__(arrays, names)
        self.block, self.touched = 0, Pairs()

    def note(self, box: Box, stores: bool) -> None:
        assert isinstance(box.base, int)
        for address in (box.offsets + box.base).reshape(-1).tolist():
            self.touched.add((self.block, box.argument, stores, address))

    def load(self, box: Box, op: Operation) -> Any:
        self.note(box, False)
        return super().load(box, op)

    def store(self, box: Box, lanes: Any, op: Operation, conditions: Any, atomic: str) -> None:
        self.note(box, True)
        super().store(box, lanes, op, conditions, atomic)


def recorded(function: func.FuncOp, blocks: int) -> Pairs:
    arrays = {
        p.index: np.zeros(int(np.prod([d for d in p.dims if isinstance(d, int)])), np.float32)
        for p in parameters(function)
        if p.is_tensor
    }
    memory = Recording(arrays, {p.index: p.name for p in parameters(function)})
    for block in range(blocks):
        memory.block = block
        machine = Machine(NumpyDomain(), memory, Place(block, blocks))
        run_together([machine.run(function, arguments_of(machine, function, {}))])
    return memory.touched


def computed(numbers: IndexEvaluation) -> Pairs:
    found = Pairs()
    for access in numbers.accesses:
        touched = numbers.touched(access, np.arange(numbers.blocks, dtype=np.int64))
        assert touched is not None
        pairs = zip(touched.owners.tolist(), touched.addresses.tolist(), strict=True)
        found |= {(block, access.argument, access.stores, address) for block, address in pairs}
    return found


def kernel(body: str) -> func.FuncOp:
    tensors = {"x": "64x16xf32", "y": "64x16xf32"}
    return program_functions(program([Kernel("k", 4, ["x"], ["y"], body)], tensors, ["y"]), KERNEL)[0]


@pytest.mark.parametrize(
    "body",
    [
        'v = load(x, [b * 16, 0], "16x16xf32")\nstore(v, [48 - b * 16, 0], y)',
        """
tb = b // 2
for t in range(0, 4, 1):
    for c in range(0, 16, 8):
        v = load(x, [tb * 32 + (b - 2 * tb) * 16 + t * 4, c], "4x8xf32")
        store(v, [(b * 4 + t) * 4, 8 - c], y)
""",
        """
for t in range(b * 16, b * 16 + 16, 4):
    v = load(x, [t, b % 3], "4x8xf32")
    if t < 20:
        store(v, [t, 0], y)
    else:
        store(v, [t - 20, 8], y)
""",
        """
for t in range(0, 16, 1):
    v = load(x, [b * 16 + t, 0], "1x16xf32")
    if t % 2 == 0:
        if b < 2:
            store(v, [b * 16 + t, 0], y)
        else:
            store(v, [pl.min(b * 16 + t, 3), 0], y)
    else:
        store(v, [0, 0], y)
""",
    ],
)
def test_addresses_are_those_of_a_run(body: str) -> None:
    function = kernel(body)
    assert computed(IndexEvaluation(function, 4)) == recorded(function, 4)


@given(st.lists(st.integers(0, 7), min_size=6, max_size=6), st.integers(1, 9), st.integers(1, 9))
def test_any_arithmetic(factors: list[int], p: int, q: int) -> None:
    a, b, c, d, e, f = factors
    row = f"(b * {a} + t * {b} + {c}) // {p} + (t * {d} + {e}) % {q} + pl.min(b * {f}, {c})"
    function = kernel(
        f'for t in range(0, 3, 1):\n    v = load(x, [{row}, 0], "1x16xf32")\n    store(v, [t, 0], y)'
    )
    assert computed(IndexEvaluation(function, 2)) == recorded(function, 2)


NUMBERS = (0, 1, -1, 2, -2, 7, -7, 63, 100, 127, -128, 255, 40000, -40000, 2**31 - 1, -(2**31), 2**40)
BINARY = "addi subi muli andi ori xori minsi minui maxsi maxui".split()
DIVIDING = "divsi divui floordivsi ceildivsi ceildivui remsi remui".split()
SHIFTING = "shli shrsi shrui".split()
COMPARING = [f"cmpi {name}," for name in "eq ne slt sle sgt sge ult ule ugt uge".split()]
CASTS = {
    "i1": ["extsi %a : i1 to i32", "extui %a : i1 to i32", "index_cast %a : i1 to index"],
    "i8": ["extsi %a : i8 to i32", "extui %a : i8 to i64", "trunci %a : i8 to i1"],
    "i32": ["index_cast %a : i32 to index", "index_castui %a : i32 to index", "trunci %a : i32 to i8"],
    "i64": ["trunci %a : i64 to i32", "index_cast %a : i64 to index"],
    "index": ["index_cast %a : index to i32", "index_castui %a : index to i64"],
}


@pytest.mark.parametrize("type_", CASTS)
def test_integers_wrap_as_in_a_run(type_: str) -> None:
    """Every operation on pairs of numbers; where an array of 64 bits has no result, none may be negative."""
    divisors = [f"{name} %a, %divisor" for name in DIVIDING]
    shifts = [f"{name} %a, %shift" for name in SHIFTING]
    others = [f"{name} %a, %b" for name in (*BINARY, *COMPARING)]
    made = [f"{text} : {type_}" for text in (*others, *divisors, *shifts)] + CASTS[type_]
    body = "\n".join(f"%r{i} = arith.{text}" for i, text in enumerate(made))
    arguments = ", ".join(f"%{name}: {type_}" for name in ("a", "b", "divisor", "shift"))
    found = function_of(f"func.func @k({arguments}) {{\n{body}\nreturn\n}}")
    bits = integers.width(found.body.block.args[0].type)
    numbers = sorted({integers.wrap(number, bits) for number in NUMBERS})
    pairs = {
        "%b": [(a, b) for a in numbers for b in numbers],
        "%divisor": [(a, b) for a in numbers for b in numbers if b],
        "%shift": [(a, b) for a in numbers for b in range(min(bits, 33))],
    }
    for op, text in zip(found.body.block.ops, made, strict=False):
        given = next((pairs[name] for name in pairs if name in text), [(a,) for a in numbers])
        for chosen in (given, [operands for operands in given if min(operands) >= 0]):
            found_array = evaluate(op, [np.array(column, np.int64) for column in zip(*chosen, strict=True)])
            if found_array is None:
                assert bits == 64
                assert chosen is given
                continue
            expected = [scalars.evaluate(op, list(operands), NumpyDomain()) for operands in chosen]
            assert found_array.tolist() == expected, text


# -- who touches what ------------------------------------------------------------------------------

TOUCHES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=8)


def touched(pairs: list[tuple[int, int]]) -> OwnedAddresses:
    return OwnedAddresses(
        np.array([a for a, _ in pairs], np.int64), np.array([o for _, o in pairs], np.int64)
    )


@given(TOUCHES, TOUCHES)
def test_meeting(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    across = {x for x, o in a for y, p in b if x == y and o != p}
    across |= {x for x, o in a for y, p in a if x == y and o != p and x in {z for z, _ in b}}
    across |= {x for x, o in b for y, p in b if x == y and o != p and x in {z for z, _ in a}}
    found = meet_across(touched(a), touched(b))
    assert found in across if across else found is None
    within = {x for x, o in a if (x, o) in b}
    inside = meet_within(touched(a), touched(b))
    assert inside in within if within else inside is None


@given(TOUCHES, st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_owners(stores: list[tuple[int, int]], addresses: list[int]) -> None:
    missing, several, owners = owners_of(together([touched(stores)]), np.array(addresses, np.int64))
    by_address = {a: {o for b, o in stores if a == b} for a in addresses}
    if any(not by_address[a] for a in addresses):
        assert missing is not None
        assert not by_address[missing]
    elif any(len(by_address[a]) > 1 for a in addresses):
        assert several is not None
        assert len(by_address[several]) > 1
    else:
        assert [{owner} for owner in owners.tolist()] == [by_address[a] for a in addresses]


# -- sums ------------------------------------------------------------------------------------------


def value(found: Sum, shape: tuple[int, ...]) -> NDArray[np.int64]:
    total = np.full(shape, found.constant, np.int64)
    for digit, coefficient in found.parts:
        x = np.arange(shape[digit.axis])
        assert digit.whole == (digit.stride * digit.size == shape[digit.axis])
        part = x // digit.stride % digit.size * coefficient
        total += part.reshape([-1 if a == digit.axis else 1 for a in range(len(shape))])
    return total


@given(
    st.lists(st.tuples(st.integers(2, 4), st.integers(-9, 9)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(1, 5), st.integers(-9, 9)), max_size=2),
    st.integers(-9, 9),
)
def test_what_is_a_sum_of_digits_is_found(
    block: list[tuple[int, int]], trips: list[tuple[int, int]], start: int
) -> None:
    line, length = np.zeros(1, np.int64), 1
    for size, coefficient in block:  # the lowest digit first
        line = (np.arange(size)[:, None] * coefficient + line).reshape(-1)
        length *= size
    values = line + start
    for size, coefficient in trips:
        values = values[..., None] + np.arange(size) * coefficient
    found = as_sum(values)
    assert found is not None
    assert np.array_equal(value(found, values.shape), values)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=8))
def test_what_is_found_is_the_function(numbers: list[int]) -> None:
    values = np.array(numbers, np.int64)
    if (found := as_sum(values)) is not None:
        assert np.array_equal(value(found, values.shape), values)


def test_digits_are_as_large_as_possible() -> None:
    assert as_sum(np.arange(12) * 3 + 1) == Sum(1, ((Digit(0, 1, 12, True), 3),))
    tokens_and_heads = np.array([32 * (b // 8) + 4 * (b % 8) for b in range(32)])
    assert as_sum(tokens_and_heads) == Sum(0, ((Digit(0, 1, 32, True), 4),))
    heads = np.array([b % 8 for b in range(32)])
    assert as_sum(heads) == Sum(0, ((Digit(0, 1, 8, False), 1),))
    assert as_sum(np.array([0, 1, 3])) is None
    assert as_sum(np.array([[0, 1], [1, 3]])) is None
