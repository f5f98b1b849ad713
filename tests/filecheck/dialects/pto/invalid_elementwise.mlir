// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_i32 = !pto.tile_buf<vec, 8x64xi32>
// CHECK: expects tiles of one element type, found f32 and i32
func.func @f(%x: !b, %y: !b_i32) {
  pto.tadd ins(%x, %y : !b, !b_i32) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_part = !pto.tile_buf<vec, 8x64xf32, valid=4x64>
// CHECK: expects tiles with the same valid rows, found 4 and 8
func.func @f(%x: !b, %y: !b_part) {
  pto.tsub ins(%x, %y : !b, !b_part) outs(%x : !b)
  func.return
}

// -----

!b_mat = !pto.tile_buf<mat, 8x64xf32>
// CHECK: expects tiles in vec memory, found mat
func.func @f(%x: !b_mat) {
  pto.tmul ins(%x, %x : !b_mat, !b_mat) outs(%x : !b_mat)
  func.return
}

// -----

!b_col = !pto.tile_buf<vec, 8x64xf32, blayout=col_major>
// CHECK: expects row_major tiles, found col_major
func.func @f(%x: !b_col) {
  pto.tneg ins(%x : !b_col) outs(%x : !b_col)
  func.return
}

// -----

!b_bf16 = !pto.tile_buf<vec, 8x64xbf16>
// CHECK: expects element type to be f16/f32/i16/i32/ui16/ui32 on a2a3, found bf16
func.func @a3(%x: !b_bf16) {
  pto.tadd ins(%x, %x : !b_bf16, !b_bf16) outs(%x : !b_bf16)
  func.return
}

// -----

!b_bf16 = !pto.tile_buf<vec, 8x64xbf16>
// CHECK: expects element type to be f16/f32/i16/i32/ui16/ui32 on a5, found bf16
builtin.module attributes {pto.target_arch = "a5"} {
  func.func @a5(%x: !b_bf16) {
    pto.tadd ins(%x, %x : !b_bf16, !b_bf16) outs(%x : !b_bf16)
    pto.tmul ins(%x, %x : !b_bf16, !b_bf16) outs(%x : !b_bf16)
    func.return
  }
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects one tile and one scalar, found 2 tiles
func.func @f(%x: !b) {
  pto.tdivs ins(%x, %x : !b, !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects a scalar of type f32, found i32
func.func @f(%x: !b, %n: i32) {
  pto.taxpy ins(%x, %n : !b, i32) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_i32 = !pto.tile_buf<vec, 8x64xi32>
// CHECK: expects a destination of f32 elements, or f32 for f16, found i32
func.func @f(%x: !b, %n: f32, %y: !b_i32) {
  pto.taxpy ins(%x, %n : !b, f32) outs(%y : !b_i32)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: exists on a2a3 only, found a5
builtin.module attributes {pto.target_arch = "a5"} {
  func.func @a5(%x: !b) {
    pto.taddrelu ins(%x, %x : !b, !b) outs(%x : !b)
    func.return
  }
}
