# pypto.program: scalars
# Scalars as parameters, as loop-carried values, and as results beside tensors.
import pypto.language as pl

@pl.program
class scalars:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def walk(table__ssa_v0: pl.Tensor[[16], pl.INT32], src__ssa_v0: pl.Tensor[[64, 32], pl.FP32], out__ssa_v0: pl.Out[pl.Tensor[[16, 32], pl.FP32]], count__ssa_v0: pl.Scalar[pl.INT32], start__ssa_v0: pl.Scalar[pl.INDEX], factor__ssa_v0: pl.Scalar[pl.FP32], skip__ssa_v0: pl.Scalar[pl.BOOL], marks__ssa_v0: pl.InOut[pl.Tensor[[4, 16], pl.INT32]]) -> tuple[pl.Tensor[[16, 32], pl.FP32], pl.Scalar[pl.INDEX], pl.Scalar[pl.INDEX]]:
        limit__ssa_v0: pl.Scalar[pl.INDEX] = pl.min(pl.cast(count__ssa_v0, pl.INDEX), 16)
        for i__idx_v0, (out__iter_v1, total__iter_v1, last__iter_v1) in pl.range(0, limit__ssa_v0, 1, init_values=(out__ssa_v0, start__ssa_v0, 0)):
            entry__ssa_v0: pl.Scalar[pl.INT32] = pl.tensor.read(table__ssa_v0, [i__idx_v0])
            row__ssa_v0: pl.Scalar[pl.INDEX] = pl.cast(entry__ssa_v0, pl.INDEX)
            x__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(src__ssa_v0, [(row__ssa_v0 + start__ssa_v0) % 64, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
            y__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.muls(x__tile, factor__ssa_v0)
            if skip__ssa_v0:
                z__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.muls(y__tile, -0.5)
                w__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.yield_(z__tile)
            else:
                w__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.yield_(y__tile)
            pl.tensor.write(marks__ssa_v0, [1, i__idx_v0], entry__ssa_v0)
            pl.tensor.write(marks__ssa_v0, [i__idx_v0 // 8 + 2, i__idx_v0 - i__idx_v0 // 8 * 8], pl.cast(row__ssa_v0 * 3 - (row__ssa_v0 - 1), pl.INT32))
            out__tile: pl.Tensor[[16, 32], pl.FP32] = pl.tile.store(w__tile, [i__idx_v0, 0], out__iter_v1)
            total__ssa_v2: pl.Scalar[pl.INDEX] = total__iter_v1 + row__ssa_v0
            out__rv_v2, total__rv_v2, last__rv_v2 = pl.yield_(out__tile, total__ssa_v2, row__ssa_v0)
        return out__rv_v2, total__rv_v2, last__rv_v2
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def scalars_main(self, table__ssa_v0: pl.Tensor[[16], pl.INT32], src__ssa_v0: pl.Tensor[[64, 32], pl.FP32], sizes__ssa_v0: pl.Tensor[[2, 2], pl.INT32], factor__ssa_v0: pl.Scalar[pl.FP32], out__ssa_v0: pl.Out[pl.Tensor[[16, 32], pl.FP32]], again__ssa_v0: pl.Out[pl.Tensor[[16, 32], pl.FP32]], marks__ssa_v0: pl.InOut[pl.Tensor[[4, 16], pl.INT32]]) -> pl.Tensor[[16, 32], pl.FP32]:
        count__ssa_v0: pl.Scalar[pl.INT32] = pl.tensor.read(sizes__ssa_v0, [1, 0])
        few__ssa_v0: pl.Scalar[pl.BOOL] = count__ssa_v0 < pl.const(4, pl.INT32)
        ret__tmp_v0: pl.Tuple[pl.Tensor[[16, 32], pl.FP32], pl.Scalar[pl.INDEX], pl.Scalar[pl.INDEX]] = self.walk(table__ssa_v0, src__ssa_v0, out__ssa_v0, count__ssa_v0, 0, factor__ssa_v0, few__ssa_v0, marks__ssa_v0)
        out__ssa_v1: pl.Tensor[[16, 32], pl.FP32] = ret__tmp_v0[0]
        total__ssa_v0: pl.Scalar[pl.INDEX] = ret__tmp_v0[1]
        last__ssa_v0: pl.Scalar[pl.INDEX] = ret__tmp_v0[2]
        ret__tmp_v1: pl.Tuple[pl.Tensor[[16, 32], pl.FP32], pl.Scalar[pl.INDEX], pl.Scalar[pl.INDEX]] = self.walk(table__ssa_v0, src__ssa_v0, again__ssa_v0, count__ssa_v0, total__ssa_v0, factor__ssa_v0, few__ssa_v0, marks__ssa_v0)
        again__ssa_v1: pl.Tensor[[16, 32], pl.FP32] = ret__tmp_v1[0]
        return out__ssa_v1
