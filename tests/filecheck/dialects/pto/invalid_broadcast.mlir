// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_row32 = !pto.tile_buf<vec, 1x32xf32>
// CHECK: expects the valid columns of the row operand to be 64, found 32
func.func @f(%x: !b, %r: !b_row32) {
  pto.tcolexpandmul ins(%x, %r : !b, !b_row32) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_col4 = !pto.tile_buf<vec, 8x1xf32, valid=4x1, blayout=col_major>
// CHECK: expects the valid rows of the column operand to be 8, found 4
func.func @f(%x: !b, %c: !b_col4) {
  pto.trowexpandmul ins(%x, %c : !b, !b_col4) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_wide = !pto.tile_buf<vec, 8x16xf32>
// CHECK: expects a row_major column operand to have 8 valid columns, found 16
func.func @f(%x: !b, %c: !b_wide) {
  pto.trowexpandadd ins(%x, %c : !b, !b_wide) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects a scalar of type f32, found i32
func.func @f(%x: !b, %n: i32) {
  pto.texpands ins(%n : i32) outs(%x : !b)
  func.return
}

// -----

// CHECK: expects a destination in vec or mat memory, found acc
func.func @f(%x: !pto.tile_buf<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>, %n: f32) {
  pto.texpands ins(%n : f32) outs(%x : !pto.tile_buf<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>)
  func.return
}

// -----

!b_i32 = !pto.tile_buf<vec, 1x64xi32>
// CHECK: expects a start of type i32, found i16
func.func @f(%x: !b_i32, %n: i16) {
  pto.tci ins(%n : i16) outs(%x : !b_i32)
  func.return
}

// -----

!b_one = !pto.tile_buf<vec, 8x1xi32, blayout=col_major>
// CHECK: expects more than one column
func.func @f(%x: !b_one, %n: i32) {
  pto.tci ins(%n : i32) outs(%x : !b_one)
  func.return
}
