# pypto.program: two_roundings
# The halves are rounded to nearest even before the select products, and the sum is rounded with the default mode
# (ties away from zero) behind them: the first rounding can be seen, so it must stay.
import pypto.language as pl

@pl.program
class two_roundings:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def rope(out__ssa_v0: pl.InOut[pl.Tensor[[32, 64], pl.BF16]], x__ssa_v0: pl.Tensor[[32, 64], pl.FP32], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16]) -> pl.Tensor[[32, 64], pl.BF16]:
        token: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = token * 16
        x__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(x__ssa_v0, [row, 0], [16, 64], [16, 64], target_memory=pl.Mem.Vec, transpose=False)
        even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=1)
        odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=2)
        cos__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [token, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [token, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
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
        joined_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='round')
        out__ssa_v1: pl.Tensor[[32, 64], pl.BF16] = pl.tile.store(joined_bf16__tile, [row, 0], out__ssa_v0)
        return out__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})
    def rope_spmd(self, out__ssa_v0: pl.InOut[pl.Tensor[[32, 64], pl.BF16]], x__ssa_v0: pl.Tensor[[32, 64], pl.FP32], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16]) -> pl.Tensor[[32, 64], pl.BF16]:
        out__rv_v1: pl.Tensor[[32, 64], pl.BF16] = self.rope(out__ssa_v0, x__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select_t__ssa_v0, odd_select_t__ssa_v0)
        return out__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def two_roundings_main(self, x__ssa_v0: pl.Tensor[[32, 64], pl.FP32], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], out__ssa_v0: pl.InOut[pl.Tensor[[32, 64], pl.BF16]]) -> pl.Tensor[[32, 64], pl.BF16]:
        out__ssa_v1: pl.Tensor[[32, 64], pl.BF16] = self.rope_spmd(out__ssa_v0, x__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select_t__ssa_v0, odd_select_t__ssa_v0)
        return out__ssa_v1
