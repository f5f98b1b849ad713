// Functions that stay in buffer form as they are, and why. The others of the module are raised.
// RUN: dsv4-opt %s -p pto-raise 2> %t | filecheck %s
// RUN: filecheck %s --check-prefix=REMARK < %t

!tile = !pto.tile_buf<vec, 8x16xf32>
!row = !pto.tile_buf<vec, 1x16xf32>
!two = !pto.multi_tile_buf<vec, 8x16xf32, count=2>
!half = !pto.tile_buf<vec, 16x8xbf16, blayout=col_major>
!gm = !pto.partition_tensor_view<8x16xf32>
!gm_half = !pto.partition_tensor_view<16x8xbf16>

// An address that is computed.

// CHECK-LABEL: func.func @dynamic_address
// CHECK: pto.alloc_tile addr = %a
// REMARK: raise_refused.mlir:{{[0-9]+}}:3: remark: 'dynamic_address' stays in buffer form because of 'pto.alloc_tile': its address is not a constant

func.func @dynamic_address(%x: !gm, %a: i64) {
  %t = pto.alloc_tile addr = %a : !tile
  pto.tload ins(%x : !gm) outs(%t : !tile)
  func.return
}

// Some bytes of what is read are of another width and in another order.

// CHECK-LABEL: func.func @overlap
// CHECK: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs
// REMARK: remark: 'overlap' stays in buffer form because of 'pto.tstore': it reads 16x8xbf16 where 8x16xf32 was written

func.func @overlap(%x: !gm, %y: !gm_half) {
  %a0 = arith.constant 0 : i64
  %a256 = arith.constant 256 : i64
  %t = pto.alloc_tile addr = %a0 : !tile
  %h = pto.alloc_tile addr = %a256 : !half
  pto.tload ins(%x : !gm) outs(%t : !tile)
  pto.tstore ins(%h : !half) outs(%y : !gm_half)
  func.return
}

// A piece of a tile in boxes.

// CHECK-LABEL: func.func @boxes
// CHECK: outs(%t : !pto.tile_buf<mat
// REMARK: remark: 'boxes' stays in buffer form because of 'pto.tmov': it reads 16x16xf32 (col_major of row_major boxes) where 32x16xf32 (col_major of row_major boxes) was written

func.func @boxes(%x: !pto.partition_tensor_view<32x16xf32>) {
  %a0 = arith.constant 0 : i64
  %t = pto.alloc_tile addr = %a0 : !pto.tile_buf<mat, 32x16xf32, blayout=col_major, slayout=row_major>
  %u = pto.alloc_tile addr = %a0 : !pto.tile_buf<mat, 16x16xf32, blayout=col_major, slayout=row_major>
  %l = pto.alloc_tile addr = %a0 : !pto.tile_buf<left, 16x16xf32, blayout=col_major, slayout=row_major>
  pto.tload ins(%x : !pto.partition_tensor_view<32x16xf32>) outs(%t : !pto.tile_buf<mat, 32x16xf32, blayout=col_major, slayout=row_major>)
  pto.tmov ins(%u : !pto.tile_buf<mat, 16x16xf32, blayout=col_major, slayout=row_major>) outs(%l : !pto.tile_buf<left, 16x16xf32, blayout=col_major, slayout=row_major>)
  func.return
}

// An operation of which nothing is known.

// CHECK-LABEL: func.func @unknown
// CHECK: pto.tload {{.*}} outs
// CHECK: pto.tmystery
// REMARK: remark: 'unknown' stays in buffer form because of 'pto.tmystery': it is not understood and may touch any tile

func.func @unknown(%x: !gm, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %t = pto.alloc_tile addr = %a0 : !tile
  pto.tload ins(%x : !gm) outs(%t : !tile)
  pto.tmystery ins(%t : !tile) outs(%t : !tile)
  pto.tstore ins(%t : !tile) outs(%y : !gm)
  func.return
}

// A tile that is passed in.

// CHECK-LABEL: func.func @passed
// REMARK: remark: 'passed' stays in buffer form because of 'func.func': a tile is passed in, so its place is not known

func.func @passed(%t: !tile, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %u = pto.alloc_tile addr = %a0 : !tile
  pto.tabs ins(%t : !tile) outs(%u : !tile)
  pto.tstore ins(%u : !tile) outs(%y : !gm)
  func.return
}

// A tile that is chosen while running.

// CHECK-LABEL: func.func @chosen
// REMARK: remark: 'chosen' stays in buffer form because of 'arith.select': the place of its result is not known

func.func @chosen(%y: !gm, %is: i1) {
  %a0 = arith.constant 0 : i64
  %a512 = arith.constant 512 : i64
  %f = arith.constant 1.0 : f32
  %t = pto.alloc_tile addr = %a0 : !tile
  %u = pto.alloc_tile addr = %a512 : !tile
  pto.texpands ins(%f : f32) outs(%t : !tile)
  pto.texpands ins(%f : f32) outs(%u : !tile)
  %v = arith.select %is, %t, %u : !tile
  pto.tstore ins(%v : !tile) outs(%y : !gm)
  func.return
}

// One of several buffers.

// CHECK-LABEL: func.func @several
// REMARK: remark: 'several' stays in buffer form because of 'pto.alloc_multi_tile': the buffer is selected at run time

func.func @several(%x: !gm, %i: index) {
  %m = pto.alloc_multi_tile : !two
  %t = pto.multi_tile_get %m[%i] : !two -> !tile
  pto.tload ins(%x : !gm) outs(%t : !tile)
  func.return
}

// A window of a tile seen as another type.

// CHECK-LABEL: func.func @window
// REMARK: remark: 'window' stays in buffer form because of 'pto.treshape': it casts a window of a tile

func.func @window(%x: !gm, %i: index) {
  %a0 = arith.constant 0 : i64
  %c0 = arith.constant 0 : index
  %t = pto.alloc_tile addr = %a0 : !tile
  pto.tload ins(%x : !gm) outs(%t : !tile)
  %w = pto.subview %t[%i, %c0] sizes [1, 16] : !tile -> !row
  %r = pto.treshape %w : !row -> !pto.tile_buf<vec, 2x8xf32>
  pto.tabs ins(%r : !pto.tile_buf<vec, 2x8xf32>) outs(%r : !pto.tile_buf<vec, 2x8xf32>)
  func.return
}

// A region that runs nobody knows when.

// CHECK-LABEL: func.func @region
// REMARK: remark: 'region' stays in buffer form because of 'scf.while': when its region runs is not known

func.func @region(%x: !gm, %is: i1) {
  %a0 = arith.constant 0 : i64
  %t = pto.alloc_tile addr = %a0 : !tile
  scf.while () : () -> () {
    scf.condition(%is)
  } do {
    pto.tload ins(%x : !gm) outs(%t : !tile)
    scf.yield
  }
  func.return
}

// A tile that is written for one kind of core and read behind that.

// CHECK-LABEL: func.func @section
// REMARK: remark: 'section' stays in buffer form because of 'pto.tstore': it reads what is written in a 'pto.section.vector'

func.func @section(%x: !gm, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %t = pto.alloc_tile addr = %a0 : !tile
  pto.section.vector {
    pto.tload ins(%x : !gm) outs(%t : !tile)
  }
  pto.tstore ins(%t : !tile) outs(%y : !gm)
  func.return
}

// A function that is called may use the same memory.

// CHECK-LABEL: func.func @caller
// REMARK: remark: 'caller' stays in buffer form because of 'func.call': the function it calls may touch any tile

func.func @caller(%y: !gm) {
  %a0 = arith.constant 0 : i64
  %f = arith.constant 1.0 : f32
  %t = pto.alloc_tile addr = %a0 : !tile
  pto.texpands ins(%f : f32) outs(%t : !tile)
  func.call @callee(%y) : (!gm) -> ()
  pto.tstore ins(%t : !tile) outs(%y : !gm)
  func.return
}

// REMARK: remark: 'callee' stays in buffer form because of 'func.call': caller and function called may share tiles

func.func @callee(%y: !gm) {
  %a512 = arith.constant 512 : i64
  %f = arith.constant 2.0 : f32
  %t = pto.alloc_tile addr = %a512 : !tile
  pto.texpands ins(%f : f32) outs(%t : !tile)
  pto.tstore ins(%t : !tile) outs(%y : !gm)
  func.return
}

// Everything else is raised.

// CHECK-LABEL: func.func @fine
// CHECK: pto.tload {{.*}} -> !pto.tile<
// REMARK-NOT: 'fine'

func.func @fine(%x: !gm, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %t = pto.alloc_tile addr = %a0 : !tile
  pto.tload ins(%x : !gm) outs(%t : !tile)
  pto.tstore ins(%t : !tile) outs(%y : !gm)
  func.return
}
