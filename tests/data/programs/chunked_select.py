# pypto.program: chunked_select
# De-interleave, rotate and re-interleave in one kernel. The select matrices are multiplied in four chunks of 16
# lanes, accumulated over a pipelined loop whose first trip starts the accumulators.
import pypto.language as pl

@pl.program
class chunked_select:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def rope(out__ssa_v0: pl.InOut[pl.Tensor[[64, 64], pl.BF16]], x__ssa_v0: pl.Tensor[[64, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[2, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[2, 32], pl.BF16], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]) -> pl.Tensor[[64, 64], pl.BF16]:
        block: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = block * 32
        even_start__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.create([32, 32], dtype=pl.FP32, target_memory=pl.Mem.Vec)
        odd_start__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.create([32, 32], dtype=pl.FP32, target_memory=pl.Mem.Vec)
        for r0, (even__iter, odd__iter) in pl.pipeline(0, 64, 16, stage=2, init_values=(even_start__tile, odd_start__tile)):
            chunk__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Mat] = pl.tile.load(x__ssa_v0, [row, r0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=False)
            even_part__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select__ssa_v0, [r0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
            odd_part__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select__ssa_v0, [r0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
            if r0 == 0:
                even_first__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(chunk__tile, even_part__tile)
                odd_first__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(chunk__tile, odd_part__tile)
                even__phi, odd__phi = pl.yield_(even_first__tile, odd_first__tile)
            else:
                even_next__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(even__iter, chunk__tile, even_part__tile)
                odd_next__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(odd__iter, chunk__tile, odd_part__tile)
                even__phi, odd__phi = pl.yield_(even_next__tile, odd_next__tile)
            even__rv, odd__rv = pl.yield_(even__phi, odd__phi)
        cos_raw__tile: pl.Tile[[1, 32], pl.BF16, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [block, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        cos__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.cast(cos_raw__tile, target_type=pl.FP32, mode='round')
        sin_raw__tile: pl.Tile[[1, 32], pl.BF16, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [block, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.cast(sin_raw__tile, target_type=pl.FP32, mode='round')
        even_cos__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__rv, cos__tile)
        odd_sin__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__rv, sin__tile)
        rot_even__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(even_cos__tile, odd_sin__tile)
        even_sin__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__rv, sin__tile)
        odd_cos__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__rv, cos__tile)
        rot_odd__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_sin__tile, odd_cos__tile)
        rot_even_bf16__tile: pl.Tile[[32, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
        rot_odd_bf16__tile: pl.Tile[[32, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
        even_select__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        acc__tile: pl.Tile[[32, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_even_bf16__tile, even_select__tile)
        odd_select__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        joined__tile: pl.Tile[[32, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__tile, rot_odd_bf16__tile, odd_select__tile)
        joined_bf16__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='rint')
        out__ssa_v1: pl.Tensor[[64, 64], pl.BF16] = pl.tile.store(joined_bf16__tile, [row, 0], out__ssa_v0)
        return out__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})
    def rope_spmd(self, out__ssa_v0: pl.InOut[pl.Tensor[[64, 64], pl.BF16]], x__ssa_v0: pl.Tensor[[64, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[2, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[2, 32], pl.BF16], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]) -> pl.Tensor[[64, 64], pl.BF16]:
        out__rv_v1: pl.Tensor[[64, 64], pl.BF16] = self.rope(out__ssa_v0, x__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        return out__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def chunked_select_main(self, x__ssa_v0: pl.Tensor[[64, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[2, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[2, 32], pl.BF16], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], out__ssa_v0: pl.InOut[pl.Tensor[[64, 64], pl.BF16]]) -> pl.Tensor[[64, 64], pl.BF16]:
        out__ssa_v1: pl.Tensor[[64, 64], pl.BF16] = self.rope_spmd(out__ssa_v0, x__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        return out__ssa_v1
