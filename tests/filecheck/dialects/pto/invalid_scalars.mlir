// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects a value of type f32, found f16
func.func @f(%x: !b, %n: index, %v: f16) {
  pto.tsetval ins(%n, %v : index, f16) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects a result of type f32, found i32
func.func @f(%x: !b, %n: index) {
  %v = pto.tgetval ins(%x, %n : !b, index) outs : i32
  func.return
}

// -----

!mat = !pto.tile_buf<mat, 16x64xf32, blayout=col_major, slayout=row_major>
// CHECK: expects a tile in vec memory, found mat
func.func @f(%x: !mat, %n: index) {
  %v = pto.tgetval ins(%x, %n : !mat, index) outs : f32
  func.return
}

// -----

!array = !pto.local_array<4x8xi32>
// CHECK: expects 2 indices, found 1
func.func @f(%n: index) {
  %a = pto.declare_local_array -> !array
  %v = pto.local_array_get %a[%n] : !array -> i32
  func.return
}

// -----

// CHECK: expects a !pto.local_array, found i32
func.func @f() {
  %a = pto.declare_local_array -> i32
  func.return
}
