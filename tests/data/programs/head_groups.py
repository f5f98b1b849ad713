# pypto.program: head_groups
# Two blocks of eight heads each; three kernels, each of them a pipelined loop over the heads of its block: scale,
# gather, rotate and round; re-interleave with the transposed select matrices; round again and write.
import pypto.language as pl

@pl.program
class head_groups:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def q_rotate(pair__ssa_v0: pl.Out[pl.Tensor[[256, 64], pl.BF16]], q__ssa_v0: pl.Tensor[[16, 2048], pl.FP32], inv_rms__ssa_v0: pl.Tensor[[16, 16], pl.FP32], cos__ssa_v0: pl.Tensor[[16, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[16, 32], pl.BF16]) -> pl.Tensor[[256, 64], pl.BF16]:
        group: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        cos_raw__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.load(cos__ssa_v0, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.cast(cos_raw__tile, target_type=pl.FP32, mode='round')
        sin_raw__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.load(sin__ssa_v0, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.cast(sin_raw__tile, target_type=pl.FP32, mode='round')
        for head, (pair__iter_v1,) in pl.pipeline(8, stage=2, init_values=(pair__ssa_v0,)):
            number: pl.Scalar[pl.INDEX] = group * 8 + head
            q__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(q__ssa_v0, [0, number * 128 + 64], [16, 64], [16, 64], target_memory=pl.Mem.Vec, transpose=False)
            inv_rms_row__tile: pl.Tile[[1, 16], pl.FP32, pl.Mem.Vec] = pl.tile.load(inv_rms__ssa_v0, [number, 0], [1, 16], [1, 16], target_memory=pl.Mem.Vec, transpose=False)
            inv_rms__tile: pl.Tile[[16, 1], pl.FP32, pl.Mem.Vec] = pl.tile.reshape(inv_rms_row__tile, [16, 1])
            x__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.row_expand_mul(q__tile, inv_rms__tile)
            even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=1)
            odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.gather_mask(x__tile, mask_pattern=2)
            even_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.mul(even__tile, cos__tile)
            odd_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.mul(odd__tile, sin__tile)
            rot_even__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(even_cos__tile, odd_sin__tile)
            even_sin__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.mul(even__tile, sin__tile)
            odd_cos__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.mul(odd__tile, cos__tile)
            rot_odd__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(even_sin__tile, odd_cos__tile)
            rot_even_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_even__tile, target_type=pl.BF16, mode='rint')
            rot_odd_bf16__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Vec] = pl.tile.cast(rot_odd__tile, target_type=pl.BF16, mode='rint')
            pair__ssa_v2: pl.Tensor[[256, 64], pl.BF16] = pl.tile.store(rot_even_bf16__tile, [number * 16, 0], pair__iter_v1)
            pair__ssa_v3: pl.Tensor[[256, 64], pl.BF16] = pl.tile.store(rot_odd_bf16__tile, [number * 16, 32], pair__ssa_v2)
            pair__rv_v4: pl.Tensor[[256, 64], pl.BF16] = pl.yield_(pair__ssa_v3)
        return pair__rv_v4
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def q_reassemble(full__ssa_v0: pl.Out[pl.Tensor[[256, 64], pl.FP32]], pair__ssa_v0: pl.Tensor[[256, 64], pl.BF16], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16]) -> pl.Tensor[[256, 64], pl.FP32]:
        group: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        for head, (full__iter_v1,) in pl.pipeline(8, stage=2, init_values=(full__ssa_v0,)):
            row: pl.Scalar[pl.INDEX] = (group * 8 + head) * 16
            even__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(pair__ssa_v0, [row, 0], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
            odd__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(pair__ssa_v0, [row, 32], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
            even_select__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(even_select_t__ssa_v0, [0, 0], [32, 64], [32, 64], target_memory=pl.Mem.Mat, transpose=False)
            acc__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(even__tile, even_select__tile)
            odd_select__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat] = pl.tile.load(odd_select_t__ssa_v0, [0, 0], [32, 64], [32, 64], target_memory=pl.Mem.Mat, transpose=False)
            joined__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__tile, odd__tile, odd_select__tile)
            full__ssa_v2: pl.Tensor[[256, 64], pl.FP32] = pl.tile.store(joined__tile, [row, 0], full__iter_v1)
            full__rv_v3: pl.Tensor[[256, 64], pl.FP32] = pl.yield_(full__ssa_v2)
        return full__rv_v3
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def q_write(q_out__ssa_v0: pl.InOut[pl.Tensor[[16, 2048], pl.BF16]], full__ssa_v0: pl.Tensor[[256, 64], pl.FP32]) -> pl.Tensor[[16, 2048], pl.BF16]:
        group: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        for head, (q_out__iter_v1,) in pl.pipeline(8, stage=2, init_values=(q_out__ssa_v0,)):
            number: pl.Scalar[pl.INDEX] = group * 8 + head
            full__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(full__ssa_v0, [number * 16, 0], [16, 64], [16, 64], target_memory=pl.Mem.Vec, transpose=False)
            full_bf16__tile: pl.Tile[[16, 64], pl.BF16, pl.Mem.Vec] = pl.tile.cast(full__tile, target_type=pl.BF16, mode='rint')
            q_out__ssa_v2: pl.Tensor[[16, 2048], pl.BF16] = pl.tile.store(full_bf16__tile, [0, number * 128 + 64], q_out__iter_v1)
            q_out__rv_v3: pl.Tensor[[16, 2048], pl.BF16] = pl.yield_(q_out__ssa_v2)
        return q_out__rv_v3
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})
    def q_rotate_spmd(self, pair__ssa_v0: pl.Out[pl.Tensor[[256, 64], pl.BF16]], q__ssa_v0: pl.Tensor[[16, 2048], pl.FP32], inv_rms__ssa_v0: pl.Tensor[[16, 16], pl.FP32], cos__ssa_v0: pl.Tensor[[16, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[16, 32], pl.BF16]) -> pl.Tensor[[256, 64], pl.BF16]:
        pair__rv_v1: pl.Tensor[[256, 64], pl.BF16] = self.q_rotate(pair__ssa_v0, q__ssa_v0, inv_rms__ssa_v0, cos__ssa_v0, sin__ssa_v0)
        return pair__rv_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})
    def q_reassemble_spmd(self, full__ssa_v0: pl.Out[pl.Tensor[[256, 64], pl.FP32]], pair__ssa_v0: pl.Tensor[[256, 64], pl.BF16], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16]) -> pl.Tensor[[256, 64], pl.FP32]:
        full__rv_v1: pl.Tensor[[256, 64], pl.FP32] = self.q_reassemble(full__ssa_v0, pair__ssa_v0, even_select_t__ssa_v0, odd_select_t__ssa_v0)
        return full__rv_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})
    def q_write_spmd(self, q_out__ssa_v0: pl.InOut[pl.Tensor[[16, 2048], pl.BF16]], full__ssa_v0: pl.Tensor[[256, 64], pl.FP32]) -> pl.Tensor[[16, 2048], pl.BF16]:
        q_out__rv_v1: pl.Tensor[[16, 2048], pl.BF16] = self.q_write(q_out__ssa_v0, full__ssa_v0)
        return q_out__rv_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def head_groups_main(self, q__ssa_v0: pl.Tensor[[16, 2048], pl.FP32], inv_rms__ssa_v0: pl.Tensor[[16, 16], pl.FP32], cos__ssa_v0: pl.Tensor[[16, 32], pl.BF16], sin__ssa_v0: pl.Tensor[[16, 32], pl.BF16], even_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], odd_select_t__ssa_v0: pl.Tensor[[32, 64], pl.BF16], q_out__ssa_v0: pl.InOut[pl.Tensor[[16, 2048], pl.BF16]]) -> pl.Tensor[[16, 2048], pl.BF16]:
        pair__ssa_v0: pl.Tensor[[256, 64], pl.BF16] = pl.tensor.create([256, 64], dtype=pl.BF16, layout=pl.TensorLayout.ND)
        pair__ssa_v1: pl.Tensor[[256, 64], pl.BF16] = self.q_rotate_spmd(pair__ssa_v0, q__ssa_v0, inv_rms__ssa_v0, cos__ssa_v0, sin__ssa_v0)
        full__ssa_v0: pl.Tensor[[256, 64], pl.FP32] = pl.tensor.create([256, 64], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        full__ssa_v1: pl.Tensor[[256, 64], pl.FP32] = self.q_reassemble_spmd(full__ssa_v0, pair__ssa_v1, even_select_t__ssa_v0, odd_select_t__ssa_v0)
        q_out__ssa_v1: pl.Tensor[[16, 2048], pl.BF16] = self.q_write_spmd(q_out__ssa_v0, full__ssa_v1)
        return q_out__ssa_v1
