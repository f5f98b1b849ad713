// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

func.func @pointers(%p: !pto.ptr<f32>, %u: !pto.ptr<i32, ub>, %n: index, %x: f32, %a: i64) {
  %q = pto.addptr %p, %n : !pto.ptr<f32> -> !pto.ptr<f32>
  // CHECK: %q = pto.addptr %p, %n : !pto.ptr<f32> -> !pto.ptr<f32>
  %r = pto.addptr %p, %n : <f32, gm> -> <f32, gm>
  // CHECK: %r = pto.addptr %p, %n : !pto.ptr<f32> -> !pto.ptr<f32>
  %v = pto.load_scalar %p[%n] : !pto.ptr<f32> -> f32
  // CHECK: %v = pto.load_scalar %p[%n] : !pto.ptr<f32> -> f32
  %w = pto.load_scalar %u[%n] : <i32, ub> -> i32
  // CHECK: %w = pto.load_scalar %u[%n] : !pto.ptr<i32, vec> -> i32
  pto.store_scalar %x, %p[%n] : !pto.ptr<f32>, f32
  // CHECK: pto.store_scalar %x, %p[%n] : !pto.ptr<f32>, f32
  pto.store_scalar %x, %p[%n] {note = "kept"} : <f32, gm>, f32
  // CHECK: pto.store_scalar %x, %p[%n] {note = "kept"} : !pto.ptr<f32>, f32
  %i = pto.ptrtoint %p : !pto.ptr<f32> -> i64
  // CHECK: %i = pto.ptrtoint %p : !pto.ptr<f32> -> i64
  %b = pto.inttoptr %a : i64 -> !pto.ptr<ui32>
  // CHECK: %b = pto.inttoptr %a : i64 -> !pto.ptr<ui32>
  %c = pto.castptr %a : i64 -> !pto.ptr<f16, l0a>
  // CHECK: %c = pto.castptr %a : i64 -> !pto.ptr<f16, left>
  %d = pto.castptr %p : <f32, gm> -> <i32, gm>
  // CHECK: %d = pto.castptr %p : !pto.ptr<f32> -> !pto.ptr<i32>
  func.return
}
