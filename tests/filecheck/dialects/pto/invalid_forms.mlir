// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects a destination: outs(…) or a result
func.func @f(%x: !b) {
  pto.tadd ins(%x, %x : !b, !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects 2 operands in ins(…), found 1
func.func @f(%x: !b) {
  pto.tadd ins(%x : !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects 1 destination, found 2
func.func @f(%x: !b) {
  pto.tadd ins(%x, %x : !b, !b) outs(%x, %x : !b, !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!t = !pto.tile<vec, 8x64xf32>
// CHECK: is in value form but has a !pto.tile_buf operand
func.func @f(%x: !b) {
  %y = pto.tadd ins(%x, %x : !b, !b) -> !t
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!t = !pto.tile<vec, 8x64xf32>
// CHECK: is in buffer form but has a !pto.tile operand
func.func @f(%x: !t, %y: !b) {
  pto.tadd ins(%x, %x : !t, !t) outs(%y : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
!t = !pto.tile<vec, 8x64xf32>
// CHECK: mixes the two forms: it has both outs(…) and a result
func.func @f(%x: !t, %y: !b) {
  %z = pto.tadd ins(%x, %x : !t, !t) outs(%y : !b) -> !t
  func.return
}

// -----

!t = !pto.tile<vec, 8x64xf32>
!t_open = !pto.tile<vec, 8x64xf32, valid=?x64>
// CHECK: expects 1 valid extents for the '?' of its result types, found 0
func.func @f(%x: !t) {
  %z = pto.tadd ins(%x, %x : !t, !t) -> !t_open
  func.return
}

// -----

!t = !pto.tile<vec, 8x64xf32>
// CHECK: expects the former content of its destination among the operands in value form
func.func @f(%x: !t, %n: index, %v: f32) {
  %z = pto.tsetval ins(%n, %v : index, f32) -> !t
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects no former content among the operands in buffer form
func.func @f(%x: !b, %n: index, %v: f32) {
  pto.tsetval ins(%n, %v, %x : index, f32, !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expected 2 types for 2 operands, found 1
func.func @f(%x: !b) {
  pto.tadd ins(%x, %x : !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: unexpected "row" behind the types
func.func @f(%x: !b) {
  pto.tadd ins(%x, %x : !b, !b, "row") outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: attribute 'satmode' is given twice
func.func @f(%x: !b) {
  pto.tcvt ins(%x {satmode = #pto<saturation_mode ON>, sat_mode = #pto<saturation_mode ON>} : !b) outs(%x : !b)
  func.return
}

// -----

// CHECK: exists in buffer form only
func.func @f(%x: !pto.tile<left, 128x128xf8E4M3FN>) {
  %y = pto.tget_scale_addr ins(%x : !pto.tile<left, 128x128xf8E4M3FN>) -> !pto.tile<scaling, 128x4x!pto.f8E8M0, slayout=row_major, fractal=32>
  func.return
}
