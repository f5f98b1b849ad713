// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 16x32xf32>
!b_idx = !pto.tile_buf<vec, 16x32xui32>
!t = !pto.tile<vec, 16x32xf32>
!t_part = !pto.tile<vec, 16x32xf32, valid=8x32>
!t_idx = !pto.tile<vec, 16x32xui32>

func.func @buffer(%x: !b, %y: !b, %d: !b, %i: !b_idx, %j: !b_idx, %k: !b_idx) {
  pto.tpartadd ins(%x, %y : !b, !b) outs(%d : !b)
  // CHECK: pto.tpartadd ins(%x, %y : !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xf32>) outs(%d : !pto.tile_buf<vec, 16x32xf32>)
  pto.tpartmul ins(%x, %y : !b, !b) outs(%d : !b)
  // CHECK: pto.tpartmul ins(%x, %y : !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xf32>) outs(%d : !pto.tile_buf<vec, 16x32xf32>)
  pto.tpartmax ins(%x, %y : !b, !b) outs(%d : !b)
  // CHECK: pto.tpartmax ins(%x, %y : !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xf32>) outs(%d : !pto.tile_buf<vec, 16x32xf32>)
  pto.tpartmin ins(%x, %y : !b, !b) outs(%d : !b)
  // CHECK: pto.tpartmin ins(%x, %y : !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xf32>) outs(%d : !pto.tile_buf<vec, 16x32xf32>)
  pto.tpartargmax ins(%x, %y, %i, %j : !b, !b, !b_idx, !b_idx) outs(%d, %k : !b, !b_idx)
  // CHECK: pto.tpartargmax ins(%x, %y, %i, %j : !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xui32>, !pto.tile_buf<vec, 16x32xui32>) outs(%d, %k : !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xui32>)
  pto.tpartargmin ins(%x, %y, %i, %j : !b, !b, !b_idx, !b_idx) outs(%d, %k : !b, !b_idx)
  // CHECK: pto.tpartargmin ins(%x, %y, %i, %j : !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xui32>, !pto.tile_buf<vec, 16x32xui32>) outs(%d, %k : !pto.tile_buf<vec, 16x32xf32>, !pto.tile_buf<vec, 16x32xui32>)
  func.return
}

func.func @value(%x: !t, %y: !t_part, %i: !t_idx) {
  %sum = pto.tpartadd ins(%x, %y : !t, !t_part) -> !t
  // CHECK: %sum = pto.tpartadd ins(%x, %y : !pto.tile<vec, 16x32xf32>, !pto.tile<vec, 16x32xf32, valid=8x32>) -> !pto.tile<vec, 16x32xf32>
  %max, %at = pto.tpartargmax ins(%x, %x, %i, %i : !t, !t, !t_idx, !t_idx) -> !t, !t_idx
  // CHECK: %max, %at = pto.tpartargmax ins(%x, %x, %i, %i : !pto.tile<vec, 16x32xf32>, !pto.tile<vec, 16x32xf32>, !pto.tile<vec, 16x32xui32>, !pto.tile<vec, 16x32xui32>) -> !pto.tile<vec, 16x32xf32>, !pto.tile<vec, 16x32xui32>
  func.return
}
