"""Liveness of bytes, on which the place of added scratch memory rests."""

from dsv4_passes.formats.pto.live_bytes import LiveBytes
from dsv4_passes.formats.pto.reader import parse_text, verify_module

T = "!pto.tile_buf<vec, 8x64xf32>"
HEAD = f"""
!t = {T}
func.func @f(%c: i1, %n: index, %lo: index, %hi: index) {{
  %one = arith.constant 1.0 : f32
  %a0 = arith.constant 0 : i64
  %a1 = arith.constant 2048 : i64
  %a = pto.alloc_tile addr = %a0 : !t
  %b = pto.alloc_tile addr = %a1 : !t
"""


def live_at(body: str) -> set[str]:
    """Which of the tiles %a and %b are needed after the operation marked with `{here}`."""
    module = parse_text(f"{HEAD}{body}  return\n}}")
    verify_module(module)
    op = next(op for op in module.walk() if "here" in op.attributes)
    function = module.body.block.first_op
    assert function is not None
    live = LiveBytes(function.regions[0].block, "vec", [op])
    return {"ab"[lo // 2048] for lo, _ in live.after(op)}


FILL_A = "pto.texpands ins(%one : f32) outs(%a : !t)\n"
READ_A = "pto.tneg ins(%a : !t) outs(%b : !t)\n"
HERE = '"test.op"() {here} : () -> ()\n'


def test_a_read_needs_what_was_there():
    assert live_at(FILL_A + HERE + READ_A) == {"a"}


def test_a_whole_write_ends_it():
    assert live_at(FILL_A + HERE + FILL_A + READ_A) == set()


def test_a_write_of_a_part_does_not():
    part = f"%p = pto.subview %a[%lo, %lo] sizes [1, 64] : !t -> {T.replace('8x', '1x')}\n"
    fill = f"pto.texpands ins(%one : f32) outs(%p : {T.replace('8x', '1x')})\n"
    assert live_at(part + HERE + fill + READ_A) == {"a"}
    valid = T.replace(">", ", valid=?x64>")
    few = f"%v = pto.alloc_tile addr = %a0 valid_row = %n : {valid}\n"
    assert live_at(f"{few}{HERE}pto.texpands ins(%one : f32) outs(%v : {valid})\n{READ_A}") == {"a"}


def test_another_handle_on_the_same_bytes_counts():
    alias = f"%v = pto.alloc_tile addr = %a0 : {T}\n"
    assert live_at(alias + HERE + f"pto.tneg ins(%v : {T}) outs(%b : !t)\n") == {"a"}


def test_the_next_trip_of_a_loop_counts():
    loop = "scf.for %i = %lo to %hi step %n {{\n{}}}\n"
    assert live_at(FILL_A + loop.format(READ_A + HERE)) == {"a"}
    assert live_at(loop.format(FILL_A + READ_A + HERE)) == set()
    # A loop may run no trip at all, and then what was there before it is read after it.
    assert live_at(HERE + loop.format(FILL_A) + READ_A) == {"a"}


def test_both_branches_count():
    branch = "scf.if %c {{\n{}}}\n"
    assert live_at(HERE + branch.format(FILL_A) + READ_A) == {"a"}
    both = f"scf.if %c {{\n{FILL_A}}} else {{\n{FILL_A}}}\n"
    assert live_at(HERE + both + READ_A) == set()


def test_what_is_not_understood_reads_its_operands():
    assert live_at(HERE + '"test.op"(%a) : (!t) -> ()\n') == {"a"}
