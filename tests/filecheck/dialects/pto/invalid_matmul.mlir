// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
!right = !pto.tile_buf<right, 64x32xbf16, slayout=col_major>
!acc = !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
// CHECK: expects an operand in left memory, found right
func.func @f(%a: !left, %b: !right, %c: !acc) {
  pto.tmatmul ins(%b, %a : !right, !left) outs(%c : !acc)
  func.return
}

// -----

!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
!right48 = !pto.tile_buf<right, 48x32xbf16, slayout=col_major>
!acc = !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
// CHECK: expects the rows of the right operand to be 64, found 48
func.func @f(%a: !left, %b: !right48, %c: !acc) {
  pto.tmatmul ins(%a, %b : !left, !right48) outs(%c : !acc)
  func.return
}

// -----

!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
!right = !pto.tile_buf<right, 64x32xbf16, slayout=col_major>
!acc64 = !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>
// CHECK: expects the columns of the accumulator to be 32, found 64
func.func @f(%a: !left, %b: !right, %c: !acc64) {
  pto.tmatmul.acc ins(%c, %a, %b : !acc64, !left, !right) outs(%c : !acc64)
  func.return
}

// -----

!left_f16 = !pto.tile_buf<left, 16x64xf16, slayout=row_major>
!right = !pto.tile_buf<right, 64x32xbf16, slayout=col_major>
!acc = !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
// CHECK: expects (dst, lhs, rhs) element types to be one of (f32, bf16, bf16), (f32, f16, f16), (f32, f32, f32), (i32, i8, i8), (i32, i8, ui8), (i32, ui8, i8), (i32, ui8, ui8), (ui32, i8, i8), (ui32, i8, ui8), (ui32, ui8, i8), (ui32, ui8, ui8), found (f32, f16, bf16)
func.func @a3(%a: !left_f16, %b: !right, %c: !acc) {
  pto.tmatmul ins(%a, %b : !left_f16, !right) outs(%c : !acc)
  func.return
}

// -----

!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
!right = !pto.tile_buf<right, 64x32xbf16, slayout=col_major>
!acc = !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
!bias_i32 = !pto.tile_buf<bias, 1x32xi32>
// CHECK: expects a bias of f32 elements, found i32
func.func @f(%a: !left, %b: !right, %c: !acc, %bias: !bias_i32) {
  pto.tmatmul.bias ins(%a, %b, %bias : !left, !right, !bias_i32) outs(%c : !acc)
  func.return
}

// -----

!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
!right = !pto.tile_buf<right, 64x32xbf16, slayout=col_major>
!acc = !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
!bias_rows = !pto.tile_buf<bias, 2x32xf32>
// CHECK: expects the rows of the bias to be 1, found 2
func.func @f(%a: !left, %b: !right, %c: !acc, %bias: !bias_rows) {
  pto.tmatmul.bias ins(%a, %b, %bias : !left, !right, !bias_rows) outs(%c : !acc)
  func.return
}

// -----

!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
!right = !pto.tile_buf<right, 64x32xbf16, slayout=col_major>
!acc = !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
// CHECK: expects the rows of the left operand to be 1, found 16
func.func @f(%a: !left, %b: !right, %c: !acc) {
  pto.tgemv ins(%a, %b : !left, !right) outs(%c : !acc)
  func.return
}

// -----

!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
!right = !pto.tile_buf<right, 64x32xbf16, slayout=col_major>
!acc = !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
// CHECK: exists on a5 only, found a2a3
func.func @a3(%a: !left, %b: !right, %c: !acc) {
  pto.tmatmul.mx ins(%a, %a, %b, %b : !left, !left, !right, !right) outs(%c : !acc)
  func.return
}
