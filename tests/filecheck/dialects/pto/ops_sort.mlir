// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 1x256xf32>
!b_idx = !pto.tile_buf<vec, 1x256xui32>
!b_pairs = !pto.tile_buf<vec, 1x512xf32>
!t = !pto.tile<vec, 1x256xf32>
!t_idx = !pto.tile<vec, 1x256xui32>
!t_pairs = !pto.tile<vec, 1x512xf32>
!counts = vector<4xi16>

func.func @buffer(%x: !b, %idx: !b_idx, %tmp: !b, %pairs: !b_pairs, %len: i32, %counts: !counts) {
  pto.tsort32 ins(%x, %idx : !b, !b_idx) outs(%pairs : !b_pairs)
  // CHECK: pto.tsort32 ins(%x, %idx : !pto.tile_buf<vec, 1x256xf32>, !pto.tile_buf<vec, 1x256xui32>) outs(%pairs : !pto.tile_buf<vec, 1x512xf32>)
  pto.tsort32 ins(%x, %idx, %tmp : !b, !b_idx, !b) outs(%pairs : !b_pairs)
  // CHECK: pto.tsort32 ins(%x, %idx, %tmp : !pto.tile_buf<vec, 1x256xf32>, !pto.tile_buf<vec, 1x256xui32>, !pto.tile_buf<vec, 1x256xf32>) outs(%pairs : !pto.tile_buf<vec, 1x512xf32>)
  pto.tmrgsort ins(%pairs, %len : !b_pairs, i32) outs(%pairs : !b_pairs)
  // CHECK: pto.tmrgsort ins(%pairs, %len : !pto.tile_buf<vec, 1x512xf32>, i32) outs(%pairs : !pto.tile_buf<vec, 1x512xf32>)
  pto.tmrgsort ins(%x, %x, %tmp {exhausted = false} : !b, !b, !b) outs(%pairs, %counts : !b_pairs, !counts)
  // CHECK: pto.tmrgsort ins(%x, %x, %tmp {exhausted = false} : !pto.tile_buf<vec, 1x256xf32>, !pto.tile_buf<vec, 1x256xf32>, !pto.tile_buf<vec, 1x256xf32>) outs(%pairs, %counts : !pto.tile_buf<vec, 1x512xf32>, vector<4xi16>)
  pto.tmrgsort ins(%x, %x no_tmp {exhausted = true} : !b, !b) outs(%pairs, %counts : !b_pairs, !counts)
  // CHECK: pto.tmrgsort ins(%x, %x no_tmp {exhausted = true} : !pto.tile_buf<vec, 1x256xf32>, !pto.tile_buf<vec, 1x256xf32>) outs(%pairs, %counts : !pto.tile_buf<vec, 1x512xf32>, vector<4xi16>)
  pto.tmrgsort ins(%x, %x, %x, %x, %tmp {exhausted = false} : !b, !b, !b, !b, !b) outs(%pairs, %counts : !b_pairs, !counts)
  // CHECK: pto.tmrgsort ins(%x, %x, %x, %x, %tmp {exhausted = false} : !pto.tile_buf<vec, 1x256xf32>, !pto.tile_buf<vec, 1x256xf32>, !pto.tile_buf<vec, 1x256xf32>, !pto.tile_buf<vec, 1x256xf32>, !pto.tile_buf<vec, 1x256xf32>) outs(%pairs, %counts : !pto.tile_buf<vec, 1x512xf32>, vector<4xi16>)
  func.return
}

func.func @value(%x: !t, %idx: !t_idx, %tmp: !t, %len: i32) {
  %pairs = pto.tsort32 ins(%x, %idx, %tmp : !t, !t_idx, !t) -> !t_pairs
  // CHECK: %pairs = pto.tsort32 ins(%x, %idx, %tmp : !pto.tile<vec, 1x256xf32>, !pto.tile<vec, 1x256xui32>, !pto.tile<vec, 1x256xf32>) -> !pto.tile<vec, 1x512xf32>
  %runs = pto.tmrgsort ins(%pairs, %len : !t_pairs, i32) -> !t_pairs
  // CHECK: %runs = pto.tmrgsort ins(%pairs, %len : !pto.tile<vec, 1x512xf32>, i32) -> !pto.tile<vec, 1x512xf32>
  %merged, %used = pto.tmrgsort ins(%x, %x, %tmp {exhausted = false} : !t, !t, !t) -> !t_pairs, !counts
  // CHECK: %merged, %used = pto.tmrgsort ins(%x, %x, %tmp {exhausted = false} : !pto.tile<vec, 1x256xf32>, !pto.tile<vec, 1x256xf32>, !pto.tile<vec, 1x256xf32>) -> !pto.tile<vec, 1x512xf32>, vector<4xi16>
  func.return
}
