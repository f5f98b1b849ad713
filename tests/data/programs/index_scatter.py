# pypto.program: index_scatter
# Gather by mask, rotate in FP32 without any rounding, and put the halves together by index scatters with a
# preserve blend. The column indices come in as parameters; rows are added to them in the kernel.
import pypto.language as pl

@pl.program
class index_scatter:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def rope(normed__ssa_v0: pl.InOut[pl.Tensor[[64, 128], pl.FP32]], x__ssa_v0: pl.Tensor[[64, 64], pl.FP32], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], even_idx__ssa_v0: pl.Tensor[[1, 32], pl.INT32], odd_idx__ssa_v0: pl.Tensor[[1, 32], pl.INT32]) -> pl.Tensor[[64, 128], pl.FP32]:
        batch: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = batch * 16
        x__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(x__ssa_v0, [row, 0], [16, 64], [16, 64], target_memory=pl.Mem.Vec, transpose=False)
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
        even_row__tile: pl.Tile[[1, 32], pl.INT32, pl.Mem.Vec] = pl.tile.load(even_idx__ssa_v0, [0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        odd_row__tile: pl.Tile[[1, 32], pl.INT32, pl.Mem.Vec] = pl.tile.load(odd_idx__ssa_v0, [0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        idx_zero__tile: pl.Tile[[16, 32], pl.INT32, pl.Mem.Vec] = pl.tile.full([16, 32], dtype=pl.INT32, value=0)
        even_idx__tile: pl.Tile[[16, 32], pl.INT32, pl.Mem.Vec] = pl.tile.col_expand(idx_zero__tile, even_row__tile)
        odd_idx__tile: pl.Tile[[16, 32], pl.INT32, pl.Mem.Vec] = pl.tile.col_expand(idx_zero__tile, odd_row__tile)
        buf__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        rows__tile: pl.Tile[[1, 16], pl.INT32, pl.Mem.Vec] = pl.tile.ci(pl.const(0, pl.INT32), [1, 16], dtype=pl.INT32, descending=False)
        row_arange__tile: pl.Tile[[16, 1], pl.INT32, pl.Mem.Vec] = pl.tile.reshape(rows__tile, [16, 1])
        row_base__tile: pl.Tile[[16, 1], pl.INT32, pl.Mem.Vec] = pl.tile.muls(row_arange__tile, pl.const(64, pl.INT32))
        flat_idx__tile: pl.Tile[[16, 32], pl.INT32, pl.Mem.Vec] = pl.tile.row_expand_add(even_idx__tile, row_base__tile)
        values_zero__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        values__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.scatter(values_zero__tile, rot_even__tile, flat_idx__tile)
        mask_zero__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        ones__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 32], dtype=pl.FP32, value=1.0)
        mask__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.scatter(mask_zero__tile, ones__tile, flat_idx__tile)
        pred__tile: pl.Tile[[16, 32], pl.UINT8, pl.Mem.Vec, pl.TileView(valid_shape=[16, 8])] = pl.tile.cmps(mask__tile, 0.0, cmp_type=1)
        sel_tmp__tile: pl.Tile[[1, 32], pl.UINT8, pl.Mem.Vec] = pl.tile.create([1, 32], dtype=pl.UINT8, target_memory=pl.Mem.Vec)
        buf_v1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.sel(pred__tile, values__tile, buf__tile, sel_tmp__tile)
        rows_1__tile: pl.Tile[[1, 16], pl.INT32, pl.Mem.Vec] = pl.tile.ci(pl.const(0, pl.INT32), [1, 16], dtype=pl.INT32, descending=False)
        row_arange_1__tile: pl.Tile[[16, 1], pl.INT32, pl.Mem.Vec] = pl.tile.reshape(rows_1__tile, [16, 1])
        row_base_1__tile: pl.Tile[[16, 1], pl.INT32, pl.Mem.Vec] = pl.tile.muls(row_arange_1__tile, pl.const(64, pl.INT32))
        flat_idx_1__tile: pl.Tile[[16, 32], pl.INT32, pl.Mem.Vec] = pl.tile.row_expand_add(odd_idx__tile, row_base_1__tile)
        values_zero_1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        values_1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.scatter(values_zero_1__tile, rot_odd__tile, flat_idx_1__tile)
        mask_zero_1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.0)
        ones_1__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 32], dtype=pl.FP32, value=1.0)
        mask_1__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.scatter(mask_zero_1__tile, ones_1__tile, flat_idx_1__tile)
        pred_1__tile: pl.Tile[[16, 32], pl.UINT8, pl.Mem.Vec, pl.TileView(valid_shape=[16, 8])] = pl.tile.cmps(mask_1__tile, 0.0, cmp_type=1)
        sel_tmp_1__tile: pl.Tile[[1, 32], pl.UINT8, pl.Mem.Vec] = pl.tile.create([1, 32], dtype=pl.UINT8, target_memory=pl.Mem.Vec)
        buf_v2__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.sel(pred_1__tile, values_1__tile, buf_v1__tile, sel_tmp_1__tile)
        normed__ssa_v1: pl.Tensor[[64, 128], pl.FP32] = pl.tile.store(buf_v2__tile, [row, 64], normed__ssa_v0)
        return normed__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def rope_spmd(self, normed__ssa_v0: pl.InOut[pl.Tensor[[64, 128], pl.FP32]], x__ssa_v0: pl.Tensor[[64, 64], pl.FP32], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], even_idx__ssa_v0: pl.Tensor[[1, 32], pl.INT32], odd_idx__ssa_v0: pl.Tensor[[1, 32], pl.INT32]) -> pl.Tensor[[64, 128], pl.FP32]:
        normed__rv_v1: pl.Tensor[[64, 128], pl.FP32] = self.rope(normed__ssa_v0, x__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_idx__ssa_v0, odd_idx__ssa_v0)
        return normed__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def index_scatter_main(self, x__ssa_v0: pl.Tensor[[64, 64], pl.FP32], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], even_idx__ssa_v0: pl.Tensor[[1, 32], pl.INT32], odd_idx__ssa_v0: pl.Tensor[[1, 32], pl.INT32], normed__ssa_v0: pl.InOut[pl.Tensor[[64, 128], pl.FP32]]) -> pl.Tensor[[64, 128], pl.FP32]:
        normed__ssa_v1: pl.Tensor[[64, 128], pl.FP32] = self.rope_spmd(normed__ssa_v0, x__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_idx__ssa_v0, odd_idx__ssa_v0)
        return normed__ssa_v1
