// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b_open = !pto.tile_buf<vec, 16x64xf32, valid=?x64>
// CHECK: expects a valid_row operand for its result type
func.func @f() {
  %x = pto.alloc_tile : !b_open
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects no valid_col operand for its result type
func.func @f(%n: index) {
  %x = pto.alloc_tile valid_col = %n : !b
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects an address that is a multiple of 32 bytes, found 48
func.func @f() {
  %c48 = arith.constant 48 : i64
  %x = pto.alloc_tile addr = %c48 : !b
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects an address from 0 on, found -32
func.func @f() {
  %c32 = arith.constant -32 : i64
  %x = pto.alloc_tile addr = %c32 : !b
  func.return
}

// -----

// CHECK: expects an address that is a multiple of 512 bytes, found 32
func.func @f() {
  %c32 = arith.constant 32 : i64
  %x = pto.alloc_tile addr = %c32 : !pto.tile_buf<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
  func.return
}

// -----

// CHECK: expects a row_major none_box tile to have cols * sizeof(f32) divisible by 32 bytes, found 28
func.func @f() {
  %x = pto.alloc_tile : !pto.tile_buf<vec, 16x7xf32>
  func.return
}

// -----

// CHECK: expects rows to be a multiple of the box's 16, found 24
func.func @f() {
  %x = pto.alloc_tile : !pto.tile_buf<mat, 24x64xbf16, blayout=col_major, slayout=row_major>
  func.return
}

// -----

!two = !pto.multi_tile_buf<vec, 16x16xf16, count=2>
// CHECK: expects a slot below 2, found 2
func.func @f() {
  %m = pto.alloc_multi_tile : !two
  %c2 = arith.constant 2 : index
  %x = pto.multi_tile_get %m[%c2] : !two -> !pto.tile_buf<vec, 16x16xf16>
  func.return
}

// -----

!two = !pto.multi_tile_buf<vec, 16x16xf16, count=2>
// CHECK: expects a result of the slot's type !pto.tile_buf<vec, 16x16xf16>, found !pto.tile_buf<vec, 16x16xf32>
func.func @f(%n: index) {
  %m = pto.alloc_multi_tile : !two
  %x = pto.multi_tile_get %m[%n] : !two -> !pto.tile_buf<vec, 16x16xf32>
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
!b_row = !pto.tile_buf<vec, 1x64xf32>
// CHECK: reaches from 60 to 124 on axis 1 of a source with 64
func.func @f(%x: !b, %n: index) {
  %c60 = arith.constant 60 : index
  %y = pto.subview %x[%n, %c60] sizes [1, 64] : !b -> !b_row
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
!b_row = !pto.tile_buf<vec, 1x64xf32>
// CHECK: expects a result of 2x64, found 1x64
func.func @f(%x: !b, %n: index) {
  %y = pto.subview %x[%n, %n] sizes [2, 64] : !b -> !b_row
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects source and result in the same form, found !pto.tile_buf and !pto.tile
func.func @f(%x: !b, %n: index) {
  %y = pto.subview %x[%n, %n] sizes [1, 64] : !b -> !pto.tile<vec, 1x64xf32>
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects a result of 4096 bytes, found 2048
func.func @f(%x: !b) {
  %y = pto.treshape %x : !b -> !pto.tile_buf<vec, 1x512xf32>
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects a result of 16x64, found 16x128
func.func @f(%x: !b) {
  %y = pto.bitcast %x : !b -> !pto.tile_buf<vec, 16x128xf16>
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: exists in value form only
func.func @f(%x: !b) {
  %y = pto.reshape %x : !b -> !pto.tile_buf<vec, 1x1024xf32>
  func.return
}

// -----

!t = !pto.tile<vec, 16x64xf32>
// CHECK: expects a result exactly when its operand is a value
func.func @f(%x: !t, %n: index) {
  pto.set_validshape %x, %n, %n : !t
  func.return
}

// -----

!t = !pto.tile<vec, 16x64xf32>
// CHECK: expects a vec tile of f16 to insert, found vec of f32
func.func @f(%x: !t, %n: index) {
  %y = pto.insert %x into %x[%n, %n] : !t into !t -> !t
  %z = pto.undef : !pto.tile<vec, 16x64xf16>
  %w = pto.insert %x into %z[%n, %n] : !t into !pto.tile<vec, 16x64xf16> -> !pto.tile<vec, 16x64xf16>
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
!b_row = !pto.tile_buf<vec, 1x64xf32>
// CHECK: expects the valid columns of the result to be 32, found 64
func.func @f(%x: !b, %n: index) {
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %y = pto.subview %x[%n, %n] sizes [1, 64] valid [%c1, %c32] : !b -> !b_row
  func.return
}
