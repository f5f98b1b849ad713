# pypto.program: products
# Cube and vector mixed without a word: accumulators that start in vector memory, a first trip that
# multiplies and others that accumulate, an accumulator read by vector operations, a vector tile multiplied.
import pypto.language as pl

@pl.program
class products:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker, attrs={"split": pl.SplitMode.UP_DOWN})
    def project(a__ssa_v0: pl.Tensor[[32, 64], pl.BF16], b__ssa_v0: pl.Tensor[[64, 32], pl.BF16], bt__ssa_v0: pl.Tensor[[32, 64], pl.BF16], scale__ssa_v0: pl.Tensor[[1, 32], pl.FP32], out__ssa_v0: pl.Out[pl.Tensor[[32, 32], pl.FP32]], mixed__ssa_v0: pl.Out[pl.Tensor[[32, 64], pl.FP32]]) -> tuple[pl.Tensor[[32, 32], pl.FP32], pl.Tensor[[32, 64], pl.FP32]]:
        acc__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.create([32, 32], dtype=pl.FP32, target_memory=pl.Mem.Vec)
        for k0__idx_v0, (acc__iter_v1,) in pl.pipeline(0, 64, 16, stage=2, init_values=(acc__tile,)):
            a__tile: pl.Tile[[32, 16], pl.BF16, pl.Mem.Mat] = pl.tile.load(a__ssa_v0, [0, k0__idx_v0], [32, 16], [32, 16], target_memory=pl.Mem.Mat, transpose=False)
            b__tile: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(b__ssa_v0, [k0__idx_v0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
            if k0__idx_v0 == 0:
                first__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(a__tile, b__tile)
                next__phi_v1: pl.Tile[[32, 32], pl.FP32, pl.Mem.Acc] = pl.yield_(first__tile)
            else:
                more__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul_acc(acc__iter_v1, a__tile, b__tile)
                next__phi_v1: pl.Tile[[32, 32], pl.FP32, pl.Mem.Acc] = pl.yield_(more__tile)
            acc__rv_v2: pl.Tile[[32, 32], pl.FP32, pl.Mem.Acc] = pl.yield_(next__phi_v1)
        scale__tile: pl.Tile[[1, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(scale__ssa_v0, [0, 0], [1, 32], [1, 32], target_memory=pl.Mem.Vec, transpose=False)
        scaled__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec, pl.TileView(blayout=pl.TileLayout.col_major, slayout=pl.TileLayout.row_major)] = pl.tile.col_expand_mul(acc__rv_v2, scale__tile)
        sums__tmp: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec] = pl.tile.create([32, 32], dtype=pl.FP32, target_memory=pl.Mem.Vec)
        sums__tile: pl.Tile[[32, 1], pl.FP32, pl.Mem.Vec] = pl.tile.row_max(scaled__tile, sums__tmp)
        moved__tile: pl.Tile[[32, 1], pl.FP32, pl.Mem.Vec] = pl.tile.adds(sums__tile, 1.0)
        shifted__tile: pl.Tile[[32, 32], pl.FP32, pl.Mem.Vec, pl.TileView(blayout=pl.TileLayout.col_major, slayout=pl.TileLayout.row_major)] = pl.tile.row_expand_sub(scaled__tile, moved__tile)
        narrow__tile: pl.Tile[[32, 32], pl.BF16, pl.Mem.Vec, pl.TileView(blayout=pl.TileLayout.col_major, slayout=pl.TileLayout.row_major)] = pl.tile.cast(shifted__tile, target_type=pl.BF16, mode='rint')
        bt__tile: pl.Tile[[64, 32], pl.BF16, pl.Mem.Mat, pl.TileView(blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.col_major)] = pl.tile.load(bt__ssa_v0, [0, 0], [32, 64], [32, 64], target_memory=pl.Mem.Mat, transpose=True)
        wide__tile: pl.Tile[[32, 64], pl.BF16, pl.Mem.Mat] = pl.tile.transpose_view(bt__tile)
        mixed__tile: pl.Tile[[32, 64], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(narrow__tile, wide__tile)
        out__ssa_v1: pl.Tensor[[32, 32], pl.FP32] = pl.tile.store(shifted__tile, [0, 0], out__ssa_v0)
        mixed__ssa_v1: pl.Tensor[[32, 64], pl.FP32] = pl.tile.store(mixed__tile, [0, 0], mixed__ssa_v0)
        return out__ssa_v1, mixed__ssa_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def products_main(self, a__ssa_v0: pl.Tensor[[32, 64], pl.BF16], b__ssa_v0: pl.Tensor[[64, 32], pl.BF16], bt__ssa_v0: pl.Tensor[[32, 64], pl.BF16], scale__ssa_v0: pl.Tensor[[1, 32], pl.FP32], out__ssa_v0: pl.Out[pl.Tensor[[32, 32], pl.FP32]], mixed__ssa_v0: pl.Out[pl.Tensor[[32, 64], pl.FP32]]) -> tuple[pl.Tensor[[32, 32], pl.FP32], pl.Tensor[[32, 64], pl.FP32]]:
        ret__tmp_v0: pl.Tuple[pl.Tensor[[32, 32], pl.FP32], pl.Tensor[[32, 64], pl.FP32]] = self.project(a__ssa_v0, b__ssa_v0, bt__ssa_v0, scale__ssa_v0, out__ssa_v0, mixed__ssa_v0)
        out__ssa_v1: pl.Tensor[[32, 32], pl.FP32] = ret__tmp_v0[0]
        mixed__ssa_v1: pl.Tensor[[32, 64], pl.FP32] = ret__tmp_v0[1]
        return out__ssa_v1, mixed__ssa_v1
