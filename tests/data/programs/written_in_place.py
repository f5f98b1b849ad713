# pypto.program: written_in_place
# A kernel rounds, rotates and rewrites lanes of a tensor in place and returns nothing; the next kernel reads them
# through the tensor's first name, which means what was written last.
import pypto.language as pl

@pl.program
class written_in_place:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def kv_rope(kv__ssa_v0: pl.InOut[pl.Tensor[[32, 128], pl.BF16]], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]):
        token: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = token * 16
        x__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(kv__ssa_v0, [row, 64], [16, 64], [16, 64], target_memory=pl.Mem.Mat, transpose=False)
        even_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
        even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, even_select__tile)
        odd_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
        odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, odd_select__tile)
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
        even_back__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        acc__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_even_bf16__tile, even_back__tile)
        odd_back__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        joined__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__tile, rot_odd_bf16__tile, odd_back__tile)
        joined_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='rint')
        kv__ssa_v1: pl.Tensor[[32, 128], pl.BF16] = pl.tile.store(joined_bf16__tile, [row, 64], kv__ssa_v0)
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def scale(out__ssa_v0: pl.Out[pl.Tensor[[32, 128], pl.FP32]], kv__ssa_v0: pl.Tensor[[32, 128], pl.BF16]) -> pl.Tensor[[32, 128], pl.FP32]:
        block: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        kv_raw__tile: pl.Tile[[8, 128], pl.BF16, pl.Mem.Vec] = pl.tile.load(kv__ssa_v0, [block * 8, 0], [8, 128], [8, 128], target_memory=pl.Mem.Vec, transpose=False)
        kv__tile: pl.Tile[[8, 128], pl.FP32, pl.Mem.Vec] = pl.tile.cast(kv_raw__tile, target_type=pl.FP32, mode='round')
        scaled__tile: pl.Tile[[8, 128], pl.FP32, pl.Mem.Vec] = pl.tile.muls(kv__tile, 0.5)
        out__ssa_v1: pl.Tensor[[32, 128], pl.FP32] = pl.tile.store(scaled__tile, [block * 8, 0], out__ssa_v0)
        return out__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})
    def kv_rope_spmd(self, kv__ssa_v0: pl.InOut[pl.Tensor[[32, 128], pl.BF16]], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]):
        self.kv_rope(kv__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def scale_spmd(self, out__ssa_v0: pl.Out[pl.Tensor[[32, 128], pl.FP32]], kv__ssa_v0: pl.Tensor[[32, 128], pl.BF16]) -> pl.Tensor[[32, 128], pl.FP32]:
        out__rv_v1: pl.Tensor[[32, 128], pl.FP32] = self.scale(out__ssa_v0, kv__ssa_v0)
        return out__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def written_in_place_main(self, cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], kv__ssa_v0: pl.InOut[pl.Tensor[[32, 128], pl.BF16]], out__ssa_v0: pl.Out[pl.Tensor[[32, 128], pl.FP32]]) -> pl.Tensor[[32, 128], pl.FP32]:
        self.kv_rope_spmd(kv__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        out__ssa_v1: pl.Tensor[[32, 128], pl.FP32] = self.scale_spmd(out__ssa_v0, kv__ssa_v0)
        return out__ssa_v1
