// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_half = !pto.tile_buf<vec, 8x32xf32>
!b_idx = !pto.tile_buf<vec, 8x64xi32>
!b_bytes = !pto.tile_buf<vec, 8x32xui8>
!t = !pto.tile<vec, 8x64xf32>
!t_half = !pto.tile<vec, 8x32xf32>
!t_idx = !pto.tile<vec, 8x64xi32>

func.func @buffer(%x: !b, %half: !b_half, %idx: !b_idx, %d: !b, %k: f32, %bytes: !b_bytes, %n: !b_idx) {
  pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P0101>} : !b, "row") outs(%half : !b_half)
  // CHECK: pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile_buf<vec, 8x64xf32>, "row") outs(%half : !pto.tile_buf<vec, 8x32xf32>)
  pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P1010>} : !b) outs(%half : !b_half)
  // CHECK: pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P1010>} : !pto.tile_buf<vec, 8x64xf32>) outs(%half : !pto.tile_buf<vec, 8x32xf32>)
  pto.tgather ins(%x, %idx, %idx : !b, !b_idx, !b_idx) outs(%d : !b)
  // CHECK: pto.tgather ins(%x, %idx, %idx : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xi32>, !pto.tile_buf<vec, 8x64xi32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tgather ins(%x, %k, %bytes : !b, f32, !b_bytes) outs(%idx, %n : !b_idx, !b_idx) {cmpMode = #pto<cmp gt>, offset = 7 : i32}
  // CHECK: pto.tgather ins(%x, %k, %bytes : !pto.tile_buf<vec, 8x64xf32>, f32, !pto.tile_buf<vec, 8x32xui8>) outs(%idx, %n : !pto.tile_buf<vec, 8x64xi32>, !pto.tile_buf<vec, 8x64xi32>) {cmpMode = #pto<cmp gt>, offset = 7 : i32}
  pto.tscatter ins(%half, {maskPattern = #pto.mask_pattern<P1010>} : !b_half, "row") outs(%d : !b)
  // CHECK: pto.tscatter ins(%half, {maskPattern = #pto.mask_pattern<P1010>} : !pto.tile_buf<vec, 8x32xf32>, "row") outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tscatter ins(%x, %idx : !b, !b_idx) outs(%d : !b)
  // CHECK: pto.tscatter ins(%x, %idx : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xi32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tgatherb ins(%x, %idx : !b, !b_idx) outs(%d : !b)
  // CHECK: pto.tgatherb ins(%x, %idx : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xi32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  func.return
}

func.func @value(%x: !t, %half: !t_half, %idx: !t_idx) {
  %even = pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P0101>} : !t, "row") -> !t_half
  // CHECK: %even = pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile<vec, 8x64xf32>, "row") -> !pto.tile<vec, 8x32xf32>
  %picked = pto.tgather ins(%x, %idx, %idx : !t, !t_idx, !t_idx) -> !t
  // CHECK: %picked = pto.tgather ins(%x, %idx, %idx : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xi32>, !pto.tile<vec, 8x64xi32>) -> !pto.tile<vec, 8x64xf32>
  %spread = pto.tscatter ins(%half, {maskPattern = #pto.mask_pattern<P1010>} : !t_half, "row") -> !t
  // CHECK: %spread = pto.tscatter ins(%half, {maskPattern = #pto.mask_pattern<P1010>} : !pto.tile<vec, 8x32xf32>, "row") -> !pto.tile<vec, 8x64xf32>
  %put = pto.tscatter ins(%x, %idx : !t, !t_idx) -> !t
  // CHECK: %put = pto.tscatter ins(%x, %idx : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xi32>) -> !pto.tile<vec, 8x64xf32>
  %blocks = pto.tgatherb ins(%x, %idx : !t, !t_idx) -> !t
  // CHECK: %blocks = pto.tgatherb ins(%x, %idx : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xi32>) -> !pto.tile<vec, 8x64xf32>
  func.return
}

builtin.module attributes {pto.target_arch = "a5"} {
  func.func @without_scratch(%x: !b, %idx: !b_idx, %words: !pto.tile_buf<vec, 32x32xui16>, %bytes: !pto.tile_buf<vec, 32x1xui8, blayout=col_major>, %counts: !pto.tile_buf<vec, 32x256xui32>) {
    pto.tgather ins(%x, %idx : !b, !b_idx) outs(%x : !b)
    // CHECK: pto.tgather ins(%x, %idx : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xi32>) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
    pto.thistogram ins(%words, %bytes : !pto.tile_buf<vec, 32x32xui16>, !pto.tile_buf<vec, 32x1xui8, blayout=col_major>) outs(%counts : !pto.tile_buf<vec, 32x256xui32>) {byte = 1 : i32}
    // CHECK: pto.thistogram ins(%words, %bytes : !pto.tile_buf<vec, 32x32xui16>, !pto.tile_buf<vec, 32x1xui8, blayout=col_major>) outs(%counts : !pto.tile_buf<vec, 32x256xui32>) {byte = 1 : i32}
    func.return
  }
}
