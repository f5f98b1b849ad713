# pypto.program: batched_products
# A product with one matrix of several, loaded with its rows and columns exchanged, in two chunks of the inner
# dimension; what it is goes through a rotation.
import pypto.language as pl

@pl.program
class batched_products:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def project(stage__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.BF16]], x__ssa_v0: pl.Tensor[[128, 64], pl.BF16], weight__ssa_v0: pl.Tensor[[2, 64, 64], pl.BF16]) -> pl.Tensor[[128, 64], pl.BF16]:
        block: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        row: pl.Scalar[pl.INDEX] = block * 64
        x__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(x__ssa_v0, [row, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
        weight__tile: pl.Tile[[1, 32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(weight__ssa_v0, [block, 0, 0], [1, 64, 32], [1, 64, 32], target_memory=pl.Mem.Mat, transpose=True)
        first__tile: pl.Tile[[1, 64, 64], pl.FP32, pl.Mem.Acc] = pl.tile.batch_matmul(x__tile, weight__tile)
        for k, (first__iter_v1,) in pl.pipeline(1, 2, stage=2, init_values=(first__tile,)):
            k0: pl.Scalar[pl.INDEX] = k * 32
            x_k__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(x__ssa_v0, [row, k0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
            weight_k__tile: pl.Tile[[1, 32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(weight__ssa_v0, [block, 0, k0], [1, 64, 32], [1, 64, 32], target_memory=pl.Mem.Mat, transpose=True)
            first__tile_1: pl.Tile[[1, 64, 64], pl.FP32, pl.Mem.Acc] = pl.tile.batch_matmul_acc(first__iter_v1, x_k__tile, weight_k__tile)
            first__rv_v2: pl.Tile[[1, 64, 64], pl.FP32, pl.Mem.Acc] = pl.yield_(first__tile_1)
        acc__tile: pl.Tile[[64, 64], pl.FP32, pl.Mem.Acc] = pl.tile.reshape(first__rv_v2, [64, 64])
        for r0, (stage__iter_v1,) in pl.range(0, 64, 16, init_values=(stage__ssa_v0,)):
            part__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.slice(acc__tile, [16, 64], [r0, 0])
            scaled__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.muls(part__tile, 0.125)
            part_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(scaled__tile, target_type=pl.BF16, mode='rint')
            stage__tile: pl.Tensor[[128, 64], pl.BF16] = pl.tile.store(part_bf16__tile, [row + r0, 0], stage__iter_v1)
            stage__rv_v2: pl.Tensor[[128, 64], pl.BF16] = pl.yield_(stage__tile)
        return stage__rv_v2
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
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})
    def project_spmd(self, stage__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.BF16]], x__ssa_v0: pl.Tensor[[128, 64], pl.BF16], weight__ssa_v0: pl.Tensor[[2, 64, 64], pl.BF16]) -> pl.Tensor[[128, 64], pl.BF16]:
        stage__rv_v1: pl.Tensor[[128, 64], pl.BF16] = self.project(stage__ssa_v0, x__ssa_v0, weight__ssa_v0)
        return stage__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def batched_products_main(self, x__ssa_v0: pl.Tensor[[128, 64], pl.BF16], weight__ssa_v0: pl.Tensor[[2, 64, 64], pl.BF16], cos__ssa_v0: pl.Tensor[[2, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[2, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], packed__ssa_v0: pl.Out[pl.Tensor[[128, 64], pl.BF16]]) -> pl.Tensor[[128, 64], pl.BF16]:
        stage__ssa_v0: pl.Tensor[[128, 64], pl.BF16] = pl.tensor.create([128, 64], dtype=pl.BF16)
        stage__ssa_v1: pl.Tensor[[128, 64], pl.BF16] = self.project_spmd(stage__ssa_v0, x__ssa_v0, weight__ssa_v0)
        packed__ssa_v1: pl.Tensor[[128, 64], pl.BF16] = self.unrotate_spmd(packed__ssa_v0, stage__ssa_v1, cos__ssa_v0, sin__ssa_v0, even_select__ssa_v0, odd_select__ssa_v0)
        return packed__ssa_v1
