# pypto.program: other_grid
# Inverse rotation of four tokens with all their heads per block, in two chunks of 32 lanes, into two half-empty
# FP32 buffers; another grid, of token blocks and head groups, adds them, rounds and packs heads side by side.
import pypto.language as pl

@pl.program
class other_grid:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def unrotate(even_buf__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.FP32]], odd_buf__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.FP32]], stage__ssa_v0: pl.Tensor[[128, 64], pl.BF16], even_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], cos__ssa_v0: pl.Tensor[[8, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[8, 32], pl.BF16]) -> tuple[pl.Tensor[[128, 64], pl.FP32], pl.Tensor[[128, 64], pl.FP32]]:
        block: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        for t, (even_buf__iter_v1, odd_buf__iter_v1) in pl.range(2, init_values=(even_buf__ssa_v0, odd_buf__ssa_v0)):
            token: pl.Scalar[pl.INDEX] = block * 2 + t
            for r0, (even_buf__iter_v2, odd_buf__iter_v2) in pl.range(0, 32, 16, init_values=(even_buf__iter_v1, odd_buf__iter_v1)):
                x__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(stage__ssa_v0, [token * 16, r0 * 2], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
                even_select__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=False)
                even__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, even_select__tile)
                odd_select__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=False)
                odd__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, odd_select__tile)
                cos_raw__tile: pl.Tile[[1, 16], pl.BF16, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [token, r0], [1, 16], [1, 16], target_memory=pl.Mem.Vec, transpose=False)
                cos__tile: pl.Tile[[1, 16], pl.FP32, pl.Mem.Vec] = pl.tile.cast(cos_raw__tile, target_type=pl.FP32, mode='round')
                sin_raw__tile: pl.Tile[[1, 16], pl.BF16, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [token, r0], [1, 16], [1, 16], target_memory=pl.Mem.Vec, transpose=False)
                sin__tile: pl.Tile[[1, 16], pl.FP32, pl.Mem.Vec] = pl.tile.cast(sin_raw__tile, target_type=pl.FP32, mode='round')
                even_cos__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, cos__tile)
                odd_sin__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, sin__tile)
                rot_even__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_cos__tile, odd_sin__tile)
                odd_cos__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, cos__tile)
                even_sin__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, sin__tile)
                rot_odd__tile: pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec] = pl.tile.sub(odd_cos__tile, even_sin__tile)
                rot_even_bf16__tile: pl.Tile[[16, 16], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
                rot_odd_bf16__tile: pl.Tile[[16, 16], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
                even_back__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(even_select__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=True)
                even_wide__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_even_bf16__tile, even_back__tile)
                odd_back__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(odd_select__ssa_v0, [0, 0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=True)
                odd_wide__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_odd_bf16__tile, odd_back__tile)
                even_buf__ssa_v3: pl.Tensor[[128, 64], pl.FP32] = pl.tile.store(even_wide__tile, [token * 16, r0 * 2], even_buf__iter_v2)
                odd_buf__ssa_v3: pl.Tensor[[128, 64], pl.FP32] = pl.tile.store(odd_wide__tile, [token * 16, r0 * 2], odd_buf__iter_v2)
                even_buf__rv_v4, odd_buf__rv_v4 = pl.yield_(even_buf__ssa_v3, odd_buf__ssa_v3)
            even_buf__rv_v5, odd_buf__rv_v5 = pl.yield_(even_buf__rv_v4, odd_buf__rv_v4)
        return even_buf__rv_v5, odd_buf__rv_v5
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def pack(packed__ssa_v0: pl.Out[pl.Tensor[[8, 1024], pl.BF16]], even_buf__ssa_v0: pl.Tensor[[128, 64], pl.FP32], odd_buf__ssa_v0: pl.Tensor[[128, 64], pl.FP32]) -> pl.Tensor[[8, 1024], pl.BF16]:
        block: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        tokens: pl.Scalar[pl.INDEX] = block // 2 * 4
        heads: pl.Scalar[pl.INDEX] = (block - block // 2 * 2) * 8
        for t, (packed__iter_v1,) in pl.range(4, init_values=(packed__ssa_v0,)):
            token: pl.Scalar[pl.INDEX] = tokens + t
            even__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(even_buf__ssa_v0, [token * 16 + heads, 0], [8, 64], [8, 64], target_memory=pl.Mem.Vec, transpose=False)
            odd__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(odd_buf__ssa_v0, [token * 16 + heads, 0], [8, 64], [8, 64], target_memory=pl.Mem.Vec, transpose=False)
            joined__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec] = pl.tile.add(even__tile, odd__tile)
            joined_bf16__tile: pl.Tile[[8, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='round')
            for h, (packed__iter_v2,) in pl.range(8, init_values=(packed__iter_v1,)):
                head__tile: pl.Tile[[1, 64], pl.BF16, pl.Mem.Vec] = pl.tile.slice(joined_bf16__tile, [1, 64], [h, 0], [1, 64])
                packed__ssa_v3: pl.Tensor[[8, 1024], pl.BF16] = pl.tile.store(head__tile, [token, (heads + h) * 64], packed__iter_v2)
                packed__rv_v4: pl.Tensor[[8, 1024], pl.BF16] = pl.yield_(packed__ssa_v3)
            packed__rv_v5: pl.Tensor[[8, 1024], pl.BF16] = pl.yield_(packed__rv_v4)
        return packed__rv_v5
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def unrotate_spmd(self, even_buf__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.FP32]], odd_buf__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.FP32]], stage__ssa_v0: pl.Tensor[[128, 64], pl.BF16], even_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], cos__ssa_v0: pl.Tensor[[8, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[8, 32], pl.BF16]) -> tuple[pl.Tensor[[128, 64], pl.FP32], pl.Tensor[[128, 64], pl.FP32]]:
        ret__tmp_v0: pl.Tuple[pl.Tensor[[128, 64], pl.FP32], pl.Tensor[[128, 64], pl.FP32]] = self.unrotate(even_buf__ssa_v0, odd_buf__ssa_v0, stage__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0, cos__ssa_v0, sin__ssa_v0)
        even_buf__rv_v1: pl.Tensor[[128, 64], pl.FP32] = ret__tmp_v0[0]
        odd_buf__rv_v1: pl.Tensor[[128, 64], pl.FP32] = ret__tmp_v0[1]
        return even_buf__rv_v1, odd_buf__rv_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def pack_spmd(self, packed__ssa_v0: pl.Out[pl.Tensor[[8, 1024], pl.BF16]], even_buf__ssa_v0: pl.Tensor[[128, 64], pl.FP32], odd_buf__ssa_v0: pl.Tensor[[128, 64], pl.FP32]) -> pl.Tensor[[8, 1024], pl.BF16]:
        packed__rv_v1: pl.Tensor[[8, 1024], pl.BF16] = self.pack(packed__ssa_v0, even_buf__ssa_v0, odd_buf__ssa_v0)
        return packed__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def other_grid_main(self, stage__ssa_v0: pl.Tensor[[128, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[8, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[8, 32], pl.BF16], even_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], odd_select__ssa_v0: pl.Tensor[[32, 16], pl.BF16], packed__ssa_v0: pl.Out[pl.Tensor[[8, 1024], pl.BF16]]) -> pl.Tensor[[8, 1024], pl.BF16]:
        even_buf__ssa_v0: pl.Tensor[[128, 64], pl.FP32] = pl.tensor.create([128, 64], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        odd_buf__ssa_v0: pl.Tensor[[128, 64], pl.FP32] = pl.tensor.create([128, 64], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        ret__tmp_v0: pl.Tuple[pl.Tensor[[128, 64], pl.FP32], pl.Tensor[[128, 64], pl.FP32]] = self.unrotate_spmd(even_buf__ssa_v0, odd_buf__ssa_v0, stage__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0, cos__ssa_v0, sin__ssa_v0)
        even_buf__ssa_v1: pl.Tensor[[128, 64], pl.FP32] = ret__tmp_v0[0]
        odd_buf__ssa_v1: pl.Tensor[[128, 64], pl.FP32] = ret__tmp_v0[1]
        packed__ssa_v1: pl.Tensor[[8, 1024], pl.BF16] = self.pack_spmd(packed__ssa_v0, even_buf__ssa_v1, odd_buf__ssa_v1)
        return packed__ssa_v1
