// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_bf16 = !pto.tile_buf<vec, 8x64xbf16>
!b_i16 = !pto.tile_buf<vec, 8x64xi16>
!b_bits = !pto.tile_buf<vec, 8x32xui8, valid=8x8>
!t = !pto.tile<vec, 8x64xf32>
!t_bf16 = !pto.tile<vec, 8x64xbf16>
!t_bits = !pto.tile<vec, 8x32xui8, valid=8x8>

func.func @buffer(%x: !b, %y: !b, %h: !b_bf16, %i: !b_i16, %bits: !b_bits, %tmp: !b, %s: f32) {
  pto.tcvt ins(%x {rmode = #pto<round_mode RINT>} : !b) outs(%h : !b_bf16)
  // CHECK: pto.tcvt ins(%x {rmode = #pto<round_mode RINT>} : !pto.tile_buf<vec, 8x64xf32>) outs(%h : !pto.tile_buf<vec, 8x64xbf16>)
  pto.tcvt ins(%x, %tmp {rmode = #pto<round_mode TRUNC>, satmode = #pto<saturation_mode ON>} : !b, !b) outs(%i : !b_i16)
  // CHECK: pto.tcvt ins(%x, %tmp {rmode = #pto<round_mode TRUNC>, satmode = #pto<saturation_mode ON>} : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%i : !pto.tile_buf<vec, 8x64xi16>)
  pto.tcvt ins(%x {rmode = #pto<round_mode ROUND>, sat_mode = #pto<saturation_mode OFF>, note = "kept"} : !b) outs(%h : !b_bf16)
  // CHECK: pto.tcvt ins(%x {rmode = #pto<round_mode ROUND>, satmode = #pto<saturation_mode OFF>, note = "kept"} : !pto.tile_buf<vec, 8x64xf32>) outs(%h : !pto.tile_buf<vec, 8x64xbf16>)
  pto.tcvt ins(%h : !b_bf16) outs(%x : !b)
  // CHECK: pto.tcvt ins(%h : !pto.tile_buf<vec, 8x64xbf16>) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  pto.tcmp ins(%x, %y {cmpMode = #pto<cmp lt>} : !b, !b) outs(%bits : !b_bits)
  // CHECK: pto.tcmp ins(%x, %y {cmpMode = #pto<cmp lt>} : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%bits : !pto.tile_buf<vec, 8x32xui8, valid=8x8>)
  pto.tcmp ins(%x, %y : !b, !b) outs(%bits : !b_bits)
  // CHECK: pto.tcmp ins(%x, %y : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%bits : !pto.tile_buf<vec, 8x32xui8, valid=8x8>)
  pto.tcmps ins(%x, %s {cmpMode = #pto<cmp ne>} : !b, f32) outs(%bits : !b_bits)
  // CHECK: pto.tcmps ins(%x, %s {cmpMode = #pto<cmp ne>} : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%bits : !pto.tile_buf<vec, 8x32xui8, valid=8x8>)
  pto.tsel ins(%bits, %x, %y : !b_bits, !b, !b) outs(%x : !b)
  // CHECK: pto.tsel ins(%bits, %x, %y : !pto.tile_buf<vec, 8x32xui8, valid=8x8>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  pto.tsel ins(%bits, %x, %y, %tmp : !b_bits, !b, !b, !b) outs(%x : !b)
  // CHECK: pto.tsel ins(%bits, %x, %y, %tmp : !pto.tile_buf<vec, 8x32xui8, valid=8x8>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  pto.tsels ins(%bits, %x, %s : !b_bits, !b, f32) outs(%x : !b)
  // CHECK: pto.tsels ins(%bits, %x, %s : !pto.tile_buf<vec, 8x32xui8, valid=8x8>, !pto.tile_buf<vec, 8x64xf32>, f32) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  pto.tsels ins(%bits, %x, %tmp, %s : !b_bits, !b, !b, f32) outs(%x : !b)
  // CHECK: pto.tsels ins(%bits, %x, %tmp, %s : !pto.tile_buf<vec, 8x32xui8, valid=8x8>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, f32) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  func.return
}

func.func @value(%x: !t, %y: !t, %tmp: !t, %s: f32) {
  %h = pto.tcvt ins(%x {rmode = #pto<round_mode ROUND>} : !t) -> !t_bf16
  // CHECK: %h = pto.tcvt ins(%x {rmode = #pto<round_mode ROUND>} : !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xbf16>
  %bits = pto.tcmps ins(%x, %s {cmpMode = #pto<cmp ne>} : !t, f32) -> !t_bits
  // CHECK: %bits = pto.tcmps ins(%x, %s {cmpMode = #pto<cmp ne>} : !pto.tile<vec, 8x64xf32>, f32) -> !pto.tile<vec, 8x32xui8, valid=8x8>
  %z = pto.tsel ins(%bits, %x, %y, %tmp : !t_bits, !t, !t, !t) -> !t
  // CHECK: %z = pto.tsel ins(%bits, %x, %y, %tmp : !pto.tile<vec, 8x32xui8, valid=8x8>, !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  func.return
}
