// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_col4 = !pto.tile_buf<vec, 8x1xf32, valid=4x1, blayout=col_major>
// CHECK: expects the valid rows of the destination to be 8, found 4
func.func @f(%x: !b, %d: !b_col4) {
  pto.trowsum ins(%x : !b) outs(%d : !b_col4)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_none = !pto.tile_buf<vec, 8x1xf32, valid=0x0, blayout=col_major>
!b_row32 = !pto.tile_buf<vec, 1x64xf32, valid=1x32>
// CHECK: expects the valid columns of the destination to be 64, found 32
func.func @nothing(%x: !b, %d: !b_none, %e: !b_row32) {
  pto.trowsum ins(%x : !b) outs(%d : !b_none)
  pto.tcolmax ins(%x : !b) outs(%e : !b_row32)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_col = !pto.tile_buf<vec, 8x1xf32, blayout=col_major>
// CHECK: expects a destination of i32 or ui32 positions, found f32
func.func @f(%x: !b, %d: !b_col) {
  pto.trowargmax ins(%x : !b) outs(%d : !b_col)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_i32 = !pto.tile_buf<vec, 8x64xi32>
!b_col = !pto.tile_buf<vec, 8x1xf32, blayout=col_major>
// CHECK: expects f32 scratch on a2a3, found i32
func.func @f(%x: !b, %tmp: !b_i32, %d: !b_col) {
  pto.trowmax ins(%x, %tmp : !b, !b_i32) outs(%d : !b_col)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_row = !pto.tile_buf<vec, 1x64xf32>
// CHECK: expects isBinary with scratch memory, found none
func.func @f(%x: !b, %d: !b_row) {
  pto.tcolsum ins(%x, %x : !b, !b) outs(%d : !b_row)
  func.return
}

// -----

!b_i8 = !pto.tile_buf<vec, 8x64xi8>
!b_row_i8 = !pto.tile_buf<vec, 1x64xi8>
// CHECK: expects element type to be f16/f32/i16/i32/ui16/ui32 on a2a3, found i8
func.func @a3(%x: !b_i8, %d: !b_row_i8) {
  pto.tcolmax ins(%x : !b_i8) outs(%d : !b_row_i8)
  func.return
}

// -----

!b_i8 = !pto.tile_buf<vec, 8x64xi8>
!b_row_i8 = !pto.tile_buf<vec, 1x64xi8>
// CHECK: expects element type to be bf16/f16/f32/i16/i32/ui16/ui32 on a5, found i8
builtin.module attributes {pto.target_arch = "a5"} {
  func.func @a5(%x: !b_i8, %d: !b_row_i8) {
    pto.tcolmax ins(%x : !b_i8) outs(%d : !b_row_i8)
    pto.tcolprod ins(%x : !b_i8) outs(%d : !b_row_i8)
    func.return
  }
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects the valid columns of the destination to be 1, found 64
func.func @f(%x: !b) {
  pto.trowsum ins(%x : !b) outs(%x : !b)
  func.return
}
