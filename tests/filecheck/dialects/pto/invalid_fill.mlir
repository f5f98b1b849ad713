// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects a destination type with a pad value, found pad=0
func.func @f(%x: !b) {
  pto.tfillpad ins(%x : !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
!b_small = !pto.tile_buf<vec, 8x64xf32, pad=1>
// CHECK: expects at least 16 rows in the destination, found 8
func.func @f(%x: !b, %d: !b_small) {
  pto.tfillpad ins(%x : !b) outs(%d : !b_small)
  func.return
}

// -----

!b_padded = !pto.tile_buf<vec, 16x64xf32, pad=1>
!b_f16 = !pto.tile_buf<vec, 16x64xf16>
// CHECK: expects elements of one width, found f16 and f32
func.func @f(%x: !b_f16, %d: !b_padded) {
  pto.tfillpad ins(%x : !b_f16) outs(%d : !b_padded)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
!b_padded = !pto.tile_buf<vec, 16x64xf32, pad=1>
// CHECK: expects padValue for mat memory only, found vec
func.func @f(%x: !b, %d: !b_padded) {
  pto.tfillpad ins(%x : !b) outs(%d : !b_padded) {padValue = #pto.pad_value<zero>}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects an integer diagonal, found f32
func.func @f(%n: f32, %d: !b) {
  pto.ttri ins(%n : f32) outs(%d : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: exists on a5 only, found a2a3
func.func @a3(%n: i32, %d: !b) {
  pto.trandom ins(%n, %n, %n, %n, %n, %n : i32, i32, i32, i32, i32, i32) outs(%d : !b)
  func.return
}
