# pypto.program: loops_in_place
# Two loops of the orchestration with as many trips. The second takes what the first made for it, and goes on with
# a tensor that the first has written: it adds to the rows of each batch in place.
import pypto.language as pl

@pl.program
class loops_in_place:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def make(sums__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]], rest__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]], x__ssa_v0: pl.Tensor[[64, 32], pl.FP32], y__ssa_v0: pl.Tensor[[64, 32], pl.FP32], batch__ssa_v0: pl.Scalar[pl.INDEX]) -> tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]]:
        row: pl.Scalar[pl.INDEX] = batch__ssa_v0 * 16
        x__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(x__ssa_v0, [row, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        y__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(y__ssa_v0, [row, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        sum__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(x__tile, y__tile)
        sums__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = pl.tile.store(sum__tile, [row, 0], sums__ssa_v0)
        rest__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(x__tile, y__tile)
        rest__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = pl.tile.store(rest__tile, [row, 0], rest__ssa_v0)
        return sums__ssa_v1, rest__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def add_rest(sums__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]], rest__ssa_v0: pl.Tensor[[64, 32], pl.FP32], batch__ssa_v0: pl.Scalar[pl.INDEX]) -> pl.Tensor[[64, 32], pl.FP32]:
        row: pl.Scalar[pl.INDEX] = batch__ssa_v0 * 16
        sum__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(sums__ssa_v0, [row, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        rest__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(rest__ssa_v0, [row, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        total__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(sum__tile, rest__tile)
        sums__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = pl.tile.store(total__tile, [row, 0], sums__ssa_v0)
        return sums__ssa_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def loops_in_place_main(self, x__ssa_v0: pl.Tensor[[64, 32], pl.FP32], y__ssa_v0: pl.Tensor[[64, 32], pl.FP32], sums__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]]) -> pl.Tensor[[64, 32], pl.FP32]:
        rest__ssa_v0: pl.Tensor[[64, 32], pl.FP32] = pl.tensor.create([64, 32], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        for batch, (sums__iter, rest__iter) in pl.parallel(4, init_values=(sums__ssa_v0, rest__ssa_v0)):
            ret__tmp_v0: pl.Tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]] = self.make(sums__iter, rest__iter, x__ssa_v0, y__ssa_v0, batch)
            sums__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v0[0]
            rest__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v0[1]
            sums__rv, rest__rv = pl.yield_(sums__ssa_v1, rest__ssa_v1)
        for batch_1, (sums__iter_1,) in pl.parallel(4, init_values=(sums__rv,)):
            sums__ssa_v2: pl.Tensor[[64, 32], pl.FP32] = self.add_rest(sums__iter_1, rest__rv, batch_1)
            sums__rv_1: pl.Tensor[[64, 32], pl.FP32] = pl.yield_(sums__ssa_v2)
        return sums__rv_1
