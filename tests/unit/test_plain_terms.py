"""Making terms many at a time leads to the very terms that the table's rules lead to one by one."""

import numpy as np
import pytest

from dsv4_passes.equivalence.bulk import plus_zeros, strip_zeros
from dsv4_passes.equivalence.term_domain import TermDomain
from dsv4_passes.equivalence.terms import TermTable


def operands(table: TermTable) -> list[int]:
    """Terms of every kind that a rule is about, and of kinds that none is."""
    loads = [table.load(0, 0, (), n, dtype) for n in range(2) for dtype in ("f32", "bf16", "f16")]
    constants = [table.zero, table.neg_zero, table.one, table.float_constant(0.1), table.float_constant(-2.5)]
    plain = table.mul(loads[0], loads[1])
    return [
        *loads,
        *constants,
        plain,
        table.neg(plain),
        table.plus_zero(plain),
        table.add(table.plus_zero(plain), loads[0]),
        table.neg(table.plus_zero(loads[0])),
        table.round("bf16", "RINT", plain),
        table.mul(table.plus_zero(loads[0]), loads[3]),
        table.add(table.plus_zero(plain), table.plus_zero(loads[0])),
        table.plus_zero(table.mul(loads[0], loads[3])),
    ]


@pytest.mark.parametrize("name", ["mul", "add", "sub"])
def test_two_operands(name: str):
    domain = TermDomain()
    table = domain.table
    ids = np.array(operands(table), np.int64)
    a, b = (grid.reshape(1, -1) for grid in np.meshgrid(ids, ids))
    many = domain.binary(name, a, b, "f32")[0].tolist()
    known = [table.flags(term) for term in many]
    rule = {"mul": table.mul, "add": table.add, "sub": table.sub}[name]
    for x, y, term, flags in zip(a[0].tolist(), b[0].tolist(), many, known, strict=True):
        assert rule(x, y) == term
        assert table.flags(rule(x, y)) == flags


@pytest.mark.parametrize("dst", ["bf16", "f16"])
@pytest.mark.parametrize("mode", ["RINT", "FLOOR", "ODD"])
def test_rounding_and_negation(dst: str, mode: str):
    domain = TermDomain()
    ids = np.array([operands(domain.table)], np.int64)
    rounded = domain.convert(ids, "f32", dst, mode, saturate=False)[0].tolist()
    negated = domain.unary("neg", ids, "f32")[0].tolist()
    assert rounded == [domain.table.round(dst, mode, x) for x in ids[0].tolist()]
    assert negated == [domain.table.neg(x) for x in ids[0].tolist()]


def test_flags_do_not_depend_on_who_came_first():
    """What is known of a node is the same whether it was made alone or with others."""
    one, many = TermDomain(), TermDomain()
    for domain in (one, many):
        operands(domain.table)
    ids = np.array(operands(one.table), np.int64)
    a, b = (grid.reshape(1, -1) for grid in np.meshgrid(ids, ids))
    for x, y in zip(a[0].tolist(), b[0].tolist(), strict=True):
        alone = one.table.add(x, y)
        (together,) = many.binary("add", np.array([[x]]), np.array([[y]]), "f32")[0].tolist()
        assert one.table.flags(alone) == many.table.flags(together)
        assert one.table.head(alone) == many.table.head(together)


def test_signs_of_zeros():
    """Without the signs of zeros, level by level, is without them term by term."""
    domain = TermDomain()
    table = domain.table
    terms = operands(table)
    for deep in range(60):  # beyond the levels that are done together
        terms.append(table.mul(table.load(1, 0, (), deep, "f32"), table.plus_zero(terms[-1])))
    terms.append(table.select(table.opaque("c", "i1"), terms[-1], terms[0]))
    ids = np.array(terms, np.int64)
    bare = strip_zeros(table, ids).tolist()
    plus = plus_zeros(table, ids).tolist()
    assert bare == [table.strip_zero(x) for x in terms]
    assert plus == [table.plus_zero(x) for x in terms]
    assert bare != terms
    assert plus != terms
