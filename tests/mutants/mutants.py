"""Small wrong edits of the project's own code, one per stage, each of which has to be noticed.

`old` stands in `file` exactly once and becomes `new`. Most are noticed at run time: `dsv4-opt` compares what
it writes with what it read, and one of `runs` must end without output. Where one wrong meaning is on both
sides of that comparison, a named `test` must fail instead.
"""

from dataclasses import dataclass

T = "dsv4_passes/transforms"


@dataclass(frozen=True)
class Mutant:
    stage: str
    file: str
    old: str
    new: str
    runs: tuple[str, ...] = ()
    """Names of workloads (`run_mutants.WORKLOADS`)."""
    test: str = ""
    """pytest's name of the test that notices it, if it is common-mode."""


KERNELS = ("rope_a", "unrotate", "rope_b", "rope_c", "rope_d")
PROGRAMS = ("staged", "staged-folder", "mixed", "other_grid", "sibling_loops")

MUTANTS = (
    # -- raising ----------------------------------------------------------------------------------------
    Mutant(
        "raise: which definition reaches",
        f"{T}/raising/reaching_definitions.py",
        "if interval in inside and (other is None or other.time < definition.time):",
        "if interval in inside and (other is None or other.time > definition.time):",
        test="tests/unit/test_raise_lower.py",
    ),
    Mutant(
        "raise: pieces put together",
        f"{T}/raising/views.py",
        "value = self.insert(op, piece, value, self.index(row), self.index(_count(rest, layout)))",
        "value = self.insert(op, piece, value, self.index(0), self.index(_count(rest, layout)))",
        test="tests/unit/test_raise_lower.py",
    ),
    # -- joining and splitting --------------------------------------------------------------------------
    Mutant(
        "join: pops from the last push",
        f"{T}/mixed/merge.py",
        "items = [queue.popleft() for queue in self.queues(side, op)]",
        "items = [queue.pop() for queue in self.queues(side, op)]",
        KERNELS,
    ),
    Mutant(
        "split: both sub-blocks keep in step only",
        f"{T}/mixed/split_mixed.py",
        'first = arith.CmpiOp(index.result, zero.result, "eq")',
        'first = arith.CmpiOp(index.result, zero.result, "slt")',
        ("unrotate-lower", "rope_a-lower", "mixed-folder"),
    ),
    Mutant(
        "split: pushes in another order",
        f"{T}/mixed/projection.py",
        "for crossing in self.plan.pushes.get(op, ()):\n                if crossing.source == self.side:",
        "for crossing in reversed(list(self.plan.pushes.get(op, ()))):\n"
        "                if crossing.source == self.side:",
        ("unrotate-lower", "rope_a-lower", "mixed-folder", "staged-folder"),
    ),
    # -- lowering ---------------------------------------------------------------------------------------
    Mutant(
        "lower: a tied operand is another one",
        f"{T}/lowering/lower_tiles.py",
        "ins[op.operand_names().index(op.TIED)] = outs[0]",
        "ins[op.operand_names().index(op.TIED)] = ins[-1]",
        ("staged-folder", "rope_a-lower", "reassemble-lower"),
    ),
    Mutant(
        "lower: operands in another order",
        f"{T}/lowering/lower_tiles.py",
        "ins = [self.handles.of(v, op) for v in op.inputs()]",
        "ins = [self.handles.of(v, op) for v in op.inputs()][:: -1 if op.name == 'pto.tsub' else 1]",
        KERNELS,
    ),
    # -- memory plan ------------------------------------------------------------------------------------
    Mutant(
        "memory plan: ranges end too early",
        f"{T}/lowering/placement.py",
        "live.add(start, end | 1)",
        "live.add(start, max(start, end - 3))",
        (*KERNELS, "rope_d-lower", "unrotate-lower"),
    ),
    Mutant(
        "memory plan: half of a tile is taken",
        f"{T}/lowering/address_planner.py",
        "insort(placed, (at, at + size, live), key=itemgetter(0))",
        "insort(placed, (at, at + size // 2, live), key=itemgetter(0))",
        KERNELS,
    ),
    Mutant(
        "memory plan: nothing overlaps",
        f"{T}/lowering/address_planner.py",
        "for lo, hi, when in placed if when.overlaps(live))",
        "for lo, hi, when in placed if when is live)",
        KERNELS,
    ),
    Mutant(
        "live ranges: a value used in a loop ends in it",
        f"{T}/common/live_ranges.py",
        "self._use(value, 2 * self.end[op])",
        "self._use(value, 2 * self.position[op])",
        ("rope_d-lower", "unrotate-lower", "loop-lower"),
    ),
    Mutant(
        "live ranges: results start late",
        f"{T}/common/live_ranges.py",
        "self._close(value, at, max(at, self._open.pop(value, at)))",
        "self._close(value, max(at, self._open.get(value, at)), max(at, self._open.pop(value, at)))",
        KERNELS,
    ),
    # -- printing ---------------------------------------------------------------------------------------
    Mutant(
        "printer: operands of a subtraction",
        "dsv4_passes/formats/pto/target.py",
        "        verify_module(module)\n        printer",
        "        for op in module.walk():\n"
        "            if op.name == 'pto.tsub':\n"
        "                op.operands[0], op.operands[1] = op.operands[1], op.operands[0]\n"
        "        verify_module(module)\n        printer",
        KERNELS,
    ),
    Mutant(
        "printer: rounding modes",
        "dsv4_passes/formats/pto/target.py",
        "        drop_notes(module)\n        verify_module",
        "        drop_notes(module)\n"
        "        from dialects.pto.attributes import RoundModeAttr\n"
        "        for op in module.walk():\n"
        "            if op.name == 'pto.tcvt':\n"
        "                op.properties['rmode'] = RoundModeAttr('FLOOR')\n"
        "        verify_module",
        KERNELS,
    ),
    # -- program text -----------------------------------------------------------------------------------
    Mutant(
        "export: operands of a subtraction",
        "dsv4_passes/formats/pypto/writer/tiles.py",
        "names = [text.tile_name(v) if is_tile(v) else text.scalar(v) for v in operands]",
        "names = [text.tile_name(v) if is_tile(v) else text.scalar(v) for v in operands]\n"
        "    names = names[::-1] if op.name == 'pto.tsub' else names",
        PROGRAMS,
    ),
    Mutant(
        "export: the offsets of a slice",
        "dsv4_passes/formats/pypto/writer/tiles.py",
        "    shape, _ = _shape(text, op.res)\n    offsets = text.index_list(op.offsets)",
        "    shape, _ = _shape(text, op.res)\n    offsets = text.index_list(list(op.offsets)[::-1])",
        ("mixed", "chunked_select", "column_chunks", "fused-only", "other_grid", "head_groups"),
    ),
    Mutant(
        "export: products that do not accumulate",
        "dsv4_passes/formats/pypto/writer/tiles.py",
        'operands = ", ".join(text.tile_name(v) for v in op.ins)\n',
        'operands = ", ".join(text.tile_name(v) for v in [*op.ins[:-1], op.ins[-1]][:: 1 if len(op.ins) < 3 '
        "else 1][-2:])\n    word = 'matmul'\n",
        ("chunked_select", "fused-only"),
    ),
    # -- programs ---------------------------------------------------------------------------------------
    Mutant(
        "re-gridding: index code multiplies by another number",
        f"{T}/common/index_codegen.py",
        "value = self.insert(arith.MuliOp(value, self._index(coefficient)))",
        "value = self.insert(arith.MuliOp(value, self._index(coefficient + 1)))",
        ("other_grid", "sibling_loops", "head_groups"),
    ),
    Mutant(
        "re-gridding: index code forgets a constant",
        f"{T}/common/index_codegen.py",
        "value = self.insert(arith.AddiOp(rest, self._index(number.constant)))",
        "value = rest",
        ("other_grid", "sibling_loops", "head_groups"),
    ),
    Mutant(
        "fusion: launched in the blocks of the other kernel",
        f"{T}/fusion/fuse_stages.py",
        "pair.consumer.block_count == pair.producer.block_count else pair.producer.grid,",
        "True else pair.producer.grid,",
        test="tests/unit/test_regrid.py",
    ),
    Mutant(
        "facts: even for odd",
        "dsv4_passes/equivalence/facts.py",
        '_FIRST_LANE = {"even": 0, "odd": 1}',
        '_FIRST_LANE = {"even": 1, "odd": 0}',
        test="tests/unit/test_facts.py",
    ),
    Mutant(
        "fusion: a parameter of the other kernel",
        f"{T}/fusion/fuse_stages.py",
        "launch, index = (pair.producer, a) if a is not None else (pair.consumer, b)",
        "launch, index = (pair.producer, 0) if a is not None else (pair.consumer, b)",
        PROGRAMS,
    ),
    Mutant(
        "dropping: another argument of a launch goes",
        f"{T}/program/drop_dead_args.py",
        "if i not in {position[g] for g in gone}]",
        "if len(launch.args) - 1 - i not in {position[g] for g in gone}]",
        PROGRAMS,
    ),
    Mutant(
        "dropping: stores that are read go",
        f"{T}/program/drop_dead_stores.py",
        "if not mine or not argument.uses or any(_is_read(t, launches) for t in tensors):",
        "if not mine or not argument.uses:",
        PROGRAMS,
    ),
    Mutant(
        "hoisting: loads of what the loop stores are taken out",
        f"{T}/memory/hoist_fills.py",
        "_runs_in(op, loop) and may_move(op) and _is_invariant(op, loop):",
        "_runs_in(op, loop) and isinstance(op, TileOp) and op.results and _is_invariant(op, loop):",
        ("in-place",),
    ),
    # -- stages that end in an address, a number or a place ---------------------------------------------
    Mutant(
        "lower: a window at another place",
        f"{T}/lowering/handles.py",
        "return self._subview(before, base, (insert.row, insert.col), piece, extents)",
        "return self._subview(before, base, (insert.col, insert.row), piece, extents)",
        ("assemble-level2", "column_chunks-folder", "bitpack-level2"),
    ),
    Mutant(
        "memory plan: the address of a window",
        f"{T}/lowering/placement.py",
        "return None if inside is None or (base + inside) % 32 else base + inside",
        "return None if inside is None or (base + inside) % 32 else base + max(0, inside - 32)",
        ("assemble", *KERNELS),
    ),
    Mutant(
        "memory plan: the address of a part",
        f"{T}/lowering/placement.py",
        "return self.addresses[self.classes.find(root)] + self.classes.inside.get(root, 0) + offset",
        "return self.addresses[self.classes.find(root)] + self.classes.inside.get(root, 0)",
        ("assemble", *KERNELS),
    ),
    Mutant(
        "memory plan: where a tile lies in its class",
        f"{T}/lowering/placement.py",
        "return self.addresses[self.classes.find(root)] + self.classes.inside.get(root, 0) + offset",
        "return self.addresses[self.classes.find(root)] + offset",
        test="tests/unit/test_assembled.py tests/unit/test_bit_kernels.py",
    ),
    Mutant(
        "export: the value of a fill",
        "dsv4_passes/formats/pypto/writer/tiles.py",
        'text.tile(op.res[0], f"pl.tile.full({shape}, dtype=pl.{dtype}, value={value})")',
        'text.tile(op.res[0], f"pl.tile.full({shape}, dtype=pl.{dtype}, value=1)")',
        ("mixed", "preserve_blend", "preserve_blend-fuse", "rope_c-program", "rope_c-lanes"),
    ),
    Mutant(
        "index code: the divisor",
        f"{T}/common/index_codegen.py",
        "arith.DivSIOp(self.variables[axis], self._index(divisor))",
        "arith.DivSIOp(self.variables[axis], self._index(max(1, divisor - 1)))",
        test="tests/unit/test_regrid.py",
    ),
    Mutant(
        "index code: parts of a sum",
        f"{T}/common/index_codegen.py",
        "value = self.insert(arith.AddiOp(self._sum(number._replace(parts=tuple(others))), value))",
        "value = self.insert(arith.SubiOp(self._sum(number._replace(parts=tuple(others))), value))",
        ("other_grid", "other_grid-folder", "head_groups"),
    ),
    Mutant(
        "fusion: work is done on the other piece",
        f"{T}/fusion/sink_into_inserts.py",
        "mapping = {v: p[number].value for v, p in zip(tiles, parts, strict=True) if p is not None}",
        "mapping = {v: p[-1 - number].value for v, p in zip(tiles, parts, strict=True) if p is not None}",
        ("column_chunks", "other_grid", "sibling_loops", "half_rewritten", "head_groups"),
    ),
    Mutant(
        "fusion: slices of what is done at once",
        f"{T}/fusion/hoist_over_slices.py",
        "slice_ = SubviewOp(whole.res[0], view.offsets, view.static_sizes, piece)",
        "slice_ = SubviewOp(whole.res[0], [view.offsets[0]] * 2, view.static_sizes, piece)",
        ("column_chunks", "other_grid", "sibling_loops", "head_groups", "half_rewritten"),
    ),
    Mutant(
        "fusion: the row that is forwarded",
        f"{T}/fusion/store_to_load.py",
        "(at_row + int(top), at_col + int(left)),",
        "(at_row, at_col + int(left)),",
        test="tests/unit/test_fuse_stages.py",
    ),
    Mutant(
        "fusion: stores side by side are put on one another",
        f"{T}/fusion/store_to_load.py",
        "InsertOp(part, whole, index_before(before, 0), index_before(before, col))",
        "InsertOp(part, whole, index_before(before, 0), index_before(before, 0))",
        ("column_chunks", "head_groups", "staged", "two_roundings", "half_rewritten"),
    ),
    Mutant(
        "fusion: tasks go to other places",
        f"{T}/fusion/task_mapping.py",
        'return np.argsort(owners, kind="stable").reshape(*places.shape, -1)',
        'return np.argsort(owners, kind="stable")[::-1].reshape(*places.shape, -1)',
        test="tests/unit/test_regrid.py",
    ),
    Mutant(
        "folder: launched in other numbers of blocks",
        "dsv4_passes/cli/program_steps.py",
        'step["blocks"] = blocks.data if isinstance(blocks, StringAttr) else blocks',
        'step["blocks"] = blocks.data if isinstance(blocks, StringAttr) else max(1, blocks - 1)',
        ("staged-folder", "mixed-folder"),
    ),
    # -- lane forms: compared inside their pass already, so what is tried is refused --------------------
    Mutant(
        "lane forms: merged from the other parity",
        f"{T}/lanes/checked_rewrite.py",
        "            difference = compare_effects(self.run, after)\n",
        "            difference = None\n"
        "            for op in self.function.walk():\n"
        "                if op.name == 'pto.tscatter' and len(op.operands) == 1:\n"
        "                    op.properties = dict(op.properties)\n"
        "                    word = str(op.properties['maskPattern'])\n"
        "                    other = type(op.properties['maskPattern'])\n"
        "                    op.properties['maskPattern'] = other('P1010' if 'P0101' in word else 'P0101')\n",
        KERNELS,
    ),
    Mutant(
        "lane forms: no early rounding",
        f"{T}/lanes/checked_rewrite.py",
        "        if difference is None:\n            return Rewritten(candidate, new, conditions)",
        "        if True:\n            return Rewritten(candidate, new, conditions)",
        ("rope_a", "unrotate", "staged", "two_roundings"),
    ),
    # -- the trusted base: common-mode, found by tests of the rules -------------------------------------
    Mutant(
        "terms: Z moves through roundings",
        "dsv4_passes/equivalence/terms.py",
        "if bare == self.neg_zero:\n            return self.zero",
        "return bare",
        test="tests/unit/test_terms.py",
    ),
    Mutant(
        "terms: elementwise 0 * a is 0",
        "dsv4_passes/equivalence/terms.py",
        "if x == self.one:  # 1 * y = y, for every y",
        "if x == self.zero:\n                    return x\n                if x == self.one:",
        test="tests/unit/test_terms.py",
    ),
    Mutant(
        "terms: roundings of both modes are one",
        "dsv4_passes/equivalence/terms.py",
        'return self.node(("round", dtype, mode), (a,), flags & HIDES_Z | REPRESENTABLE[dtype])',
        'return self.node(("round", dtype, "RINT"), (a,), flags & HIDES_Z | REPRESENTABLE[dtype])',
        test="tests/unit/test_terms.py",
    ),
    Mutant(
        "terms: rows that a tile does not have are those of the operation",
        "dsv4_passes/equivalence/partly_valid.py",
        "if not any(open_):",
        "if open_:",
        test="tests/unit/test_partly_valid.py",
    ),
    Mutant(
        "comparison: a rounding in any mode may be dropped",
        "dsv4_passes/validation/rounding.py",
        "if ours in NEAREST and",
        'if ours[:2] == ("round", "bf16") and',
        test="tests/unit/test_dropped_roundings.py",
    ),
    Mutant(
        "comparison: only the first stores count",
        "dsv4_passes/equivalence/comparison.py",
        "wrong = int(np.argmax(x.ids != y.ids))",
        "return None\n    wrong = int(np.argmax(x.ids != y.ids))",
        test="tests/unit/test_validate.py",
    ),
    Mutant(
        "numbers: rounding to nearest",
        "dsv4_passes/interpreter/numerics.py",
        'SYMMETRIC_MODES = frozenset({"RINT"',
        'SYMMETRIC_MODES = frozenset({"FLOOR", "RINT"',
        test="tests/unit/test_terms.py tests/property/test_terms_sound.py",
    ),
)
