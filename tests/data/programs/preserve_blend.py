# pypto.program: preserve_blend
# Inverse rotation of the last 64 lanes of an FP32 tile that was computed here: gather and scatter by mask, each
# scatter blended into a zero buffer so that its other lanes are kept, and one rounding at the end.
import pypto.language as pl

@pl.program
class preserve_blend:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def attend(out__ssa_v0: pl.InOut[pl.Tensor[[32, 128], pl.BF16]], acc__ssa_v0: pl.Tensor[[32, 128], pl.FP32], norm__ssa_v0: pl.Tensor[[2, 16], pl.FP32], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32]) -> pl.Tensor[[32, 128], pl.BF16]:
        token: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = token * 16
        acc__tile: pl.Tile[[16, 128], pl.FP32, pl.Mem.Vec] = pl.tile.load(acc__ssa_v0, [row, 0], [16, 128], [16, 128], target_memory=pl.Mem.Vec, transpose=False)
        norm_row__tile: pl.Tile[[1, 16], pl.FP32, pl.Mem.Vec] = pl.tile.load(norm__ssa_v0, [token, 0], [1, 16], [1, 16], target_memory=pl.Mem.Vec, transpose=False)
        norm__tile: pl.Tile[[16, 1], pl.FP32, pl.Mem.Vec] = pl.tile.reshape(norm_row__tile, [16, 1])
        normed__tile: pl.Tile[[16, 128], pl.FP32, pl.Mem.Vec] = pl.tile.row_expand_mul(acc__tile, norm__tile)
        nope__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.slice(normed__tile, [16, 64], [0, 0], [16, 64])
        nope_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(nope__tile, target_type=pl.BF16, mode='rint')
        out__ssa_v1: pl.Tensor[[32, 128], pl.BF16] = pl.tile.store(nope_bf16__tile, [row, 0], out__ssa_v0)
        x__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.slice(normed__tile, [16, 64], [0, 64], [16, 64])
        even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=1)
        odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=2)
        cos__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [token, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [token, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        even_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, cos__tile)
        odd_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, sin__tile)
        rot_even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_cos__tile, odd_sin__tile)
        odd_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, cos__tile)
        even_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, sin__tile)
        rot_odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(odd_cos__tile, even_sin__tile)
        buf__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        values_zero__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        values__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.scatter_mask(values_zero__tile, rot_even__tile, mask_pattern=1)
        mask_zero__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        ones__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 32], dtype=pl.FP32, value=1.0)
        mask__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.scatter_mask(mask_zero__tile, ones__tile, mask_pattern=1)
        pred__tile: pl.Tile[[16, 32], pl.UINT8, pl.Mem.Vec, pl.TileView(valid_shape=[16, 8])] = pl.tile.cmps(mask__tile, 0.0, cmp_type=1)
        sel_tmp__tile: pl.Tile[[1, 32], pl.UINT8, pl.Mem.Vec] = pl.tile.create([1, 32], dtype=pl.UINT8, target_memory=pl.Mem.Vec)
        buf_v1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.sel(pred__tile, values__tile, buf__tile, sel_tmp__tile)
        values_zero_1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        values_1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.scatter_mask(values_zero_1__tile, rot_odd__tile, mask_pattern=2)
        mask_zero_1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        ones_1__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 32], dtype=pl.FP32, value=1.0)
        mask_1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.scatter_mask(mask_zero_1__tile, ones_1__tile, mask_pattern=2)
        pred_1__tile: pl.Tile[[16, 32], pl.UINT8, pl.Mem.Vec, pl.TileView(valid_shape=[16, 8])] = pl.tile.cmps(mask_1__tile, 0.0, cmp_type=1)
        sel_tmp_1__tile: pl.Tile[[1, 32], pl.UINT8, pl.Mem.Vec] = pl.tile.create([1, 32], dtype=pl.UINT8, target_memory=pl.Mem.Vec)
        buf_v2__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.sel(pred_1__tile, values_1__tile, buf_v1__tile, sel_tmp_1__tile)
        rope_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(buf_v2__tile, target_type=pl.BF16, mode='rint')
        out__ssa_v2: pl.Tensor[[32, 128], pl.BF16] = pl.tile.store(rope_bf16__tile, [row, 64], out__ssa_v1)
        return out__ssa_v2
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})
    def attend_spmd(self, out__ssa_v0: pl.InOut[pl.Tensor[[32, 128], pl.BF16]], acc__ssa_v0: pl.Tensor[[32, 128], pl.FP32], norm__ssa_v0: pl.Tensor[[2, 16], pl.FP32], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32]) -> pl.Tensor[[32, 128], pl.BF16]:
        out__rv_v1: pl.Tensor[[32, 128], pl.BF16] = self.attend(out__ssa_v0, acc__ssa_v0, norm__ssa_v0, cos__ssa_v0, sin__ssa_v0)
        return out__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def preserve_blend_main(self, acc__ssa_v0: pl.Tensor[[32, 128], pl.FP32], norm__ssa_v0: pl.Tensor[[2, 16], pl.FP32], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], out__ssa_v0: pl.InOut[pl.Tensor[[32, 128], pl.BF16]]) -> pl.Tensor[[32, 128], pl.BF16]:
        out__ssa_v1: pl.Tensor[[32, 128], pl.BF16] = self.attend_spmd(out__ssa_v0, acc__ssa_v0, norm__ssa_v0, cos__ssa_v0, sin__ssa_v0)
        return out__ssa_v1
