# pypto.program: views
# Tensors seen in other shapes and in pieces, and written through what they are seen as.
import pypto.language as pl

@pl.program
class views:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def fill(out__ssa_v0: pl.Out[pl.Tensor[[2, 64], pl.FP32]], value__ssa_v0: pl.Scalar[pl.FP32]) -> pl.Tensor[[2, 64], pl.FP32]:
        zero__tile: pl.Tile[[2, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([2, 64], dtype=pl.FP32, value=0.0)
        x__tile: pl.Tile[[2, 64], pl.FP32, pl.Mem.Vec] = pl.tile.adds(zero__tile, value__ssa_v0)
        out__ssa_v1: pl.Tensor[[2, 64], pl.FP32] = pl.tile.store(x__tile, [0, 0], out__ssa_v0)
        return out__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def twice(t__ssa_v0: pl.InOut[pl.Tensor[[8, 32], pl.FP32]]) -> pl.Tensor[[8, 32], pl.FP32]:
        x__tile: pl.Tile[[8, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(t__ssa_v0, [0, 0], [8, 32], [8, 32], target_memory=pl.Mem.Vec, transpose=False)
        y__tile: pl.Tile[[8, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(x__tile, x__tile)
        t__ssa_v1: pl.Tensor[[8, 32], pl.FP32] = pl.tile.store(y__tile, [0, 0], t__ssa_v0)
        return t__ssa_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def views_main(self, data__ssa_v0: pl.InOut[pl.Tensor[[8, 32], pl.FP32]], sizes__ssa_v0: pl.InOut[pl.Tensor[[4], pl.INT32]], piece__ssa_v0: pl.Tensor[[1, 32], pl.FP32], out__ssa_v0: pl.Out[pl.Tensor[[8, 32], pl.FP32]]) -> pl.Tensor[[8, 32], pl.FP32]:
        wide__ssa_v0: pl.Tensor[[4, 64], pl.FP32] = pl.tensor.reshape(data__ssa_v0, [4, 64])
        top__ssa_v0: pl.Tensor[[2, 64], pl.FP32] = pl.tensor.slice(wide__ssa_v0, [2, 64], [1, 0])
        top__ssa_v1: pl.Tensor[[2, 64], pl.FP32] = self.fill(top__ssa_v0, 3.0)
        data__ssa_v1: pl.Tensor[[8, 32], pl.FP32] = self.twice(data__ssa_v0)
        n__ssa_v0: pl.Scalar[pl.INT32] = pl.tensor.read(sizes__ssa_v0, [0])
        for i__idx_v0, (data__iter_v2,) in pl.parallel(0, pl.cast(n__ssa_v0, pl.INDEX), 1, init_values=(data__ssa_v1,)):
            if i__idx_v0 <= 1:
                data__ssa_v3: pl.Tensor[[8, 32], pl.FP32] = pl.tensor.assemble(data__iter_v2, piece__ssa_v0, [i__idx_v0, 0])
                data__phi_v4: pl.Tensor[[8, 32], pl.FP32] = pl.yield_(data__ssa_v3)
            else:
                data__ssa_v5: pl.Tensor[[8, 32], pl.FP32] = self.twice(data__iter_v2)
                data__phi_v4: pl.Tensor[[8, 32], pl.FP32] = pl.yield_(data__ssa_v5)
            pl.tensor.write(sizes__ssa_v0, [1], pl.cast(i__idx_v0, pl.INT32))
            data__rv_v5: pl.Tensor[[8, 32], pl.FP32] = pl.yield_(data__phi_v4)
        whole__ssa_v0: pl.Scalar[pl.INDEX] = pl.tensor.dim(data__rv_v5, 0)
        if whole__ssa_v0 == 8:
            self.twice(out__ssa_v0)
            again__ssa_v0: pl.Tensor[[4, 64], pl.FP32] = pl.tensor.reshape(out__ssa_v0, [4, 64])
            rows__ssa_v0: pl.Tensor[[2, 64], pl.FP32] = pl.tensor.slice(again__ssa_v0, [2, 64], [2, 0])
            self.fill(rows__ssa_v0, 7.0)
        return data__rv_v5
