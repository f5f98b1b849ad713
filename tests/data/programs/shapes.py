# pypto.program: shapes
# One- and three-dimensional tiles, valid shapes, and operations that have no counterpart and stay text.
import pypto.language as pl

@pl.program
class shapes:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def odd_shapes(gamma__ssa_v0: pl.Tensor[[64], pl.FP32], cube__ssa_v0: pl.Tensor[[2, 4, 64], pl.FP32], column__ssa_v0: pl.Tensor[[8, 1], pl.FP32], keys__ssa_v0: pl.Tensor[[1, 64], pl.FP32], index__ssa_v0: pl.Tensor[[1, 64], pl.UINT32], out__ssa_v0: pl.Out[pl.Tensor[[2, 4, 64], pl.FP32]], sorted__ssa_v0: pl.Out[pl.Tensor[[1, 128], pl.FP32]], rest__ssa_v0: pl.Out[pl.Tensor[[16, 64], pl.FP32]]) -> tuple[pl.Tensor[[2, 4, 64], pl.FP32], pl.Tensor[[1, 128], pl.FP32], pl.Tensor[[16, 64], pl.FP32]]:
        gamma__tile: pl.Tile[[64], pl.FP32, pl.Mem.Vec] = pl.tile.load(gamma__ssa_v0, [0], [64], [64], target_memory=pl.Mem.Vec, transpose=False)
        gamma_row__tile: pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec] = pl.tile.reshape(gamma__tile, [1, 64])
        cube__tile: pl.Tile[[2, 4, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(cube__ssa_v0, [0, 0, 0], [2, 4, 64], [2, 4, 64], target_memory=pl.Mem.Vec, transpose=False)
        flat__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec] = pl.tile.reshape(cube__tile, [8, 64])
        column__tile: pl.Tile[[8, 1], pl.FP32, pl.Mem.Vec] = pl.tile.load(column__ssa_v0, [0, 0], [8, 1], [8, 1], target_memory=pl.Mem.Vec, transpose=False)
        inverse__tile: pl.Tile[[8, 1], pl.FP32, pl.Mem.Vec] = pl.tile.recip(column__tile)
        scaled__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec] = pl.tile.row_expand_mul(flat__tile, inverse__tile)
        weighted__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec] = pl.tile.col_expand_mul(scaled__tile, gamma_row__tile)
        back__tile: pl.Tile[[2, 4, 64], pl.FP32, pl.Mem.Vec] = pl.tile.reshape(weighted__tile, [2, 4, 64])
        doubled__tile: pl.Tile[[2, 4, 64], pl.FP32, pl.Mem.Vec] = pl.tile.add(back__tile, back__tile)
        out__ssa_v1: pl.Tensor[[2, 4, 64], pl.FP32] = pl.tile.store(doubled__tile, [0, 0, 0], out__ssa_v0)
        out__ssa_v2: pl.Tensor[[2, 4, 64], pl.FP32] = pl.tile.store(gamma_row__tile, [1, 3, 0], out__ssa_v1)
        keys__tile: pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec] = pl.tile.load(keys__ssa_v0, [0, 0], [1, 64], [1, 64], target_memory=pl.Mem.Vec, transpose=False)
        index__tile: pl.Tile[[1, 64], pl.UINT32, pl.Mem.Vec] = pl.tile.load(index__ssa_v0, [0, 0], [1, 64], [1, 64], target_memory=pl.Mem.Vec, transpose=False)
        pairs__tile: pl.Tile[[1, 128], pl.FP32, pl.Mem.Vec] = pl.tile.sort32(keys__tile, index__tile)
        merged__tile: pl.Tile[[1, 128], pl.FP32, pl.Mem.Vec] = pl.tile.mrgsort_format1(pairs__tile, pl.const(64, pl.INT32))
        picked__tile: pl.Tile[[1, 64], pl.UINT32, pl.Mem.Vec] = pl.tile.gather_mask(merged__tile, mask_pattern=2, output_dtype=pl.UINT32)
        sorted__ssa_v1: pl.Tensor[[1, 128], pl.FP32] = pl.tile.store(merged__tile, [0, 0], sorted__ssa_v0)
        part__tile: pl.Tile[[1, 8, 64], pl.FP32, pl.Mem.Vec, pl.TileView(valid_shape=[1, 3, 64])] = pl.tile.load(cube__ssa_v0, [1, 1, 0], [1, 8, 64], [1, 3, 64], target_memory=pl.Mem.Vec, transpose=False)
        narrow__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec, pl.TileView(valid_shape=[5, 64])] = pl.tile.set_validshape(flat__tile, 5, 64)
        padded__tile: pl.Tile[[8, 64], pl.FP32, pl.Mem.Vec, pl.TileView(pad=pl.PadValue.zero)] = pl.tile.fillpad(narrow__tile, pad_value=pl.PadValue.zero)
        piece__tile: pl.Tile[[2, 64], pl.FP32, pl.Mem.Vec] = pl.tile.slice(flat__tile, [2, 64], [3, 0])
        empty__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.full([16, 64], dtype=pl.FP32, value=0.25)
        filled__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.assemble(empty__tile, piece__tile, [5, 0])
        left__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.slice(filled__tile, [16, 32], [0, 0], [16, 32])
        right__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.slice(filled__tile, [16, 32], [0, 32], [16, 32])
        swapped__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.concat(right__tile, left__tile)
        scratch__tile: pl.Tile[[64, 16], pl.FP32, pl.Mem.Vec] = pl.tile.create([64, 16], dtype=pl.FP32, target_memory=pl.Mem.Vec)
        turned__tile: pl.Tile[[64, 16], pl.FP32, pl.Mem.Vec] = pl.tile.transpose(swapped__tile, 0, 1, scratch__tile)
        straight__tile: pl.Tile[[16, 64], pl.FP32, pl.Mem.Vec] = pl.tile.transpose(turned__tile, 0, 1)
        rest__ssa_v1: pl.Tensor[[16, 64], pl.FP32] = pl.tile.store(straight__tile, [0, 0], rest__ssa_v0)
        return out__ssa_v2, sorted__ssa_v1, rest__ssa_v1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def shapes_main(self, gamma__ssa_v0: pl.Tensor[[64], pl.FP32], cube__ssa_v0: pl.Tensor[[2, 4, 64], pl.FP32], column__ssa_v0: pl.Tensor[[8, 1], pl.FP32], keys__ssa_v0: pl.Tensor[[1, 64], pl.FP32], index__ssa_v0: pl.Tensor[[1, 64], pl.UINT32], out__ssa_v0: pl.Out[pl.Tensor[[2, 4, 64], pl.FP32]], sorted__ssa_v0: pl.Out[pl.Tensor[[1, 128], pl.FP32]], rest__ssa_v0: pl.Out[pl.Tensor[[16, 64], pl.FP32]]) -> tuple[pl.Tensor[[2, 4, 64], pl.FP32], pl.Tensor[[1, 128], pl.FP32], pl.Tensor[[16, 64], pl.FP32]]:
        ret__tmp_v0: pl.Tuple[pl.Tensor[[2, 4, 64], pl.FP32], pl.Tensor[[1, 128], pl.FP32], pl.Tensor[[16, 64], pl.FP32]] = self.odd_shapes(gamma__ssa_v0, cube__ssa_v0, column__ssa_v0, keys__ssa_v0, index__ssa_v0, out__ssa_v0, sorted__ssa_v0, rest__ssa_v0)
        out__ssa_v1: pl.Tensor[[2, 4, 64], pl.FP32] = ret__tmp_v0[0]
        sorted__ssa_v1: pl.Tensor[[1, 128], pl.FP32] = ret__tmp_v0[1]
        rest__ssa_v1: pl.Tensor[[16, 64], pl.FP32] = ret__tmp_v0[2]
        return out__ssa_v1, sorted__ssa_v1, rest__ssa_v1
