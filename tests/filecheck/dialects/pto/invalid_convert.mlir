// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_bf16_part = !pto.tile_buf<vec, 8x64xbf16, valid=8x32>
// CHECK: expects tiles with the same valid columns, found 32 and 64
func.func @f(%x: !b, %d: !b_bf16_part) {
  pto.tcvt ins(%x {rmode = #pto<round_mode RINT>} : !b) outs(%d : !b_bf16_part)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_short = !pto.tile_buf<vec, 4x64xbf16>
// CHECK: expects tiles with the same valid rows, found 4 and 8
func.func @f(%x: !b, %d: !b_short) {
  pto.tcvt ins(%x {rmode = #pto<round_mode RINT>} : !b) outs(%d : !b_short)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_bits = !pto.tile_buf<vec, 8x32xui8, valid=4x8>
// CHECK: expects the valid rows of the destination to be 8, found 4
func.func @f(%x: !b, %d: !b_bits, %s: f32) {
  pto.tcmps ins(%x, %s {cmpMode = #pto<cmp ne>} : !b, f32) outs(%d : !b_bits)
  func.return
}

// -----

!b_i8 = !pto.tile_buf<vec, 8x64xi8>
// CHECK: expects element type to be f16/f32/i16/i32/ui16/ui32 on a2a3, found i8
func.func @a3(%x: !b_i8, %d: !pto.tile_buf<vec, 8x32xui8, valid=8x8>, %s: i8) {
  pto.tcmps ins(%x, %s {cmpMode = #pto<cmp ne>} : !b_i8, i8) outs(%d : !pto.tile_buf<vec, 8x32xui8, valid=8x8>)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_bf16 = !pto.tile_buf<vec, 8x64xbf16>
!b_bits = !pto.tile_buf<vec, 8x32xui8, valid=4x8>
// CHECK: expects tiles of one element type, found f32 and bf16
func.func @f(%m: !b_bits, %x: !b, %y: !b_bf16) {
  pto.tsel ins(%m, %x, %y : !b_bits, !b, !b_bf16) outs(%x : !b)
  func.return
}
