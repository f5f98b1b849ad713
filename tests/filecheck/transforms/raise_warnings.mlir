// What looks wrong in a kernel: raising tells with --warn, and follows the bytes all the same.
// RUN: dsv4-opt %s -p pto-raise --warn --no-remarks 2>&1 -o /dev/null | filecheck %s
// RUN: dsv4-opt %s -p pto-raise 2>&1 | filecheck %s --check-prefix=QUIET
// QUIET-NOT: warning:

!tile = !pto.tile_buf<vec, 8x16xf32>
!half = !pto.tile_buf<vec, 4x16xf32>
!some = !pto.tile_buf<vec, 8x16xf32, valid=4x16>
!row = !pto.tile_buf<vec, 1x16xf32>
!gm = !pto.partition_tensor_view<8x16xf32>
!gm_half = !pto.partition_tensor_view<4x16xf32>
!gm_row = !pto.partition_tensor_view<1x16xf32>
!slot = !pto.tile_buf<vec, 16x16xf32>
!gm_slot = !pto.partition_tensor_view<16x16xf32>

// The lower half of a tile was never written, and all of another one.

// CHECK: raise_warnings.mlir:28:3: warning: reads 256 bytes of vec memory that nobody wrote
// CHECK-NEXT: raise_warnings.mlir:29:3: warning: reads 512 bytes of vec memory that nobody wrote

func.func @unwritten(%x: !gm_half, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %a512 = arith.constant 512 : i64
  %h = pto.alloc_tile addr = %a0 : !half
  pto.tload ins(%x : !gm_half) outs(%h : !half)
  %t = pto.alloc_tile addr = %a0 : !tile
  %u = pto.alloc_tile addr = %a512 : !tile
  pto.tabs ins(%t : !tile) outs(%t : !tile)
  pto.tadd ins(%t, %u : !tile, !tile) outs(%t : !tile)
  pto.tstore ins(%t : !tile) outs(%y : !gm)
  func.return
}

// Nobody looks at the lower half: not a handle that says so, and not a window.

func.func @unseen(%x: !gm_half, %y: !gm_half, %z: !gm_row) {
  %a0 = arith.constant 0 : i64
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %h = pto.alloc_tile addr = %a0 : !half
  pto.tload ins(%x : !gm_half) outs(%h : !half)
  %s = pto.alloc_tile addr = %a0 : !some
  pto.tstore ins(%s : !some) outs(%y : !gm_half)
  %t = pto.alloc_tile addr = %a0 : !tile
  %w = pto.subview %t[%c2, %c0] sizes [1, 16] : !tile -> !row
  pto.tstore ins(%w : !row) outs(%z : !gm_row)
  func.return
}

// A window of what nobody wrote.

// CHECK-NEXT: raise_warnings.mlir:62:3: warning: reads 64 bytes of vec memory that nobody wrote

func.func @unwritten_window(%x: !gm_half, %z: !gm_row) {
  %a0 = arith.constant 0 : i64
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  %h = pto.alloc_tile addr = %a0 : !half
  pto.tload ins(%x : !gm_half) outs(%h : !half)
  %t = pto.alloc_tile addr = %a0 : !tile
  %w = pto.subview %t[%c5, %c0] sizes [1, 16] : !tile -> !row
  pto.tstore ins(%w : !row) outs(%z : !gm_row)
  func.return
}

// Only one side of a branch writes.

// CHECK-NEXT: raise_warnings.mlir:73:3: warning: reads 512 bytes of vec memory that were not written on every path

func.func @one_side(%x: !gm, %y: !gm, %is: i1) {
  %a0 = arith.constant 0 : i64
  %t = pto.alloc_tile addr = %a0 : !tile
  scf.if %is {
    pto.tload ins(%x : !gm) outs(%t : !tile)
  }
  pto.tstore ins(%t : !tile) outs(%y : !gm)
  func.return
}

// An accumulator that no trip begins. In the second loop the first trip begins it.

// CHECK-NEXT: raise_warnings.mlir:92:3: warning: reads 512 bytes of vec memory that were not written on every path

func.func @sum(%x: !gm, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %a512 = arith.constant 512 : i64
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %t = pto.alloc_tile addr = %a0 : !tile
  %s = pto.alloc_tile addr = %a512 : !tile
  scf.for %i = %c0 to %c3 step %c1 {
    pto.tload ins(%x : !gm) outs(%t : !tile)
    pto.tadd ins(%s, %t : !tile, !tile) outs(%s : !tile)
  }
  pto.tstore ins(%s : !tile) outs(%y : !gm)
  func.return
}

func.func @begun(%x: !gm, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %a512 = arith.constant 512 : i64
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %t = pto.alloc_tile addr = %a0 : !tile
  %s = pto.alloc_tile addr = %a512 : !tile
  scf.for %i = %c0 to %c3 step %c1 {
    pto.tload ins(%x : !gm) outs(%t : !tile)
    %first = arith.cmpi eq, %i, %c0 : index
    scf.if %first {
      pto.tmov ins(%t : !tile) outs(%s : !tile)
    } else {
      pto.tadd ins(%s, %t : !tile, !tile) outs(%s : !tile)
    }
  }
  pto.tstore ins(%s : !tile) outs(%y : !gm)
  func.return
}

// A row of a tile goes to the tile's beginning, as if the row were there, and the tile is read in the next trip.

// CHECK-NEXT: raise_warnings.mlir:135:5: warning: copies a slice of a tile over that tile, which is read later

func.func @slice(%x: !gm, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %t = pto.alloc_tile addr = %a0 : !tile
  pto.tload ins(%x : !gm) outs(%t : !tile)
  scf.for %i = %c0 to %c8 step %c1 {
    %w = pto.subview %t[%i, %c0] sizes [1, 16] : !tile -> !row
    %r = pto.alloc_tile addr = %a0 : !row
    pto.tmov ins(%w : !row) outs(%r : !row)
  }
  pto.tstore ins(%t : !tile) outs(%y : !gm)
  func.return
}

// Nothing is wrong where the row is changed in its own place, or where nobody reads the tile again.

func.func @row(%x: !gm, %y: !gm, %z: !gm_row) {
  %a0 = arith.constant 0 : i64
  %a64 = arith.constant 64 : i64
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %t = pto.alloc_tile addr = %a0 : !tile
  pto.tload ins(%x : !gm) outs(%t : !tile)
  %w = pto.subview %t[%c1, %c0] sizes [1, 16] : !tile -> !row
  %r = pto.alloc_tile addr = %a64 : !row
  pto.tabs ins(%w : !row) outs(%r : !row)
  pto.tstore ins(%t : !tile) outs(%y : !gm)
  %v = pto.subview %t[%c3, %c0] sizes [1, 16] : !tile -> !row
  %q = pto.alloc_tile addr = %a0 : !row
  pto.tabs ins(%v : !row) outs(%q : !row)
  pto.tstore ins(%q : !row) outs(%z : !gm_row)
  func.return
}

// A popped tile is read when its slot may already be filled again.

// CHECK-NEXT: raise_warnings.mlir:170:3: warning: reads a popped tile after its slot was given back
func.func @freed(%y: !gm_slot, %z: !gm_slot) {
  %a = pto.tpop_from_aic {split = 0} -> !slot
  %b = pto.tpop_from_aic {split = 0} -> !slot
  pto.tstore ins(%b : !slot) outs(%y : !gm_slot)
  pto.tfree_from_aic {split = 0}
  pto.tstore ins(%a : !slot) outs(%z : !gm_slot)
  pto.tfree_from_aic {split = 0}
  func.return
}

// Nothing else is wrong.
// CHECK-NOT: {{.}}
