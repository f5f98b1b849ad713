"""Unroll loops with few constant trips, so that what happens in a trip can be seen from outside.

    scf.for %i = %c0 to %c32 step %c16 { f(%i) }    =>    f(%c0); f(%c16)

Legal because the trips run in order and each gets what the one before yielded.
"""

from collections.abc import Callable

from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.memory import constant_int
from dsv4_passes.analysis.tile_bytes import trips


def unroll_loops(function: func.FuncOp, wanted: Callable[[scf.ForOp], bool], limit: int = 8) -> int:
    """Unroll the wanted loops of at most `limit` trips, inner ones first; how many were unrolled."""
    loops = [op for op in function.walk() if isinstance(op, scf.ForOp)]
    count = 0
    for loop in reversed(loops):
        number = trips(loop)
        counted = isinstance(loop.lb.type, IndexType)
        if counted and number is not None and number <= limit and wanted(loop):
            unroll(loop, number)
            count += 1
    return count


def unroll(loop: scf.ForOp, number: int) -> None:
    """Put `number` copies of the body in the loop's place."""
    lower, step = constant_int(loop.lb), constant_int(loop.step)
    assert lower is not None
    assert step is not None
    block = loop.body.block
    carried: list[SSAValue] = list(loop.iter_args)
    for trip in range(number):
        iv = arith.ConstantOp(IntegerAttr(lower + trip * step, IndexType()))
        iv.result.name_hint = f"c{lower + trip * step}_index"
        Rewriter.insert_op(iv, InsertPoint.before(loop))
        mapping: dict[SSAValue, SSAValue] = dict(zip(block.args, [iv.result, *carried], strict=True))
        for op in block.ops:
            if isinstance(op, scf.YieldOp):
                carried = [mapping.get(v, v) for v in op.operands]
                break
            copy = op.clone(mapping)
            _keep_places(op, copy)
            Rewriter.insert_op(copy, InsertPoint.before(loop))
    for result, value in zip(loop.results, carried, strict=True):
        result.replace_all_uses_with(value)
    loop.detach()
    loop.erase()


def _keep_places(old: Operation, new: Operation) -> None:
    """A clone stands for the text of its original."""
    for a, b in zip(old.walk(), new.walk(), strict=True):
        b.location = a.location
