# pypto.program: inplace
# A kernel that reads memory which it has written itself, also around a loop.
import pypto.language as pl

@pl.program
class inplace:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def shift(buf__ssa_v0: pl.InOut[pl.Tensor[[8, 64], pl.FP32]]) -> pl.Tensor[[8, 64], pl.FP32]:
        x__tile: pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(buf__ssa_v0, [0, 0], [1, 64], [1, 64], target_memory=pl.Mem.Vec, transpose=False)
        y__tile: pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec] = pl.tile.muls(x__tile, 2.0)
        buf__ssa_v1: pl.Tensor[[8, 64], pl.FP32] = pl.tile.store(y__tile, [0, 0], buf__ssa_v0)
        for r__idx_v0, (buf__iter_v2,) in pl.range(1, 8, init_values=(buf__ssa_v1,)):
            above__tile: pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(buf__iter_v2, [r__idx_v0 - 1, 0], [1, 64], [1, 64], target_memory=pl.Mem.Vec, transpose=False)
            here__tile: pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(buf__iter_v2, [r__idx_v0, 0], [1, 64], [1, 64], target_memory=pl.Mem.Vec, transpose=False)
            sum__tile: pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec] = pl.tile.add(above__tile, here__tile)
            buf__ssa_v3: pl.Tensor[[8, 64], pl.FP32] = pl.tile.store(sum__tile, [r__idx_v0, 0], buf__iter_v2)
            buf__rv_v4: pl.Tensor[[8, 64], pl.FP32] = pl.yield_(buf__ssa_v3)
        return buf__rv_v4
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def inplace_main(self, buf__ssa_v0: pl.InOut[pl.Tensor[[8, 64], pl.FP32]]) -> pl.Tensor[[8, 64], pl.FP32]:
        buf__ssa_v1: pl.Tensor[[8, 64], pl.FP32] = self.shift(buf__ssa_v0)
        return buf__ssa_v1
