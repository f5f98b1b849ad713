// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects 2 times as many valid columns on the side with all lanes, found 64 and 64
func.func @f(%x: !b) {
  pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P0101>} : !b, "row") outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_half = !pto.tile_buf<vec, 8x32xf32>
// CHECK: expects axis to be "row" or "col", found "diagonal"
func.func @f(%x: !b, %h: !b_half) {
  pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P0101>} : !b, "diagonal") outs(%h : !b_half)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_f16 = !pto.tile_buf<vec, 8x32xf16>
// CHECK: expects elements of one width, found f32 and f16
func.func @f(%x: !b, %h: !b_f16) {
  pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P0101>} : !b, "row") outs(%h : !b_f16)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects a mask pattern or an index operand, found neither
func.func @f(%x: !b) {
  pto.tgather ins(%x : !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_half = !pto.tile_buf<vec, 8x32xf32>
!b_i32 = !pto.tile_buf<vec, 8x64xi32>
// CHECK: expects no index or scratch operand beside a mask pattern
func.func @f(%x: !b, %i: !b_i32, %h: !b_half) {
  pto.tgather ins(%x, %i, {maskPattern = #pto.mask_pattern<P0101>} : !b, !b_i32, "row") outs(%h : !b_half)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_i16 = !pto.tile_buf<vec, 8x64xi16>
// CHECK: expects an index of i32/ui32 on a2a3, found i16
func.func @f(%x: !b, %i: !b_i16) {
  pto.tgather ins(%x, %i, %i : !b, !b_i16, !b_i16) outs(%x : !b)
  func.return
}

// -----

!b_bf16 = !pto.tile_buf<vec, 8x64xbf16>
!b_i32 = !pto.tile_buf<vec, 8x64xi32>
// CHECK: expects element type to be f16/f32/i16/i32/ui16/ui32 on a2a3, found bf16
func.func @f(%x: !b_bf16, %i: !b_i32) {
  pto.tgather ins(%x, %i, %i : !b_bf16, !b_i32, !b_i32) outs(%x : !b_bf16)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects an index operand or a mask pattern, found neither
func.func @f(%x: !b) {
  pto.tscatter ins(%x : !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_i16 = !pto.tile_buf<vec, 8x64xi16>
// CHECK: expects an i32 index for f32 elements, found i16
func.func @f(%x: !b, %i: !b_i16) {
  pto.tscatter ins(%x, %i : !b, !b_i16) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_half = !pto.tile_buf<vec, 8x32xf32>
!b_i32 = !pto.tile_buf<vec, 8x64xi32>
// CHECK: expects at least 64 valid columns in the destination, found 32
func.func @f(%x: !b, %i: !b_i32, %h: !b_half) {
  pto.tscatter ins(%x, %i : !b, !b_i32) outs(%h : !b_half)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_half = !pto.tile_buf<vec, 8x32xf32>
// CHECK: expects 2 times as many valid columns on the side with all lanes, found 32 and 64
func.func @f(%x: !b, %h: !b_half) {
  pto.tscatter ins(%x, {maskPattern = #pto.mask_pattern<P1010>} : !b, "row") outs(%h : !b_half)
  func.return
}

// -----

!b_i32 = !pto.tile_buf<vec, 8x64xi32>
// CHECK: expects a row_major destination on a2a3, found col_major
func.func @f(%x: !pto.tile_buf<vec, 8x64xf32, blayout=col_major>, %i: !b_i32) {
  pto.tgatherb ins(%x, %i : !pto.tile_buf<vec, 8x64xf32, blayout=col_major>, !b_i32) outs(%x : !pto.tile_buf<vec, 8x64xf32, blayout=col_major>)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: exists on a5 only, found a2a3
func.func @a3(%x: !b) {
  pto.thistogram ins(%x, %x : !b, !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_i32 = !pto.tile_buf<vec, 8x64xi32>
// CHECK: expects scratch memory beside the index on a2a3, found none
func.func @a3(%x: !b, %i: !b_i32) {
  pto.tgather ins(%x, %i : !b, !b_i32) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!b_i32 = !pto.tile_buf<vec, 8x64xi32>
// CHECK: expects tiles of one element type, found i32 and f32
func.func @a3(%x: !b, %i: !b_i32) {
  pto.tgather ins(%x, %i, %x : !b, !b_i32, !b) outs(%x : !b)
  func.return
}
