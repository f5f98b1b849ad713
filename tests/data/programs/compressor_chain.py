# pypto.program: compressor_chain
# Five kernels of one block each, launched one after the other in a loop over batches: RMS norm and the slice to
# rotate, de-interleave with select matrices, rotate and round, re-interleave with the same matrices
# transposed, round again into the lanes that the first kernel has already written.
import pypto.language as pl

@pl.program
class compressor_chain:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def norm_slice(normed__ssa_v0: pl.InOut[pl.Tensor[[64, 128], pl.BF16]], rope__ssa_v0: pl.Out[pl.Tensor[[16, 64], pl.BF16]], pooled__ssa_v0: pl.Tensor[[64, 128], pl.FP32], gamma__ssa_v0: pl.Tensor[[1, 128], pl.FP32], batch__ssa_v0: pl.Scalar[pl.INDEX]) -> tuple[pl.Tensor[[64, 128], pl.BF16], pl.Tensor[[16, 64], pl.BF16]]:
        row: pl.Scalar[pl.INDEX] = batch__ssa_v0 * 16
        x__tile: pl.Tile[[16, 128], pl.FP32, pl.Mem.Vec] = pl.tile.load(pooled__ssa_v0, [row, 0], [16, 128], [16, 128], target_memory=pl.Mem.Vec, transpose=False)
        squares__tile: pl.Tile[[16, 128], pl.FP32, pl.Mem.Vec] = pl.tile.mul(x__tile, x__tile)
        tmp__tile: pl.Tile[[16, 128], pl.FP32, pl.Mem.Vec] = pl.tile.create([16, 128], dtype=pl.FP32, target_memory=pl.Mem.Vec)
        sum__tile: pl.Tile[[16, 1], pl.FP32, pl.Mem.Vec] = pl.tile.row_sum(squares__tile, tmp__tile)
        mean__tile: pl.Tile[[16, 1], pl.FP32, pl.Mem.Vec] = pl.tile.muls(sum__tile, 0.0078125)
        mean_eps__tile: pl.Tile[[16, 1], pl.FP32, pl.Mem.Vec] = pl.tile.adds(mean__tile, 1e-06)
        rms__tile: pl.Tile[[16, 1], pl.FP32, pl.Mem.Vec] = pl.tile.sqrt(mean_eps__tile)
        inv_rms__tile: pl.Tile[[16, 1], pl.FP32, pl.Mem.Vec] = pl.tile.recip(rms__tile)
        scaled__tile: pl.Tile[[16, 128], pl.FP32, pl.Mem.Vec] = pl.tile.row_expand_mul(x__tile, inv_rms__tile)
        gamma__tile: pl.Tile[[1, 128], pl.FP32, pl.Mem.Vec] = pl.tile.load(gamma__ssa_v0, [0, 0], [1, 128], [1, 128], target_memory=pl.Mem.Vec, transpose=False)
        norm__tile: pl.Tile[[16, 128], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(scaled__tile, gamma__tile)
        norm_bf16__tile: pl.Tile[[16, 128], pl.BF16, pl.Mem.Vec] = pl.tile.cast(norm__tile, target_type=pl.BF16, mode='rint')
        normed__ssa_v1: pl.Tensor[[64, 128], pl.BF16] = pl.tile.store(norm_bf16__tile, [row, 0], normed__ssa_v0)
        rope__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.slice(norm_bf16__tile, [16, 64], [0, 64], [16, 64])
        rope__ssa_v1: pl.Tensor[[16, 64], pl.BF16] = pl.tile.store(rope__tile, [0, 0], rope__ssa_v0)
        return normed__ssa_v1, rope__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def split(even__ssa_v0: pl.Out[pl.Tensor[[16, 32], pl.FP32]], odd__ssa_v0: pl.Out[pl.Tensor[[16, 32], pl.FP32]], rope__ssa_v0: pl.Tensor[[16, 64], pl.BF16], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]) -> tuple[pl.Tensor[[16, 32], pl.FP32], pl.Tensor[[16, 32], pl.FP32]]:
        x__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(rope__ssa_v0, [0, 0], [16, 64], [16, 64], target_memory=pl.Mem.Mat, transpose=False)
        even_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
        even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, even_select__tile)
        odd_select__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=False)
        odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x__tile, odd_select__tile)
        even__ssa_v1: pl.Tensor[[16, 32], pl.FP32] = pl.tile.store(even__tile, [0, 0], even__ssa_v0)
        odd__ssa_v1: pl.Tensor[[16, 32], pl.FP32] = pl.tile.store(odd__tile, [0, 0], odd__ssa_v0)
        return even__ssa_v1, odd__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def rotate(rot_even__ssa_v0: pl.Out[pl.Tensor[[16, 32], pl.BF16]], rot_odd__ssa_v0: pl.Out[pl.Tensor[[16, 32], pl.BF16]], even__ssa_v0: pl.Tensor[[16, 32], pl.FP32], odd__ssa_v0: pl.Tensor[[16, 32], pl.FP32], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], batch__ssa_v0: pl.Scalar[pl.INDEX]) -> tuple[pl.Tensor[[16, 32], pl.BF16], pl.Tensor[[16, 32], pl.BF16]]:
        even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(even__ssa_v0, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(odd__ssa_v0, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        cos__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [batch__ssa_v0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [batch__ssa_v0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        even_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, cos__tile)
        odd_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, sin__tile)
        rot_even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(even_cos__tile, odd_sin__tile)
        even_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(even__tile, sin__tile)
        odd_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(odd__tile, cos__tile)
        rot_odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_sin__tile, odd_cos__tile)
        rot_even_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
        rot_odd_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
        rot_even__ssa_v1: pl.Tensor[[16, 32], pl.BF16] = pl.tile.store(rot_even_bf16__tile, [0, 0], rot_even__ssa_v0)
        rot_odd__ssa_v1: pl.Tensor[[16, 32], pl.BF16] = pl.tile.store(rot_odd_bf16__tile, [0, 0], rot_odd__ssa_v0)
        return rot_even__ssa_v1, rot_odd__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def join(joined__ssa_v0: pl.Out[pl.Tensor[[16, 64], pl.FP32]], rot_even__ssa_v0: pl.Tensor[[16, 32], pl.BF16], rot_odd__ssa_v0: pl.Tensor[[16, 32], pl.BF16], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16]) -> pl.Tensor[[16, 64], pl.FP32]:
        even__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(rot_even__ssa_v0, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
        even_select__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(even_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        acc__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(even__tile, even_select__tile)
        odd__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(rot_odd__ssa_v0, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
        odd_select__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(odd_select__ssa_v0, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Mat, transpose=True)
        joined__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__tile, odd__tile, odd_select__tile)
        joined__ssa_v1: pl.Tensor[[16, 64], pl.FP32] = pl.tile.store(joined__tile, [0, 0], joined__ssa_v0)
        return joined__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def write_back(normed__ssa_v0: pl.InOut[pl.Tensor[[64, 128], pl.BF16]], joined__ssa_v0: pl.Tensor[[16, 64], pl.FP32], batch__ssa_v0: pl.Scalar[pl.INDEX]) -> pl.Tensor[[64, 128], pl.BF16]:
        joined__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(joined__ssa_v0, [0, 0], [16, 64], [16, 64], target_memory=pl.Mem.Vec, transpose=False)
        joined_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(joined__tile, target_type=pl.BF16, mode='rint')
        row: pl.Scalar[pl.INDEX] = batch__ssa_v0 * 16
        normed__ssa_v1: pl.Tensor[[64, 128], pl.BF16] = pl.tile.store(joined_bf16__tile, [row, 64], normed__ssa_v0)
        return normed__ssa_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def compressor_chain_main(self, pooled__ssa_v0: pl.Tensor[[64, 128], pl.FP32], gamma__ssa_v0: pl.Tensor[[1, 128], pl.FP32], cos__ssa_v0: pl.Tensor[[4, 32], pl.FP32], sin__ssa_v0: pl.Tensor[[4, 32], pl.FP32], even_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], odd_select__ssa_v0: pl.Tensor[[64, 32], pl.BF16], normed__ssa_v0: pl.InOut[pl.Tensor[[64, 128], pl.BF16]]) -> pl.Tensor[[64, 128], pl.BF16]:
        for batch, (normed__iter_v1,) in pl.parallel(4, init_values=(normed__ssa_v0,)):
            if batch % 2 == 1:
                rope__ssa_v0: pl.Tensor[[16, 64], pl.BF16] = pl.tensor.create([16, 64], dtype=pl.BF16, layout=pl.TensorLayout.ND)
                ret__tmp_v0: pl.Tuple[pl.Tensor[[64, 128], pl.BF16], pl.Tensor[[16, 64], pl.BF16]] = self.norm_slice(normed__iter_v1, rope__ssa_v0, pooled__ssa_v0, gamma__ssa_v0, batch)
                normed__ssa_v2: pl.Tensor[[64, 128], pl.BF16] = ret__tmp_v0[0]
                rope__ssa_v1: pl.Tensor[[16, 64], pl.BF16] = ret__tmp_v0[1]
                even__ssa_v0: pl.Tensor[[16, 32], pl.FP32] = pl.tensor.create([16, 32], dtype=pl.FP32, layout=pl.TensorLayout.ND)
                odd__ssa_v0: pl.Tensor[[16, 32], pl.FP32] = pl.tensor.create([16, 32], dtype=pl.FP32, layout=pl.TensorLayout.ND)
                ret__tmp_v0_1: pl.Tuple[pl.Tensor[[16, 32], pl.FP32], pl.Tensor[[16, 32], pl.FP32]] = self.split(even__ssa_v0, odd__ssa_v0, rope__ssa_v1, even_select__ssa_v0, odd_select__ssa_v0)
                even__ssa_v1: pl.Tensor[[16, 32], pl.FP32] = ret__tmp_v0_1[0]
                odd__ssa_v1: pl.Tensor[[16, 32], pl.FP32] = ret__tmp_v0_1[1]
                rot_even__ssa_v0: pl.Tensor[[16, 32], pl.BF16] = pl.tensor.create([16, 32], dtype=pl.BF16, layout=pl.TensorLayout.ND)
                rot_odd__ssa_v0: pl.Tensor[[16, 32], pl.BF16] = pl.tensor.create([16, 32], dtype=pl.BF16, layout=pl.TensorLayout.ND)
                ret__tmp_v0_2: pl.Tuple[pl.Tensor[[16, 32], pl.BF16], pl.Tensor[[16, 32], pl.BF16]] = self.rotate(rot_even__ssa_v0, rot_odd__ssa_v0, even__ssa_v1, odd__ssa_v1, cos__ssa_v0, sin__ssa_v0, batch)
                rot_even__ssa_v1: pl.Tensor[[16, 32], pl.BF16] = ret__tmp_v0_2[0]
                rot_odd__ssa_v1: pl.Tensor[[16, 32], pl.BF16] = ret__tmp_v0_2[1]
                joined__ssa_v0: pl.Tensor[[16, 64], pl.FP32] = pl.tensor.create([16, 64], dtype=pl.FP32, layout=pl.TensorLayout.ND)
                joined__ssa_v1: pl.Tensor[[16, 64], pl.FP32] = self.join(joined__ssa_v0, rot_even__ssa_v1, rot_odd__ssa_v1, even_select__ssa_v0, odd_select__ssa_v0)
                normed__ssa_v3: pl.Tensor[[64, 128], pl.BF16] = self.write_back(normed__ssa_v2, joined__ssa_v1, batch)
                normed__phi_v4: pl.Tensor[[64, 128], pl.BF16] = pl.yield_(normed__ssa_v3)
            else:
                normed__phi_v4: pl.Tensor[[64, 128], pl.BF16] = pl.yield_(normed__iter_v1)
            normed__rv_v5: pl.Tensor[[64, 128], pl.BF16] = pl.yield_(normed__phi_v4)
        return normed__rv_v5
