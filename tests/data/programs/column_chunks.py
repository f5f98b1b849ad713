# pypto.program: column_chunks
# Three kernels of one block: scale by row and by lane, gather and rotate; re-interleave in chunks of 32 columns,
# each with a slice of the transposed select matrices at [column // 2, column]; round into the last lanes.
import pypto.language as pl

@pl.program
class column_chunks:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def kv_rotate(rot_even__ssa_v0: pl.Out[pl.Tensor[[16, 32], pl.BF16]], rot_odd__ssa_v0: pl.Out[pl.Tensor[[16, 32], pl.BF16]], kv__ssa_v0: pl.Tensor[[16, 128], pl.FP32], inv_rms__ssa_v0: pl.Tensor[[1, 16], pl.FP32], gamma__ssa_v0: pl.Tensor[[1, 128], pl.BF16], cos__ssa_v0: pl.Tensor[[16, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[16, 32], pl.BF16]) -> tuple[pl.Tensor[[16, 32], pl.BF16], pl.Tensor[[16, 32], pl.BF16]]:
        kv__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(kv__ssa_v0, [0, 64], [16, 64], [16, 64], target_memory=pl.Mem.Vec, transpose=False)
        inv_rms_row__tile: pl.Tile[[1, 16], pl.FP32, pl.Mem.Vec] = pl.tile.load(inv_rms__ssa_v0, [0, 0], [1, 16], [1, 16], target_memory=pl.Mem.Vec, transpose=False)
        inv_rms__tile: pl.Tile[[16, 1], pl.FP32, pl.Mem.Vec] = pl.tile.reshape(inv_rms_row__tile, [16, 1])
        scaled__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.row_expand_mul(kv__tile, inv_rms__tile)
        gamma_raw__tile: pl.Tile[[1, 64], pl.BF16, pl.Mem.Vec] = pl.tile.load(gamma__ssa_v0, [0, 64], [1, 64], [1, 64], target_memory=pl.Mem.Vec, transpose=False)
        gamma__tile: pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec] = pl.tile.cast(gamma_raw__tile, target_type=pl.FP32, mode='round')
        x__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(scaled__tile, gamma__tile)
        even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=1)
        odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=2)
        cos_raw__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.cast(cos_raw__tile, target_type=pl.FP32, mode='round')
        sin_raw__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.cast(sin_raw__tile, target_type=pl.FP32, mode='round')
        even_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.mul(even__tile, cos__tile)
        odd_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.mul(odd__tile, sin__tile)
        rot_even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(even_cos__tile, odd_sin__tile)
        even_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.mul(even__tile, sin__tile)
        odd_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.mul(odd__tile, cos__tile)
        rot_odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_sin__tile, odd_cos__tile)
        rot_even_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
        rot_odd_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
        rot_even__ssa_v1: pl.Tensor[[16, 32], pl.BF16] = pl.tile.store(rot_even_bf16__tile, [0, 0], rot_even__ssa_v0)
        rot_odd__ssa_v1: pl.Tensor[[16, 32], pl.BF16] = pl.tile.store(rot_odd_bf16__tile, [0, 0], rot_odd__ssa_v0)
        return rot_even__ssa_v1, rot_odd__ssa_v1
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def kv_reassemble(full__ssa_v0: pl.Out[pl.Tensor[[16, 64], pl.FP32]], rot_even__ssa_v0: pl.Tensor[[16, 32], pl.BF16], rot_odd__ssa_v0: pl.Tensor[[16, 32], pl.BF16], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16]) -> pl.Tensor[[16, 64], pl.FP32]:
        for col, (full__iter_v1,) in pl.pipeline(0, 64, 32, init_values=(full__ssa_v0,)):
            even__tile: pl.Tile[[16, 16], pl.BF16, pl.Mem.Mat] = pl.tile.load(rot_even__ssa_v0, [0, col // 2], [16, 16], [16, 16], target_memory=pl.Mem.Mat, transpose=False)
            even_select__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select_t__ssa_v0, [col // 2, col], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
            acc__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(even__tile, even_select__tile)
            odd__tile: pl.Tile[[16, 16], pl.BF16, pl.Mem.Mat] = pl.tile.load(rot_odd__ssa_v0, [0, col // 2], [16, 16], [16, 16], target_memory=pl.Mem.Mat, transpose=False)
            odd_select__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select_t__ssa_v0, [col // 2, col], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
            joined__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__tile, odd__tile, odd_select__tile)
            full__ssa_v2: pl.Tensor[[16, 64], pl.FP32] = pl.tile.store(joined__tile, [0, col], full__iter_v1)
            full__rv_v3: pl.Tensor[[16, 64], pl.FP32] = pl.yield_(full__ssa_v2)
        return full__rv_v3
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def kv_write(kv_out__ssa_v0: pl.InOut[pl.Tensor[[16, 128], pl.BF16]], full__ssa_v0: pl.Tensor[[16, 64], pl.FP32]) -> pl.Tensor[[16, 128], pl.BF16]:
        full__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(full__ssa_v0, [0, 0], [16, 64], [16, 64], target_memory=pl.Mem.Vec, transpose=False)
        full_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(full__tile, target_type=pl.BF16, mode='rint')
        kv_out__ssa_v1: pl.Tensor[[16, 128], pl.BF16] = pl.tile.store(full_bf16__tile, [0, 64], kv_out__ssa_v0)
        return kv_out__ssa_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def column_chunks_main(self, kv__ssa_v0: pl.Tensor[[16, 128], pl.FP32], inv_rms__ssa_v0: pl.Tensor[[1, 16], pl.FP32], gamma__ssa_v0: pl.Tensor[[1, 128], pl.BF16], cos__ssa_v0: pl.Tensor[[16, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[16, 32], pl.BF16], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], kv_out__ssa_v0: pl.InOut[pl.Tensor[[16, 128], pl.BF16]]) -> pl.Tensor[[16, 128], pl.BF16]:
        rot_even__ssa_v0: pl.Tensor[[16, 32], pl.BF16] = pl.tensor.create([16, 32], dtype=pl.BF16, layout=pl.TensorLayout.ND)
        rot_odd__ssa_v0: pl.Tensor[[16, 32], pl.BF16] = pl.tensor.create([16, 32], dtype=pl.BF16, layout=pl.TensorLayout.ND)
        ret__tmp_v0: pl.Tuple[pl.Tensor[[16, 32], pl.BF16], pl.Tensor[[16, 32], pl.BF16]] = self.kv_rotate(rot_even__ssa_v0, rot_odd__ssa_v0, kv__ssa_v0, inv_rms__ssa_v0, gamma__ssa_v0, cos__ssa_v0, sin__ssa_v0)
        rot_even__ssa_v1: pl.Tensor[[16, 32], pl.BF16] = ret__tmp_v0[0]
        rot_odd__ssa_v1: pl.Tensor[[16, 32], pl.BF16] = ret__tmp_v0[1]
        full__ssa_v0: pl.Tensor[[16, 64], pl.FP32] = pl.tensor.create([16, 64], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        full__ssa_v1: pl.Tensor[[16, 64], pl.FP32] = self.kv_reassemble(full__ssa_v0, rot_even__ssa_v1, rot_odd__ssa_v1, even_select_t__ssa_v0, odd_select_t__ssa_v0)
        kv_out__ssa_v1: pl.Tensor[[16, 128], pl.BF16] = self.kv_write(kv_out__ssa_v0, full__ssa_v1)
        return kv_out__ssa_v1
