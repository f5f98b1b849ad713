# pypto.program: selector_copy
# One tensor may not be loaded both as it is and transposed, so a kernel of one block copies the select matrices:
# the copies de-interleave, the parameters themselves re-interleave.
import pypto.language as pl

@pl.program
class selector_copy:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def copy_selectors(even_copy__ssa_v0: pl.Out[pl.Tensor[[32, 16], pl.BF16]], odd_copy__ssa_v0: pl.Out[pl.Tensor[[32, 16], pl.BF16]], even_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16]) -> tuple[pl.Tensor[[32, 16], pl.BF16], pl.Tensor[[32, 16], pl.BF16]]:
        even__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Vec] = pl.tile.load(even_select__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Vec, transpose=False)
        even_copy__ssa_v1: pl.Tensor[[32, 16], pl.BF16] = pl.tile.store(even__tile, [0, 0], even_copy__ssa_v0)
        odd__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Vec] = pl.tile.load(odd_select__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Vec, transpose=False)
        odd_copy__ssa_v1: pl.Tensor[[32, 16], pl.BF16] = pl.tile.store(odd__tile, [0, 0], odd_copy__ssa_v0)
        return even_copy__ssa_v1, odd_copy__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def apply(out__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.BF16]], stage__ssa_v0: pl.Tensor[[64, 32], pl.BF16], even_copy__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_copy__ssa_v0: pl.Tensor[[32, 16], pl.BF16], cos__ssa_v0: pl.Tensor[[4, 16], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 16], pl.FP32], even_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16]) -> pl.Tensor[[64, 32], pl.BF16]:
        token: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = token * 16
        x__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(stage__ssa_v0, [row, 0], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
        even_copy__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_copy__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=False)
        even__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, even_copy__tile)
        odd_copy__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_copy__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=False)
        odd__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, odd_copy__tile)
        cos__tile: pl.Tile[[1, 16], pl.FP32, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [token, 0], [1, 16], [1, 16], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[1, 16], pl.FP32, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [token, 0], [1, 16], [1, 16], target_memory=pl.Mem.Vec, transpose=False)
        even_cos__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, cos__tile)
        odd_sin__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, sin__tile)
        rot_even__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_cos__tile, odd_sin__tile)
        odd_cos__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, cos__tile)
        even_sin__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, sin__tile)
        rot_odd__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.sub(odd_cos__tile, even_sin__tile)
        rot_even_bf16__tile: pl.Tile[[16, 16], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
        rot_odd_bf16__tile: pl.Tile[[16, 16], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
        even_back__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(even_select__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=True)
        acc__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_even_bf16__tile, even_back__tile)
        odd_back__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(odd_select__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=True)
        joined__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__tile, rot_odd_bf16__tile, odd_back__tile)
        joined_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='rint')
        out__ssa_v1: pl.Tensor[[64, 32], pl.BF16] = pl.tile.store(joined_bf16__tile, [row, 0], out__ssa_v0)
        return out__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def apply_spmd(self, out__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.BF16]], stage__ssa_v0: pl.Tensor[[64, 32], pl.BF16], even_copy__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_copy__ssa_v0: pl.Tensor[[32, 16], pl.BF16], cos__ssa_v0: pl.Tensor[[4, 16], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 16], pl.FP32], even_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16]) -> pl.Tensor[[64, 32], pl.BF16]:
        out__rv_v1: pl.Tensor[[64, 32], pl.BF16] = self.apply(out__ssa_v0, stage__ssa_v0, even_copy__ssa_v0, odd_copy__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        return out__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def selector_copy_main(self, stage__ssa_v0: pl.Tensor[[64, 32], pl.BF16], cos__ssa_v0: pl.Tensor[[4, 16], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 16], pl.FP32], even_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], out__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.BF16]]) -> pl.Tensor[[64, 32], pl.BF16]:
        even_copy__ssa_v0: pl.Tensor[[32, 16], pl.BF16] = pl.tensor.create([32, 16], dtype=pl.BF16, layout=pl.TensorLayout.ND)
        odd_copy__ssa_v0: pl.Tensor[[32, 16], pl.BF16] = pl.tensor.create([32, 16], dtype=pl.BF16, layout=pl.TensorLayout.ND)
        ret__tmp_v0: pl.Tuple[pl.Tensor[[32, 16], pl.BF16], pl.Tensor[[32, 16], pl.BF16]] = self.copy_selectors(even_copy__ssa_v0, odd_copy__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        even_copy__ssa_v1: pl.Tensor[[32, 16], pl.BF16] = ret__tmp_v0[0]
        odd_copy__ssa_v1: pl.Tensor[[32, 16], pl.BF16] = ret__tmp_v0[1]
        out__ssa_v1: pl.Tensor[[64, 32], pl.BF16] = self.apply_spmd(out__ssa_v0, stage__ssa_v0, even_copy__ssa_v1, odd_copy__ssa_v1, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        return out__ssa_v1
