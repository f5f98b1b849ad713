# pypto.program: directions
# Kernels that write what their callers do not get back: dependence is in the directions, not in the names.
import pypto.language as pl

@pl.program
class directions:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def double(src__ssa_v0: pl.Tensor[[4, 32], pl.FP32], copy__ssa_v0: pl.Out[pl.Tensor[[4, 32], pl.FP32]], twice__ssa_v0: pl.Out[pl.Tensor[[4, 32], pl.FP32]]) -> pl.Tensor[[4, 32], pl.FP32]:
        x__tile: pl.Tile[[4, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(src__ssa_v0, [0, 0], [4, 32], [4, 32], target_memory=pl.Mem.Vec, transpose=False)
        y__tile: pl.Tile[[4, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(x__tile, x__tile)
        copy__ssa_v1: pl.Tensor[[4, 32], pl.FP32] = pl.tile.store(x__tile, [0, 0], copy__ssa_v0)
        twice__ssa_v1: pl.Tensor[[4, 32], pl.FP32] = pl.tile.store(y__tile, [0, 0], twice__ssa_v0)
        return twice__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def increment(acc__ssa_v0: pl.InOut[pl.Tensor[[4, 32], pl.FP32]]):
        r__ssa_v0: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        x__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(acc__ssa_v0, [r__ssa_v0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        y__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.adds(x__tile, 1.0)
        acc__ssa_v1: pl.Tensor[[4, 32], pl.FP32] = pl.tile.store(y__tile, [r__ssa_v0, 0], acc__ssa_v0)
        return
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def sum_up(a__ssa_v0: pl.Tensor[[4, 32], pl.FP32], b__ssa_v0: pl.Tensor[[4, 32], pl.FP32], out__ssa_v0: pl.Out[pl.Tensor[[4, 32], pl.FP32]]) -> pl.Tensor[[4, 32], pl.FP32]:
        a__tile: pl.Tile[[4, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(a__ssa_v0, [0, 0], [4, 32], [4, 32], target_memory=pl.Mem.Vec, transpose=False)
        b__tile: pl.Tile[[4, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(b__ssa_v0, [0, 0], [4, 32], [4, 32], target_memory=pl.Mem.Vec, transpose=False)
        c__tile: pl.Tile[[4, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(a__tile, b__tile)
        out__ssa_v1: pl.Tensor[[4, 32], pl.FP32] = pl.tile.store(c__tile, [0, 0], out__ssa_v0)
        return out__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def increment_spmd(self, acc__ssa_v0: pl.InOut[pl.Tensor[[4, 32], pl.FP32]]):
        self.increment(acc__ssa_v0)
        return
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def directions_main(self, src__ssa_v0: pl.Tensor[[4, 32], pl.FP32], kept__ssa_v0: pl.Out[pl.Tensor[[4, 32], pl.FP32]], out__ssa_v0: pl.Out[pl.Tensor[[4, 32], pl.FP32]]) -> pl.Tensor[[4, 32], pl.FP32]:
        copy__ssa_v0: pl.Tensor[[4, 32], pl.FP32] = pl.tensor.create([4, 32], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        kept__ssa_v1: pl.Tensor[[4, 32], pl.FP32] = self.double(src__ssa_v0, copy__ssa_v0, kept__ssa_v0)
        for i__idx_v0, (again__iter_v1,) in pl.range(3, init_values=(kept__ssa_v1,)):
            self.increment_spmd(copy__ssa_v0)
            again__rv_v1: pl.Tensor[[4, 32], pl.FP32] = pl.yield_(again__iter_v1)
        out__ssa_v1: pl.Tensor[[4, 32], pl.FP32] = self.sum_up(copy__ssa_v0, again__rv_v1, out__ssa_v0)
        return out__ssa_v1
