# pypto.program: sibling_loops
# Two loops of the orchestration with as many trips: the first rotates 32 rows of each batch in two halves, the
# second multiplies the same 32 rows with a matrix.
import pypto.language as pl

@pl.program
class sibling_loops:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def rope(rotated__ssa_v0: pl.InOut[pl.Tensor[[128, 64], pl.BF16]], x__ssa_v0: pl.Tensor[[128, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], batch__ssa_v0: pl.Scalar[pl.INDEX]) -> pl.Tensor[[128, 64], pl.BF16]:
        for half, (rotated__iter_v1,) in pl.range(2, init_values=(rotated__ssa_v0,)):
            row: pl.Scalar[pl.INDEX] = batch__ssa_v0 * 32 + half * 16
            x__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(x__ssa_v0, [row, 0], [16, 64], [16, 64], target_memory=pl.Mem.Mat, transpose=False)
            even_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
            even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, even_select__tile)
            odd_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
            odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, odd_select__tile)
            cos__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [batch__ssa_v0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
            sin__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [batch__ssa_v0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
            even_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, cos__tile)
            odd_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, sin__tile)
            rot_even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(even_cos__tile, odd_sin__tile)
            even_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, sin__tile)
            odd_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, cos__tile)
            rot_odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_sin__tile, odd_cos__tile)
            rot_even_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
            rot_odd_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
            even_back__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
            acc__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_even_bf16__tile, even_back__tile)
            odd_back__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
            joined__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__tile, rot_odd_bf16__tile, odd_back__tile)
            joined_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='rint')
            rotated__ssa_v2: pl.Tensor[[128, 64], pl.BF16] = pl.tile.store(joined_bf16__tile, [row, 0], rotated__iter_v1)
            rotated__rv_v3: pl.Tensor[[128, 64], pl.BF16] = pl.yield_(rotated__ssa_v2)
        return rotated__rv_v3
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def mix(out__ssa_v0: pl.InOut[pl.Tensor[[128, 64], pl.FP32]], rotated__ssa_v0: pl.Tensor[[128, 64], pl.BF16], weight__ssa_v0: pl.Tensor[[64, 64], pl.BF16], batch__ssa_v0: pl.Scalar[pl.INDEX]) -> pl.Tensor[[128, 64], pl.FP32]:
        row: pl.Scalar[pl.INDEX] = batch__ssa_v0 * 32
        x__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(rotated__ssa_v0, [row, 0], [32, 64], [32, 64], target_memory=pl.Mem.Mat, transpose=False)
        weight__tile: pl.Tile[[64, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(weight__ssa_v0, [0, 0], [64, 64], [64, 64], target_memory=pl.Mem.Mat, transpose=False)
        mixed__tile: pl.Tile[[32, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, weight__tile)
        out__ssa_v1: pl.Tensor[[128, 64], pl.FP32] = pl.tile.store(mixed__tile, [row, 0], out__ssa_v0)
        return out__ssa_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def sibling_loops_main(self, x__ssa_v0: pl.Tensor[[128, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], weight__ssa_v0: pl.Tensor[[64, 64], pl.BF16], out__ssa_v0: pl.InOut[pl.Tensor[[128, 64], pl.FP32]]) -> pl.Tensor[[128, 64], pl.FP32]:
        rotated__ssa_v0: pl.Tensor[[128, 64], pl.BF16] = pl.tensor.create([128, 64], dtype=pl.BF16, layout=pl.TensorLayout.ND)
        for batch, (rotated__iter,) in pl.parallel(4, init_values=(rotated__ssa_v0,)):
            rotated__ssa_v1: pl.Tensor[[128, 64], pl.BF16] = self.rope(rotated__iter, x__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0, batch)
            rotated__rv: pl.Tensor[[128, 64], pl.BF16] = pl.yield_(rotated__ssa_v1)
        for batch_1, (out__iter,) in pl.parallel(4, init_values=(out__ssa_v0,)):
            out__ssa_v1: pl.Tensor[[128, 64], pl.FP32] = self.mix(out__iter, rotated__rv, weight__ssa_v0, batch_1)
            out__rv: pl.Tensor[[128, 64], pl.FP32] = pl.yield_(out__ssa_v1)
        return out__rv
