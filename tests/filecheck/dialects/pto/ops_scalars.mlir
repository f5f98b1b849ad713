// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!t = !pto.tile<vec, 8x64xf32>
!array = !pto.local_array<4x8xi32>

func.func @buffer(%x: !b, %n: index, %v: f32) {
  pto.tsetval ins(%n, %v : index, f32) outs(%x : !b)
  // CHECK: pto.tsetval ins(%n, %v : index, f32) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  %w = pto.tgetval ins(%x, %n : !b, index) outs : f32
  // CHECK: %w = pto.tgetval ins(%x, %n : !pto.tile_buf<vec, 8x64xf32>, index) outs : f32
  func.return
}

func.func @value(%x: !t, %n: index, %v: f32) {
  %y = pto.tsetval ins(%n, %v, %x : index, f32, !t) -> !t
  // CHECK: %y = pto.tsetval ins(%n, %v, %x : index, f32, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  %w = pto.tgetval ins(%y, %n : !t, index) outs : f32
  // CHECK: %w = pto.tgetval ins(%y, %n : !pto.tile<vec, 8x64xf32>, index) outs : f32
  func.return
}

func.func @arrays(%i: index, %v: i32) {
  %a = pto.declare_local_array -> !array
  // CHECK: %a = pto.declare_local_array -> !pto.local_array<4x8xi32>
  pto.local_array_set %a[%i, %i], %v : !array, i32
  // CHECK: pto.local_array_set %a[%i, %i], %v : !pto.local_array<4x8xi32>, i32
  %w = pto.local_array_get %a[%i, %i] : !array -> i32
  // CHECK: %w = pto.local_array_get %a[%i, %i] : !pto.local_array<4x8xi32> -> i32
  %e = pto.declare_eventid_array -> !pto.eventid_array<2>
  // CHECK: %e = pto.declare_eventid_array -> !pto.eventid_array<2>
  pto.eventid_array_set %e[%i], %i : !pto.eventid_array<2>
  // CHECK: pto.eventid_array_set %e[%i], %i : !pto.eventid_array<2>
  %id = pto.eventid_array_get %e[%i] : !pto.eventid_array<2>
  // CHECK: %id = pto.eventid_array_get %e[%i] : !pto.eventid_array<2>
  func.return
}
