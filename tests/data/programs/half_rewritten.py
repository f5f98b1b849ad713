# pypto.program: half_rewritten
# A kernel stores whole rows and then their rotated half once more; the next one multiplies whole rows, of which
# each half was stored by another operation, with a matrix.
import pypto.language as pl

@pl.program
class half_rewritten:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def norm_rope(normed__ssa_v0: pl.Out[pl.Tensor[[64, 128], pl.BF16]], pooled__ssa_v0: pl.Tensor[[64, 128], pl.FP32], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16]) -> pl.Tensor[[64, 128], pl.BF16]:
        batch: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = batch * 16
        pooled__tile: pl.Tile[[16, 128], pl.FP32, pl.Mem.Vec] = pl.tile.load(pooled__ssa_v0, [row, 0], [16, 128], [16, 128], target_memory=pl.Mem.Vec, transpose=False)
        norm_bf16__tile: pl.Tile[[16, 128], pl.BF16, pl.Mem.Vec] = pl.tile.cast(pooled__tile, target_type=pl.BF16, mode='rint')
        normed__ssa_v1: pl.Tensor[[64, 128], pl.BF16] = pl.tile.store(norm_bf16__tile, [row, 0], normed__ssa_v0)
        x__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.slice(pooled__tile, [16, 64], [0, 64], [16, 64])
        even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=1)
        odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=2)
        cos__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [batch, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [batch, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        even_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, cos__tile)
        odd_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, sin__tile)
        rot_even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(even_cos__tile, odd_sin__tile)
        even_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, sin__tile)
        odd_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, cos__tile)
        rot_odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_sin__tile, odd_cos__tile)
        rot_even_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
        rot_odd_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
        even_select__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select_t__ssa_v0, [0, 0], [32, 64], [32, 64], target_memory=pl.Mem.Mat, transpose=False)
        acc__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_even_bf16__tile, even_select__tile)
        odd_select__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select_t__ssa_v0, [0, 0], [32, 64], [32, 64], target_memory=pl.Mem.Mat, transpose=False)
        joined__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__tile, rot_odd_bf16__tile, odd_select__tile)
        joined_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='rint')
        normed__ssa_v2: pl.Tensor[[64, 128], pl.BF16] = pl.tile.store(joined_bf16__tile, [row, 64], normed__ssa_v1)
        return normed__ssa_v2
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def hadamard(out__ssa_v0: pl.InOut[pl.Tensor[[64, 128], pl.FP32]], normed__ssa_v0: pl.Tensor[[64, 128], pl.BF16], matrix__ssa_v0: pl.Tensor[[128, 128], pl.BF16]) -> pl.Tensor[[64, 128], pl.FP32]:
        batch: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = batch * 16
        x__tile: pl.Tile[[16, 128], pl.BF16, pl.Mem.Mat] = pl.tile.load(normed__ssa_v0, [row, 0], [16, 128], [16, 128], target_memory=pl.Mem.Mat, transpose=False)
        matrix__tile: pl.Tile[[128, 128], pl.BF16, pl.Mem.Mat] = pl.tile.load(matrix__ssa_v0, [0, 0], [128, 128], [128, 128], target_memory=pl.Mem.Mat, transpose=False)
        y__tile: pl.Tile[[16, 128], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, matrix__tile)
        out__ssa_v1: pl.Tensor[[64, 128], pl.FP32] = pl.tile.store(y__tile, [row, 0], out__ssa_v0)
        return out__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def norm_rope_spmd(self, normed__ssa_v0: pl.Out[pl.Tensor[[64, 128], pl.BF16]], pooled__ssa_v0: pl.Tensor[[64, 128], pl.FP32], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16]) -> pl.Tensor[[64, 128], pl.BF16]:
        normed__rv_v1: pl.Tensor[[64, 128], pl.BF16] = self.norm_rope(normed__ssa_v0, pooled__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select_t__ssa_v0, odd_select_t__ssa_v0)
        return normed__rv_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def hadamard_spmd(self, out__ssa_v0: pl.InOut[pl.Tensor[[64, 128], pl.FP32]], normed__ssa_v0: pl.Tensor[[64, 128], pl.BF16], matrix__ssa_v0: pl.Tensor[[128, 128], pl.BF16]) -> pl.Tensor[[64, 128], pl.FP32]:
        out__rv_v1: pl.Tensor[[64, 128], pl.FP32] = self.hadamard(out__ssa_v0, normed__ssa_v0, matrix__ssa_v0)
        return out__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def half_rewritten_main(self, pooled__ssa_v0: pl.Tensor[[64, 128], pl.FP32], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], matrix__ssa_v0: pl.Tensor[[128, 128], pl.BF16], out__ssa_v0: pl.InOut[pl.Tensor[[64, 128], pl.FP32]]) -> pl.Tensor[[64, 128], pl.FP32]:
        normed__ssa_v0: pl.Tensor[[64, 128], pl.BF16] = pl.tensor.create([64, 128], dtype=pl.BF16, layout=pl.TensorLayout.ND)
        normed__ssa_v1: pl.Tensor[[64, 128], pl.BF16] = self.norm_rope_spmd(normed__ssa_v0, pooled__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select_t__ssa_v0, odd_select_t__ssa_v0)
        out__ssa_v1: pl.Tensor[[64, 128], pl.FP32] = self.hadamard_spmd(out__ssa_v0, normed__ssa_v1, matrix__ssa_v0)
        return out__ssa_v1
