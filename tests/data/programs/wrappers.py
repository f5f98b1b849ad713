import pypto.language as pl

@pl.program
class wrappers:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def both(x__ssa_v0: pl.Tensor[[64, 32], pl.FP32], unused__ssa_v0: pl.Tensor[[8, 8], pl.FP32], a__ssa_v0: pl.Out[pl.Tensor[[64, 32], pl.FP32]], b__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]]) -> tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]]:
        i__ssa_v0: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()
        x__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(x__ssa_v0, [i__ssa_v0 * 16, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        b__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(b__ssa_v0, [i__ssa_v0 * 16, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        s__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.add(x__tile, b__tile)
        d__tile: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.sub(x__tile, b__tile)
        a__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = pl.tile.store(s__tile, [i__ssa_v0 * 16, 0], a__ssa_v0)
        b__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = pl.tile.store(d__tile, [i__ssa_v0 * 16, 0], b__ssa_v0)
        return a__ssa_v1, b__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def own_spmd(self, x__ssa_v0: pl.Tensor[[64, 32], pl.FP32], unused__ssa_v0: pl.Tensor[[8, 8], pl.FP32], a__ssa_v0: pl.Out[pl.Tensor[[64, 32], pl.FP32]], b__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]]) -> tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]]:
        ret__tmp_v0: pl.Tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]] = self.both(x__ssa_v0, unused__ssa_v0, a__ssa_v0, b__ssa_v0)
        return a__ssa_v0, b__ssa_v0
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def crossed_spmd(self, low__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]], high__ssa_v0: pl.Out[pl.Tensor[[64, 32], pl.FP32]], in__ssa_v0: pl.Tensor[[64, 32], pl.FP32], unused__ssa_v0: pl.Tensor[[8, 8], pl.FP32]) -> tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]]:
        ret__tmp_v0: pl.Tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]] = self.both(in__ssa_v0, unused__ssa_v0, high__ssa_v0, low__ssa_v0)
        first__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v0[0]
        second__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v0[1]
        return second__ssa_v1, first__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def one_spmd(self, x__ssa_v0: pl.Tensor[[64, 32], pl.FP32], unused__ssa_v0: pl.Tensor[[8, 8], pl.FP32], a__ssa_v0: pl.Out[pl.Tensor[[64, 32], pl.FP32]], b__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]]) -> pl.Tensor[[64, 32], pl.FP32]:
        ret__tmp_v0: pl.Tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]] = self.both(x__ssa_v0, unused__ssa_v0, a__ssa_v0, b__ssa_v0)
        b__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v0[1]
        return b__ssa_v1
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def none_spmd(self, x__ssa_v0: pl.Tensor[[64, 32], pl.FP32], unused__ssa_v0: pl.Tensor[[8, 8], pl.FP32], a__ssa_v0: pl.Out[pl.Tensor[[64, 32], pl.FP32]], b__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]]):
        self.both(x__ssa_v0, unused__ssa_v0, a__ssa_v0, b__ssa_v0)
    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 4})
    def input_spmd(self, x__ssa_v0: pl.Tensor[[64, 32], pl.FP32], unused__ssa_v0: pl.Tensor[[8, 8], pl.FP32], a__ssa_v0: pl.Out[pl.Tensor[[64, 32], pl.FP32]], b__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]]) -> tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]]:
        ret__tmp_v0: pl.Tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]] = self.both(x__ssa_v0, unused__ssa_v0, a__ssa_v0, b__ssa_v0)
        a__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v0[0]
        return x__ssa_v0, a__ssa_v1, b__ssa_v0
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def main(self, x__ssa_v0: pl.Tensor[[64, 32], pl.FP32], unused__ssa_v0: pl.Tensor[[8, 8], pl.FP32], y__ssa_v0: pl.InOut[pl.Tensor[[64, 32], pl.FP32]], z__ssa_v0: pl.Out[pl.Tensor[[64, 32], pl.FP32]]) -> tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]]:
        p__ssa_v0: pl.Tensor[[64, 32], pl.FP32] = pl.tensor.create([64, 32], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        q__ssa_v0: pl.Tensor[[64, 32], pl.FP32] = pl.tensor.create([64, 32], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        ret__tmp_v0: pl.Tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]] = self.own_spmd(x__ssa_v0, unused__ssa_v0, p__ssa_v0, y__ssa_v0)
        p__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v0[0]
        y__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v0[1]
        ret__tmp_v1: pl.Tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]] = self.crossed_spmd(y__ssa_v1, q__ssa_v0, p__ssa_v1, unused__ssa_v0)
        y__ssa_v2: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v1[0]
        q__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v1[1]
        y__ssa_v3: pl.Tensor[[64, 32], pl.FP32] = self.one_spmd(q__ssa_v1, unused__ssa_v0, p__ssa_v1, y__ssa_v2)
        self.none_spmd(p__ssa_v1, unused__ssa_v0, q__ssa_v1, y__ssa_v3)
        ret__tmp_v2: pl.Tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]] = self.input_spmd(q__ssa_v1, unused__ssa_v0, z__ssa_v0, y__ssa_v3)
        q__ssa_v2: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v2[0]
        z__ssa_v1: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v2[1]
        y__ssa_v4: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v2[2]
        ret__tmp_v3: pl.Tuple[pl.Tensor[[64, 32], pl.FP32], pl.Tensor[[64, 32], pl.FP32]] = self.own_spmd(q__ssa_v2, unused__ssa_v0, p__ssa_v1, z__ssa_v1)
        z__ssa_v2: pl.Tensor[[64, 32], pl.FP32] = ret__tmp_v3[1]
        return y__ssa_v4, z__ssa_v2
