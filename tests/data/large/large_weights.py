# pypto.program: large_weights
# Rows of 4096 numbers times weights of 4096 x 8192, in chunks of both; then each head of 64 lanes is rotated,
# between products with select matrices.
import pypto.language as pl

@pl.program
class large_weights:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def project(stage__ssa_v0: pl.Out[pl.Tensor[[16, 8192], pl.FP32]], x__ssa_v0: pl.Tensor[[16, 4096], pl.BF16], weight__ssa_v0: pl.Tensor[[4096, 8192], pl.BF16]) -> pl.Tensor[[16, 8192], pl.FP32]:
        block: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        column: pl.Scalar[pl.INDEX] = block * 256
        x__tile: pl.Tile[[16, 128], pl.BF16, pl.Mem.Mat] = pl.tile.load(x__ssa_v0, [0, 0], [16, 128], [16, 128], target_memory=pl.Mem.Mat, transpose=False)
        weight__tile: pl.Tile[[128, 256], pl.BF16, pl.Mem.Mat] = pl.tile.load(weight__ssa_v0, [0, column], [128, 256], [128, 256], target_memory=pl.Mem.Mat, transpose=False)
        acc__tile: pl.Tile[[16, 256], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, weight__tile)
        for k, (acc__iter_v1,) in pl.pipeline(1, 32, stage=2, init_values=(acc__tile,)):
            k0: pl.Scalar[pl.INDEX] = k * 128
            x_k__tile: pl.Tile[[16, 128], pl.BF16, pl.Mem.Mat] = pl.tile.load(x__ssa_v0, [0, k0], [16, 128], [16, 128], target_memory=pl.Mem.Mat, transpose=False)
            weight_k__tile: pl.Tile[[128, 256], pl.BF16, pl.Mem.Mat] = pl.tile.load(weight__ssa_v0, [k0, column], [128, 256], [128, 256], target_memory=pl.Mem.Mat, transpose=False)
            acc__tile_1: pl.Tile[[16, 256], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__iter_v1, x_k__tile, weight_k__tile)
            acc__rv_v2: pl.Tile[[16, 256], pl.FP32, pl.Mem.Acc] = pl.yield_(acc__tile_1)
        stage__ssa_v1: pl.Tensor[[16, 8192], pl.FP32] = pl.tile.store(acc__rv_v2, [0, column], stage__ssa_v0)
        return stage__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def rotate(out__ssa_v0: pl.Out[pl.Tensor[[16, 8192], pl.BF16]], stage__ssa_v0: pl.Tensor[[16, 8192], pl.FP32], cos__ssa_v0: pl.Tensor[[1, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[1, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]) -> pl.Tensor[[16, 8192], pl.BF16]:
        block: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        cos__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        even_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
        odd_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
        even_back__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        odd_back__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        for h, (out__iter_v1,) in pl.range(8, init_values=(out__ssa_v0,)):
            column: pl.Scalar[pl.INDEX] = (block * 8 + h) * 64
            x_f32__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(stage__ssa_v0, [0, column], [16, 64], [16, 64], target_memory=pl.Mem.Vec, transpose=False)
            x__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(x_f32__tile, target_type=pl.BF16, mode='rint')
            even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, even_select__tile)
            odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, odd_select__tile)
            even_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, cos__tile)
            odd_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, sin__tile)
            rot_even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(even_cos__tile, odd_sin__tile)
            odd_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, cos__tile)
            even_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, sin__tile)
            rot_odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(odd_cos__tile, even_sin__tile)
            rot_even_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
            rot_odd_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
            even_wide__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(rot_even_bf16__tile, even_back__tile)
            joined__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(even_wide__tile, rot_odd_bf16__tile, odd_back__tile)
            joined_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='rint')
            out__tile: pl.Tensor[[16, 8192], pl.BF16] = pl.tile.store(joined_bf16__tile, [0, column], out__iter_v1)
            out__rv_v2: pl.Tensor[[16, 8192], pl.BF16] = pl.yield_(out__tile)
        return out__rv_v2
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 32})
    def project_spmd(self, stage__ssa_v0: pl.Out[pl.Tensor[[16, 8192], pl.FP32]], x__ssa_v0: pl.Tensor[[16, 4096], pl.BF16], weight__ssa_v0: pl.Tensor[[4096, 8192], pl.BF16]) -> pl.Tensor[[16, 8192], pl.FP32]:
        stage__rv_v1: pl.Tensor[[16, 8192], pl.FP32] = self.project(stage__ssa_v0, x__ssa_v0, weight__ssa_v0)
        return stage__rv_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 16})
    def rotate_spmd(self, out__ssa_v0: pl.Out[pl.Tensor[[16, 8192], pl.BF16]], stage__ssa_v0: pl.Tensor[[16, 8192], pl.FP32], cos__ssa_v0: pl.Tensor[[1, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[1, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]) -> pl.Tensor[[16, 8192], pl.BF16]:
        out__rv_v1: pl.Tensor[[16, 8192], pl.BF16] = self.rotate(out__ssa_v0, stage__ssa_v0, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        return out__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def large_weights_main(self, x__ssa_v0: pl.Tensor[[16, 4096], pl.BF16], weight__ssa_v0: pl.Tensor[[4096, 8192], pl.BF16], cos__ssa_v0: pl.Tensor[[1, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[1, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], out__ssa_v0: pl.Out[pl.Tensor[[16, 8192], pl.BF16]]) -> pl.Tensor[[16, 8192], pl.BF16]:
        stage__ssa_v0: pl.Tensor[[16, 8192], pl.FP32] = pl.tensor.create([16, 8192], dtype=pl.FP32)
        stage__ssa_v1: pl.Tensor[[16, 8192], pl.FP32] = self.project_spmd(stage__ssa_v0, x__ssa_v0, weight__ssa_v0)
        out__ssa_v1: pl.Tensor[[16, 8192], pl.BF16] = self.rotate_spmd(out__ssa_v0, stage__ssa_v1, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        return out__ssa_v1
