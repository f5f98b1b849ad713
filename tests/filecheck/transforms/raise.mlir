// Tiles become values: what an operation reads is what was last written to those bytes, whatever its name.
// RUN: dsv4-opt %s -p pto-raise --no-remarks | filecheck %s

!tile = !pto.tile_buf<vec, 8x16xf32>
!row = !pto.tile_buf<vec, 1x16xf32>
!flat = !pto.tile_buf<vec, 1x128xf32>
!column = !pto.tile_buf<vec, 8x1xf32, blayout=col_major>
!line = !pto.tile_buf<vec, 1x8xf32>
!some = !pto.tile_buf<vec, 8x16xf32, valid=?x?>
!gm = !pto.partition_tensor_view<8x16xf32>
!gm_row = !pto.partition_tensor_view<1x16xf32>
!gm_line = !pto.partition_tensor_view<1x8xf32>

// Another name for the same bytes, and a result in the place of its operand.

// CHECK-LABEL: func.func @names
// CHECK: %a = pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: %c = pto.tadd ins(%a, %a : !pto.tile<vec, 8x16xf32>, !pto.tile<vec, 8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: pto.tstore ins(%c : !pto.tile<vec, 8x16xf32>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
func.func @names(%x: !gm, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %a = pto.alloc_tile addr = %a0 : !tile
  pto.tload ins(%x : !gm) outs(%a : !tile)
  %b = pto.alloc_tile addr = %a0 : !tile
  %c = pto.alloc_tile addr = %a0 : !tile
  pto.tadd ins(%b, %a : !tile, !tile) outs(%c : !tile)
  pto.tstore ins(%b : !tile) outs(%y : !gm)
  func.return
}

// Part of a tile, read by its address; a row of it, written by a subview.

// CHECK-LABEL: func.func @parts
// CHECK: %a = pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: %0 = pto.subview %a[%c2_index, %c0] sizes [1, 16] : !pto.tile<vec, 8x16xf32> -> !pto.tile<vec, 1x16xf32>
// CHECK-NEXT: %1 = pto.subview %a[%i, %c0] sizes [1, 16] : !pto.tile<vec, 8x16xf32> -> !pto.tile<vec, 1x16xf32>
// CHECK-NEXT: %any = pto.tadd ins(%0, %1 : !pto.tile<vec, 1x16xf32>, !pto.tile<vec, 1x16xf32>) -> !pto.tile<vec, 1x16xf32>
// CHECK-NEXT: %a_1 = pto.insert %any into %a[%i, %c0] : !pto.tile<vec, 1x16xf32> into !pto.tile<vec, 8x16xf32> -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: pto.tstore ins(%a_1 : !pto.tile<vec, 8x16xf32>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
func.func @parts(%x: !gm, %y: !gm, %i: index) {
  %a0 = arith.constant 0 : i64
  %a128 = arith.constant 128 : i64
  %c0 = arith.constant 0 : index
  %a = pto.alloc_tile addr = %a0 : !tile
  pto.tload ins(%x : !gm) outs(%a : !tile)
  %third = pto.alloc_tile addr = %a128 : !row
  %any = pto.subview %a[%i, %c0] sizes [1, 16] : !tile -> !row
  pto.tadd ins(%third, %any : !row, !row) outs(%any : !row)
  pto.tstore ins(%a : !tile) outs(%y : !gm)
  func.return
}

// A tile as a row of all its lanes, without an operation; a column as a row.

// CHECK-LABEL: func.func @shapes
// CHECK: %a = pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: %a_1 = pto.reshape %a : !pto.tile<vec, 8x16xf32> -> !pto.tile<vec, 1x128xf32>
// CHECK-NEXT: %flat = pto.tabs ins(%a_1 : !pto.tile<vec, 1x128xf32>) -> !pto.tile<vec, 1x128xf32>
// CHECK-NEXT: %flat_1 = pto.reshape %flat : !pto.tile<vec, 1x128xf32> -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: %column = pto.trowsum ins(%flat_1 : !pto.tile<vec, 8x16xf32>) -> !pto.tile<vec, 8x1xf32, blayout=col_major>
// CHECK-NEXT: %column_1 = pto.reshape %column : !pto.tile<vec, 8x1xf32, blayout=col_major> -> !pto.tile<vec, 1x8xf32>
// CHECK-NEXT: pto.tstore ins(%column_1 : !pto.tile<vec, 1x8xf32>) outs(%y : !pto.partition_tensor_view<1x8xf32>)
// CHECK-NEXT: func.return
func.func @shapes(%x: !gm, %y: !gm_line) {
  %a0 = arith.constant 0 : i64
  %a512 = arith.constant 512 : i64
  %a1024 = arith.constant 1024 : i64
  %a = pto.alloc_tile addr = %a0 : !tile
  %flat = pto.alloc_tile addr = %a0 : !flat
  %tmp = pto.alloc_tile addr = %a1024 : !tile
  %column = pto.alloc_tile addr = %a512 : !column
  %line = pto.alloc_tile addr = %a512 : !line
  pto.tload ins(%x : !gm) outs(%a : !tile)
  pto.tabs ins(%flat : !flat) outs(%flat : !flat)
  pto.trowsum ins(%a, %tmp : !tile, !tile) outs(%column : !column)
  pto.tstore ins(%line : !line) outs(%y : !gm_line)
  func.return
}

// A loop carries what a trip leaves to the next. In the first trip nothing is added to: no initial value.

// CHECK-LABEL: func.func @loop
// CHECK: %2 = pto.undef : !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: %3 = scf.for %i = %c0 to %c3 step %c1 iter_args(%4 = %2) -> (!pto.tile<vec, 8x16xf32>) {
// CHECK-NEXT: %new = pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: %first = arith.cmpi eq, %i, %c0 : index
// CHECK-NEXT: %5 = scf.if %first -> (!pto.tile<vec, 8x16xf32>) {
// CHECK-NEXT: %sum = pto.tmov ins(%new : !pto.tile<vec, 8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: scf.yield %sum : !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: } else {
// CHECK-NEXT: %sum = pto.tadd ins(%4, %new : !pto.tile<vec, 8x16xf32>, !pto.tile<vec, 8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: scf.yield %sum : !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield %5 : !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: }
// CHECK-NEXT: pto.tstore ins(%3 : !pto.tile<vec, 8x16xf32>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
func.func @loop(%x: !gm, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %a512 = arith.constant 512 : i64
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  scf.for %i = %c0 to %c3 step %c1 {
    %new = pto.alloc_tile addr = %a512 : !tile
    pto.tload ins(%x : !gm) outs(%new : !tile)
    %first = arith.cmpi eq, %i, %c0 : index
    scf.if %first {
      %sum = pto.alloc_tile addr = %a0 : !tile
      pto.tmov ins(%new : !tile) outs(%sum : !tile)
    } else {
      %sum = pto.alloc_tile addr = %a0 : !tile
      pto.tadd ins(%sum, %new : !tile, !tile) outs(%sum : !tile)
    }
  }
  %sum = pto.alloc_tile addr = %a0 : !tile
  pto.tstore ins(%sum : !tile) outs(%y : !gm)
  func.return
}

// One side of a branch writes: the other one passes on what was there. What nobody reads later stays inside.

// CHECK-LABEL: func.func @branch
// CHECK: %a = pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: %6 = scf.if %is -> (!pto.tile<vec, 8x16xf32>) {
// CHECK-NEXT: %b = pto.tabs ins(%a : !pto.tile<vec, 8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: %a_1 = pto.tadd ins(%a, %b : !pto.tile<vec, 8x16xf32>, !pto.tile<vec, 8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: scf.yield %a_1 : !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: } else {
// CHECK-NEXT: scf.yield %a : !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: }
// CHECK-NEXT: pto.tstore ins(%6 : !pto.tile<vec, 8x16xf32>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
func.func @branch(%x: !gm, %y: !gm, %is: i1) {
  %a0 = arith.constant 0 : i64
  %a512 = arith.constant 512 : i64
  %a = pto.alloc_tile addr = %a0 : !tile
  %b = pto.alloc_tile addr = %a512 : !tile
  pto.tload ins(%x : !gm) outs(%a : !tile)
  scf.if %is {
    pto.tabs ins(%a : !tile) outs(%b : !tile)
    pto.tadd ins(%a, %b : !tile, !tile) outs(%a : !tile)
  }
  pto.tstore ins(%a : !tile) outs(%y : !gm)
  func.return
}

// An extent known only at run time is an operand; `set_validshape` says what a handle is from there on.

// CHECK-LABEL: func.func @extents
// CHECK: %a = pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) valid [%n] -> !pto.tile<vec, 8x16xf32, valid=?x16>
// CHECK: %a_1 = pto.set_validshape %a, %c4_index, %c16 : !pto.tile<vec, 8x16xf32, valid=?x16> -> !pto.tile<vec, 8x16xf32, valid=4x16>
// CHECK-NEXT: %b = pto.tabs ins(%a_1 : !pto.tile<vec, 8x16xf32, valid=4x16>) -> !pto.tile<vec, 8x16xf32, valid=4x16>
// CHECK-NEXT: %b_1 = pto.set_validshape %b, %c4_index, %c16 : !pto.tile<vec, 8x16xf32, valid=4x16> -> !pto.tile<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tstore ins(%b_1 : !pto.tile<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
func.func @extents(%x: !gm, %y: !gm, %n: index) {
  %a0 = arith.constant 0 : i64
  %a512 = arith.constant 512 : i64
  %c16 = arith.constant 16 : index
  %a = pto.alloc_tile addr = %a0 valid_row = %n valid_col = %c16 : !some
  pto.tload ins(%x : !gm) outs(%a : !some)
  %c4 = arith.constant 4 : index
  %b = pto.alloc_tile addr = %a512 valid_row = %n valid_col = %c16 : !some
  pto.set_validshape %a, %c4, %c16 : !some
  pto.set_validshape %b, %c4, %c16 : !some
  pto.tabs ins(%a : !some) outs(%b : !some)
  pto.tstore ins(%b : !some) outs(%y : !gm)
  func.return
}

// Of a tile with no valid lane nothing is read and nothing is written.

// CHECK-LABEL: func.func @nothing
// CHECK: %a = pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: pto.tstore ins(%a : !pto.tile<vec, 8x16xf32>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
func.func @nothing(%x: !gm, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %c0 = arith.constant 0 : index
  %a = pto.alloc_tile addr = %a0 : !tile
  pto.tload ins(%x : !gm) outs(%a : !tile)
  %none = pto.alloc_tile addr = %a0 valid_row = %c0 valid_col = %c0 : !some
  pto.tabs ins(%none : !some) outs(%none : !some)
  pto.tstore ins(%a : !tile) outs(%y : !gm)
  func.return
}

// A move from a row to where that row is does nothing; to another place it is a move.

// CHECK-LABEL: func.func @nowhere
// CHECK: %a = pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: %7 = pto.subview %a[%c1, %c0] sizes [1, 16] : !pto.tile<vec, 8x16xf32> -> !pto.tile<vec, 1x16xf32>
// CHECK-NEXT: pto.tstore ins(%7 : !pto.tile<vec, 1x16xf32>) outs(%y : !pto.partition_tensor_view<1x16xf32>)
// CHECK-NEXT: %8 = pto.subview %a[%c1, %c0] sizes [1, 16] : !pto.tile<vec, 8x16xf32> -> !pto.tile<vec, 1x16xf32>
// CHECK-NEXT: %other = pto.tmov ins(%8 : !pto.tile<vec, 1x16xf32>) -> !pto.tile<vec, 1x16xf32>
// CHECK-NEXT: pto.tstore ins(%other : !pto.tile<vec, 1x16xf32>) outs(%z : !pto.partition_tensor_view<1x16xf32>)
// CHECK-NEXT: func.return
func.func @nowhere(%x: !gm, %y: !gm_row, %z: !gm_row) {
  %a0 = arith.constant 0 : i64
  %a64 = arith.constant 64 : i64
  %a512 = arith.constant 512 : i64
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = pto.alloc_tile addr = %a0 : !tile
  pto.tload ins(%x : !gm) outs(%a : !tile)
  %w = pto.subview %a[%c1, %c0] sizes [1, 16] : !tile -> !row
  %there = pto.alloc_tile addr = %a64 : !row
  pto.tmov ins(%w : !row) outs(%there : !row)
  pto.tstore ins(%there : !row) outs(%y : !gm_row)
  %other = pto.alloc_tile addr = %a512 : !row
  pto.tmov ins(%w : !row) outs(%other : !row)
  pto.tstore ins(%other : !row) outs(%z : !gm_row)
  func.return
}

// Boxes are another order of the same lanes: to put them there moves them.

// CHECK-LABEL: func.func @boxes
// CHECK: %a = pto.tload ins(%x : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: %9 = pto.subview %a[%c0, %c0] sizes [16, 16] : !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x16xf32, valid=8x16>
// CHECK-NEXT: %b = pto.tmov ins(%9 : !pto.tile<vec, 16x16xf32, valid=8x16>) -> !pto.tile<vec, 16x16xf32, valid=8x16, slayout=col_major>
// CHECK-NEXT: pto.tstore ins(%b : !pto.tile<vec, 16x16xf32, valid=8x16, slayout=col_major>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
func.func @boxes(%x: !pto.partition_tensor_view<16x16xf32>, %y: !pto.partition_tensor_view<8x16xf32>) {
  %a0 = arith.constant 0 : i64
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %a = pto.alloc_tile addr = %a0 : !pto.tile_buf<vec, 16x16xf32>
  pto.tload ins(%x : !pto.partition_tensor_view<16x16xf32>) outs(%a : !pto.tile_buf<vec, 16x16xf32>)
  %w = pto.subview %a[%c0, %c0] sizes [16, 16] valid [%c8, %c16] : !pto.tile_buf<vec, 16x16xf32> -> !pto.tile_buf<vec, 16x16xf32, valid=8x16>
  %b = pto.alloc_tile addr = %a0 : !pto.tile_buf<vec, 16x16xf32, valid=8x16, slayout=col_major>
  pto.tmov ins(%w : !pto.tile_buf<vec, 16x16xf32, valid=8x16>) outs(%b : !pto.tile_buf<vec, 16x16xf32, valid=8x16, slayout=col_major>)
  pto.tstore ins(%b : !pto.tile_buf<vec, 16x16xf32, valid=8x16, slayout=col_major>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
  func.return
}

// The same bytes as lanes of another width.

// CHECK-LABEL: func.func @words
// CHECK: %a = pto.tload ins(%x : !pto.partition_tensor_view<8x32xbf16>) -> !pto.tile<vec, 8x32xbf16>
// CHECK-NEXT: %a_1 = pto.reinterpret %a : !pto.tile<vec, 8x32xbf16> -> !pto.tile<vec, 8x16xui32>
// CHECK-NEXT: %b = pto.tshls ins(%a_1, %k : !pto.tile<vec, 8x16xui32>, i32) -> !pto.tile<vec, 8x16xui32>
// CHECK-NEXT: %b_1 = pto.bitcast %b : !pto.tile<vec, 8x16xui32> -> !pto.tile<vec, 8x16xf32>
// CHECK-NEXT: pto.tstore ins(%b_1 : !pto.tile<vec, 8x16xf32>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
func.func @words(%x: !pto.partition_tensor_view<8x32xbf16>, %y: !gm) {
  %a0 = arith.constant 0 : i64
  %a512 = arith.constant 512 : i64
  %k = arith.constant 16 : i32
  %a = pto.alloc_tile addr = %a0 : !pto.tile_buf<vec, 8x32xbf16>
  %w = pto.alloc_tile addr = %a0 : !pto.tile_buf<vec, 8x16xui32>
  %b = pto.alloc_tile addr = %a512 : !pto.tile_buf<vec, 8x16xui32>
  %f = pto.alloc_tile addr = %a512 : !tile
  pto.tload ins(%x : !pto.partition_tensor_view<8x32xbf16>) outs(%a : !pto.tile_buf<vec, 8x32xbf16>)
  pto.tshls ins(%w, %k : !pto.tile_buf<vec, 8x16xui32>, i32) outs(%b : !pto.tile_buf<vec, 8x16xui32>)
  pto.tstore ins(%f : !tile) outs(%y : !gm)
  func.return
}
