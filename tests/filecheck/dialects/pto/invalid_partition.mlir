// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 16x32xf32>
!b_i32 = !pto.tile_buf<vec, 16x32xi32>
// CHECK: expects tiles of one element type, found f32 and i32
func.func @f(%x: !b, %y: !b_i32) {
  pto.tpartadd ins(%x, %y : !b, !b_i32) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x32xf32>
!b_acc = !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
// CHECK: expects tiles in vec memory, found acc
func.func @f(%x: !b, %y: !b_acc) {
  pto.tpartmax ins(%x, %y : !b, !b_acc) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x32xf32>
!b_i32 = !pto.tile_buf<vec, 16x32xi32>
!b_ui32 = !pto.tile_buf<vec, 16x32xui32>
// CHECK: expects tiles of one element type, found i32 and ui32
func.func @f(%x: !b, %i: !b_i32, %j: !b_ui32) {
  pto.tpartargmax ins(%x, %x, %i, %j : !b, !b, !b_i32, !b_ui32) outs(%x, %i : !b, !b_i32)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x32xf32>
// CHECK: expects integer indices, found f32
func.func @f(%x: !b) {
  pto.tpartargmin ins(%x, %x, %x, %x : !b, !b, !b, !b) outs(%x, %x : !b, !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x32xf32>
!b_i32 = !pto.tile_buf<vec, 16x32xi32>
// CHECK: expects 2 destinations, found 1
func.func @f(%x: !b, %i: !b_i32) {
  pto.tpartargmin ins(%x, %x, %i, %i : !b, !b, !b_i32, !b_i32) outs(%x : !b)
  func.return
}
