# pypto.program: dynamic
# Extents that are only known when the program runs, and a number of blocks that is an expression.
import pypto.language as pl

ROWS = pl.dynamic("ROWS")
COLS_DYN = pl.dynamic("COLS_DYN")

@pl.program
class dynamic:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def copy(src__ssa_v0: pl.Tensor[[ROWS, 64], pl.FP32], out__ssa_v0: pl.Out[pl.Tensor[[ROWS, 64], pl.FP32]], other__ssa_v0: pl.Tensor[[4, COLS_DYN], pl.FP32]) -> pl.Tensor[[ROWS, 64], pl.FP32]:
        n__ssa_v0: pl.Scalar[pl.INDEX] = pl.tensor.dim(src__ssa_v0, 0)
        for r__idx_v0, (out__iter_v1,) in pl.range(0, ROWS, 8, init_values=(out__ssa_v0,)):
            left__ssa_v0: pl.Scalar[pl.INDEX] = pl.min(n__ssa_v0 - r__idx_v0, 8)
            x__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec, pl.TileView(valid_shape=[left__ssa_v0, 64])] = pl.tile.load(src__ssa_v0, [r__idx_v0, 0], [8, 64], [left__ssa_v0, 64], target_memory=pl.Mem.Vec, transpose=False)
            y__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec, pl.TileView(valid_shape=[left__ssa_v0, 64])] = pl.tile.adds(x__tile, 1.0)
            out__tile: pl.Tensor[[ROWS, 64], pl.FP32] = pl.tile.store(y__tile, [r__idx_v0, 0], out__iter_v1)
            out__rv_v2: pl.Tensor[[ROWS, 64], pl.FP32] = pl.yield_(out__tile)
        return out__rv_v2
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": bs_dim__ssa_v0 // 8})
    def copy_spmd(self, src__ssa_v0: pl.Tensor[[ROWS, 64], pl.FP32], out__ssa_v0: pl.Out[pl.Tensor[[ROWS, 64], pl.FP32]], other__ssa_v0: pl.Tensor[[4, COLS_DYN], pl.FP32]) -> pl.Tensor[[ROWS, 64], pl.FP32]:
        out__rv_v1: pl.Tensor[[ROWS, 64], pl.FP32] = self.copy(src__ssa_v0, out__ssa_v0, other__ssa_v0)
        return out__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def dynamic_main(self, src__ssa_v0: pl.Tensor[[ROWS, 64], pl.FP32], other__ssa_v0: pl.Tensor[[4, COLS_DYN], pl.FP32], out__ssa_v0: pl.Out[pl.Tensor[[ROWS, 64], pl.FP32]]) -> pl.Tensor[[ROWS, 64], pl.FP32]:
        stage__ssa_v0: pl.Tensor[[ROWS, 64], pl.FP32] = pl.tensor.create([ROWS, 64], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        stage__ssa_v1: pl.Tensor[[ROWS, 64], pl.FP32] = self.copy(src__ssa_v0, stage__ssa_v0, other__ssa_v0)
        out__ssa_v1: pl.Tensor[[ROWS, 64], pl.FP32] = self.copy_spmd(stage__ssa_v1, out__ssa_v0, other__ssa_v0)
        return out__ssa_v1
