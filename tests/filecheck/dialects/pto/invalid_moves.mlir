// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
// CHECK: cannot move from vec to left memory on a2a3; possible are acc to mat, acc to vec, mat to bias, mat to left, mat to right, mat to scaling, vec to vec
func.func @f(%x: !b, %l: !left) {
  pto.tmov ins(%x : !b) outs(%l : !left)
  func.return
}

// -----

!mat = !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>
!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
// CHECK: expects a destination of 64x64, found 16x64
func.func @f(%x: !mat, %l: !left) {
  pto.tmov ins(%x : !mat) outs(%l : !left)
  func.return
}

// -----

!mat = !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>
!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
// CHECK: reaches from 56 to 72 on axis 0 of a source with 64
func.func @f(%x: !mat, %l: !left) {
  %c0 = arith.constant 0 : index
  %c56 = arith.constant 56 : index
  pto.textract ins(%x, %c56, %c0 : !mat, index, index) outs(%l : !left)
  func.return
}

// -----

!mat = !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>
!acc = !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>
// CHECK: reaches from 16 to 80 on axis 0 of a destination with 64
func.func @f(%x: !acc, %m: !mat) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  pto.tinsert ins(%x, %c16, %c0 : !acc, index, index) outs(%m : !mat)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!acc = !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>
// CHECK: cannot move from acc to vec memory on a2a3; possible are acc to mat, vec to vec
func.func @a3(%x: !acc, %d: !b) {
  %c0 = arith.constant 0 : index
  pto.tinsert ins(%x, %c0, %c0 : !acc, index, index) outs(%d : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_wide = !pto.tile_buf<vec, 8x96xf32>
// CHECK: expects at least 128 columns in the destination, found 96
func.func @f(%x: !b, %d: !b_wide) {
  pto.tconcat ins(%x, %x : !b, !b) outs(%d : !b_wide)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_wide = !pto.tile_buf<vec, 8x96xf32>
!b_short = !pto.tile_buf<vec, 4x64xf32>
// CHECK: expects the valid rows of the right source to be 8, found 4
func.func @f(%x: !b, %y: !b_short, %d: !b_wide) {
  pto.tconcat ins(%x, %y : !b, !b_short) outs(%d : !b_wide)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_col = !pto.tile_buf<vec, 64x8xf32, blayout=col_major>
// CHECK: expects a row_major source on a2a3, found col_major
func.func @f(%x: !b_col, %d: !b) {
  pto.ttrans ins(%x : !b_col) outs(%d : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects pre_quant only with a source in acc memory, found vec
func.func @f(%x: !b, %q: i64) {
  pto.tmov ins(%x : !b, %q : i64) outs(%x : !b)
  func.return
}
