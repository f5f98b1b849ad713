# pypto.program: built_selectors
# A kernel puts two copies of a select matrix of one chunk on the diagonal of a larger one; products with
# that de-interleave and re-interleave all lanes at once.
import pypto.language as pl

@pl.program
class built_selectors:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def block_diagonal(even_select__ssa_v0: pl.Out[pl.Tensor[[64, 32], pl.BF16]], odd_select__ssa_v0: pl.Out[pl.Tensor[[64, 32], pl.BF16]], even_local__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_local__ssa_v0: pl.Tensor[[32, 16], pl.BF16]) -> tuple[pl.Tensor[[64, 32], pl.BF16], pl.Tensor[[64, 32], pl.BF16]]:
        even_zero__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.full([64, 32], dtype=pl.FP32, value=0.0)
        even_zero_bf16__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(even_zero__tile, target_type=pl.BF16, mode='rint')
        even_select__ssa_v1: pl.Tensor[[64, 32], pl.BF16] = pl.tile.store(even_zero_bf16__tile, [0, 0], even_select__ssa_v0)
        even__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Vec] = pl.tile.load(even_local__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Vec, transpose=False)
        even_select__ssa_v2: pl.Tensor[[64, 32], pl.BF16] = pl.tile.store(even__tile, [0, 0], even_select__ssa_v1)
        even_select__ssa_v3: pl.Tensor[[64, 32], pl.BF16] = pl.tile.store(even__tile, [32, 16], even_select__ssa_v2)
        odd_zero__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.full([64, 32], dtype=pl.FP32, value=0.0)
        odd_zero_bf16__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(odd_zero__tile, target_type=pl.BF16, mode='rint')
        odd_select__ssa_v1: pl.Tensor[[64, 32], pl.BF16] = pl.tile.store(odd_zero_bf16__tile, [0, 0], odd_select__ssa_v0)
        odd__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Vec] = pl.tile.load(odd_local__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Vec, transpose=False)
        odd_select__ssa_v2: pl.Tensor[[64, 32], pl.BF16] = pl.tile.store(odd__tile, [0, 0], odd_select__ssa_v1)
        odd_select__ssa_v3: pl.Tensor[[64, 32], pl.BF16] = pl.tile.store(odd__tile, [32, 16], odd_select__ssa_v2)
        return even_select__ssa_v3, odd_select__ssa_v3
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def unrotate(packed__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.BF16]], stage__ssa_v0: pl.Tensor[[128, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]) -> pl.Tensor[[128, 64], pl.BF16]:
        token: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = token * 64
        x__tile: pl.Tile[[64, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(stage__ssa_v0, [row, 0], [64, 64], [64, 64], target_memory=pl.Mem.Mat, transpose=False)
        even_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
        even__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, even_select__tile)
        odd_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
        odd__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, odd_select__tile)
        cos__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [token, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [token, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        even_cos__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, cos__tile)
        odd_sin__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, sin__tile)
        rot_even__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_cos__tile, odd_sin__tile)
        odd_cos__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, cos__tile)
        even_sin__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, sin__tile)
        rot_odd__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(odd_cos__tile, even_sin__tile)
        rot_even_bf16__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
        rot_odd_bf16__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
        even_back__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        even_wide__tile: pl.Tile[[64, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_even_bf16__tile, even_back__tile)
        odd_back__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        odd_wide__tile: pl.Tile[[64, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_odd_bf16__tile, odd_back__tile)
        joined__tile: pl.Tile[[64, 64], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_wide__tile, odd_wide__tile)
        joined_bf16__tile: pl.Tile[[64, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='rint')
        packed__ssa_v1: pl.Tensor[[128, 64], pl.BF16] = pl.tile.store(joined_bf16__tile, [row, 0], packed__ssa_v0)
        return packed__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})
    def unrotate_spmd(self, packed__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.BF16]], stage__ssa_v0: pl.Tensor[[128, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]) -> pl.Tensor[[128, 64], pl.BF16]:
        packed__rv_v1: pl.Tensor[[128, 64], pl.BF16] = self.unrotate(packed__ssa_v0, stage__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        return packed__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def built_selectors_main(self, stage__ssa_v0: pl.Tensor[[128, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_local__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_local__ssa_v0: pl.Tensor[[32, 16], pl.BF16], packed__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.BF16]]) -> pl.Tensor[[128, 64], pl.BF16]:
        even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16] = pl.tensor.create([64, 32], dtype=pl.BF16)
        odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16] = pl.tensor.create([64, 32], dtype=pl.BF16)
        ret__tmp_v0: pl.Tuple[pl.Tensor[[64, 32], pl.BF16], pl.Tensor[[64, 32], pl.BF16]] = self.block_diagonal(even_select__ssa_v0, odd_select__ssa_v0, even_local__ssa_v0, odd_local__ssa_v0)
        even_select__ssa_v1: pl.Tensor[[64, 32], pl.BF16] = ret__tmp_v0[0]
        odd_select__ssa_v1: pl.Tensor[[64, 32], pl.BF16] = ret__tmp_v0[1]
        packed__ssa_v1: pl.Tensor[[128, 64], pl.BF16] = self.unrotate_spmd(packed__ssa_v0, stage__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v1, odd_select__ssa_v1)
        return packed__ssa_v1
