// Tiles that do not fit, and accumulators that would have to be copied.
// RUN: dsv4-opt %s -p 'pto-lower{chip=a3}' --split-input-file --verify-diagnostics | filecheck %s

// CHECK: lower_plan.mlir:{{[0-9]+}}:1: error: 'too_much' needs 262144 bytes of vec memory, a2a3 has 188416 usable; the plan is:
// CHECK-NEXT: 0 .. 131072    131072 bytes  c
// CHECK-NEXT: 131072 .. 262144    131072 bytes  b

!big = !pto.tile<vec, 128x256xf32>
!gm = !pto.partition_tensor_view<128x256xf32>

func.func @too_much(%x: !gm, %y: !gm) {
  %a = pto.tload ins(%x : !gm) -> !big
  %b = pto.tload ins(%y : !gm) -> !big
  %c = pto.tadd ins(%a, %b : !big, !big) -> !big
  pto.tstore ins(%c : !big) outs(%y : !gm)
  func.return
}

// -----

// One after the other they have the same memory.
// CHECK-LABEL: func.func @enough
// CHECK: %a = pto.alloc_tile addr = %c0_i64
// CHECK: %b = pto.alloc_tile addr = %c0_i64

!big = !pto.tile<vec, 128x256xf32>
!gm = !pto.partition_tensor_view<128x256xf32>

func.func @enough(%x: !gm, %y: !gm) {
  %a = pto.tload ins(%x : !gm) -> !big
  pto.tstore ins(%a : !big) outs(%y : !gm)
  %b = pto.tload ins(%y : !gm) -> !big
  pto.tstore ins(%b : !big) outs(%x : !gm)
  func.return
}

// -----

// The sum goes into the accumulator of the product, which is stored later.
// CHECK: error: 'pto.tmatmul.acc' needs a copy of a tile in acc memory, which cannot copy to itself

!left = !pto.tile<left, 16x16xf32, blayout=col_major, slayout=row_major>
!right = !pto.tile<right, 16x16xf32, slayout=col_major>
!acc = !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
!mat = !pto.tile<mat, 16x16xf32, blayout=col_major, slayout=row_major>
!gm = !pto.partition_tensor_view<16x16xf32>

func.func @accumulator(%x: !gm, %y: !gm) {
  %m = pto.tload ins(%x : !gm) -> !mat
  %l = pto.tmov ins(%m : !mat) -> !left
  %r = pto.tmov ins(%m : !mat) -> !right
  %c = pto.tmatmul ins(%l, %r : !left, !right) -> !acc
  %d = pto.tmatmul.acc ins(%c, %l, %r : !acc, !left, !right) -> !acc
  pto.tstore ins(%d : !acc) outs(%x : !gm)
  pto.tstore ins(%c : !acc) outs(%y : !gm)
  func.return
}
