// Values get buffers, with addresses (level 3) or without (level 2).
// RUN: dsv4-opt %s -p 'pto-lower{chip=a3}' | filecheck %s
// RUN: dsv4-opt %s -p 'pto-lower{chip=a3 level=level2}' | filecheck %s --check-prefix=LEVEL2

!tile = !pto.tile<vec, 8x16xf32>
!half = !pto.tile<vec, 8x16xbf16>
!rows = !pto.tile<vec, 4x16xf32>
!row = !pto.tile<vec, 1x16xf32>
!flat = !pto.tile<vec, 1x128xf32>
!column = !pto.tile<vec, 8x1xf32, blayout=col_major>
!some = !pto.tile<vec, 8x16xf32, valid=?x16>
!gm = !pto.partition_tensor_view<8x16xf32>
!gm_rows = !pto.partition_tensor_view<4x16xf32>
!gm_row = !pto.partition_tensor_view<1x16xf32>
!gm_flat = !pto.partition_tensor_view<1x128xf32>

// A result takes the place of an operand that nobody reads any more; %b is read later, so %c is elsewhere.

// CHECK-LABEL: func.func @in_place
// CHECK: %a = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: %b = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tabs ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%b : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: %c = pto.alloc_tile addr = %c512_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tadd ins(%b, %b : !pto.tile_buf<vec, 8x16xf32, valid=?x?>, !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%c : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: %d = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tmul ins(%b, %c : !pto.tile_buf<vec, 8x16xf32, valid=?x?>, !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%d : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: pto.tstore ins(%d : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
// LEVEL2-LABEL: func.func @in_place
// LEVEL2: %a = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: %c = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: pto.tabs ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: pto.tadd ins(%a, %a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>, !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%c : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: pto.tmul ins(%a, %c : !pto.tile_buf<vec, 8x16xf32, valid=?x?>, !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: pto.tstore ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// LEVEL2-NEXT: func.return
func.func @in_place(%x: !gm, %y: !gm) {
  %a = pto.tload ins(%x : !gm) -> !tile
  %b = pto.tabs ins(%a : !tile) -> !tile
  %c = pto.tadd ins(%b, %b : !tile, !tile) -> !tile
  %d = pto.tmul ins(%b, %c : !tile, !tile) -> !tile
  pto.tstore ins(%d : !tile) outs(%y : !gm)
  func.return
}

// A narrower result lies in the first half of its operand where addresses say so.

// CHECK-LABEL: func.func @narrower
// CHECK: %a = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: %b = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xbf16, valid=?x?>
// CHECK-NEXT: pto.tcvt ins(%a {rmode = #pto<round_mode RINT>} : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%b : !pto.tile_buf<vec, 8x16xbf16, valid=?x?>)
// CHECK-NEXT: pto.tstore ins(%b : !pto.tile_buf<vec, 8x16xbf16, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xbf16>)
// CHECK-NEXT: func.return
// LEVEL2-LABEL: func.func @narrower
// LEVEL2: %a = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: %b = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xbf16, valid=?x?>
// LEVEL2-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: pto.tcvt ins(%a {rmode = #pto<round_mode RINT>} : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%b : !pto.tile_buf<vec, 8x16xbf16, valid=?x?>)
// LEVEL2-NEXT: pto.tstore ins(%b : !pto.tile_buf<vec, 8x16xbf16, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xbf16>)
// LEVEL2-NEXT: func.return
func.func @narrower(%x: !gm, %y: !pto.partition_tensor_view<8x16xbf16>) {
  %a = pto.tload ins(%x : !gm) -> !tile
  %b = pto.tcvt ins(%a {rmode = #pto<round_mode RINT>} : !tile) -> !half
  pto.tstore ins(%b : !half) outs(%y : !pto.partition_tensor_view<8x16xbf16>)
  func.return
}

// A piece is written straight into its window, but not if the window may be what it is made of.

// CHECK-LABEL: func.func @pieces
// CHECK: %a = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: %p = pto.alloc_tile addr = %c192_i64 valid_row = %c1_index valid_col = %c16_index : !pto.tile_buf<vec, 1x16xf32, valid=?x?>
// CHECK-NEXT: pto.tload ins(%z : !pto.partition_tensor_view<1x16xf32>) outs(%p : !pto.tile_buf<vec, 1x16xf32, valid=?x?>)
// CHECK-NEXT: %q = pto.alloc_tile addr = %c0_i64 valid_row = %c1_index valid_col = %c16_index : !pto.tile_buf<vec, 1x16xf32, valid=?x?>
// CHECK-NEXT: %r = pto.alloc_tile addr = %c512_i64 valid_row = %c1_index valid_col = %c16_index : !pto.tile_buf<vec, 1x16xf32, valid=?x?>
// CHECK-NEXT: pto.tabs ins(%q : !pto.tile_buf<vec, 1x16xf32, valid=?x?>) outs(%r : !pto.tile_buf<vec, 1x16xf32, valid=?x?>)
// CHECK-NEXT: %c = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: %0 = pto.subview %c[%i, %c0] sizes [1, 16] valid [%c1_index, %c16_index] : !pto.tile_buf<vec, 8x16xf32, valid=?x?> -> !pto.tile_buf<vec, 1x16xf32>
// CHECK-NEXT: pto.tmov ins(%r : !pto.tile_buf<vec, 1x16xf32, valid=?x?>) outs(%0 : !pto.tile_buf<vec, 1x16xf32>)
// CHECK-NEXT: %d = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tstore ins(%d : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
// LEVEL2-LABEL: func.func @pieces
// LEVEL2: %a = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: %r = pto.alloc_tile valid_row = %c1_index valid_col = %c16_index : !pto.tile_buf<vec, 1x16xf32, valid=?x?>
// LEVEL2-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: %0 = pto.subview %a[%c3, %c0] sizes [1, 16] valid [%c1_index, %c16_index] : !pto.tile_buf<vec, 8x16xf32, valid=?x?> -> !pto.tile_buf<vec, 1x16xf32>
// LEVEL2-NEXT: pto.tload ins(%z : !pto.partition_tensor_view<1x16xf32>) outs(%0 : !pto.tile_buf<vec, 1x16xf32>)
// LEVEL2-NEXT: %q = pto.subview %a[%c0, %c0] sizes [1, 16] valid [%c1_index, %c16_index] : !pto.tile_buf<vec, 8x16xf32, valid=?x?> -> !pto.tile_buf<vec, 1x16xf32>
// LEVEL2-NEXT: pto.tabs ins(%q : !pto.tile_buf<vec, 1x16xf32>) outs(%r : !pto.tile_buf<vec, 1x16xf32, valid=?x?>)
// LEVEL2-NEXT: %1 = pto.subview %a[%i, %c0] sizes [1, 16] valid [%c1_index, %c16_index] : !pto.tile_buf<vec, 8x16xf32, valid=?x?> -> !pto.tile_buf<vec, 1x16xf32>
// LEVEL2-NEXT: pto.tmov ins(%r : !pto.tile_buf<vec, 1x16xf32, valid=?x?>) outs(%1 : !pto.tile_buf<vec, 1x16xf32>)
// LEVEL2-NEXT: pto.tstore ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// LEVEL2-NEXT: func.return
func.func @pieces(%x: !gm, %z: !gm_row, %y: !gm, %i: index) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %a = pto.tload ins(%x : !gm) -> !tile
  %p = pto.tload ins(%z : !gm_row) -> !row
  %c = pto.insert %p into %a[%c3, %c0] : !row into !tile -> !tile
  %q = pto.subview %c[%c0, %c0] sizes [1, 16] : !tile -> !row
  %r = pto.tabs ins(%q : !row) -> !row
  %d = pto.insert %r into %c[%i, %c0] : !row into !tile -> !tile
  pto.tstore ins(%d : !tile) outs(%y : !gm)
  func.return
}

// A loop's tile has one buffer; what it begins with is copied if it is read later.

// CHECK-LABEL: func.func @loop
// CHECK: %a = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: %a_1 = pto.alloc_tile addr = %c512_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tmov ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%a_1 : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: scf.for %i = %c0 to %c3 step %c1 {
// CHECK-NEXT: %t = pto.alloc_tile addr = %c512_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: %u = pto.alloc_tile addr = %c512_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tadd ins(%t, %t : !pto.tile_buf<vec, 8x16xf32, valid=?x?>, !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%u : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: }
// CHECK-NEXT: %s = pto.alloc_tile addr = %c512_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tstore ins(%s : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: pto.tstore ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%z : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
// LEVEL2-LABEL: func.func @loop
// LEVEL2: %a = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: %t = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: pto.tmov ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%t : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: scf.for %i = %c0 to %c3 step %c1 {
// LEVEL2-NEXT: pto.tadd ins(%t, %t : !pto.tile_buf<vec, 8x16xf32, valid=?x?>, !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%t : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: }
// LEVEL2-NEXT: pto.tstore ins(%t : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// LEVEL2-NEXT: pto.tstore ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%z : !pto.partition_tensor_view<8x16xf32>)
// LEVEL2-NEXT: func.return
func.func @loop(%x: !gm, %y: !gm, %z: !gm) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %a = pto.tload ins(%x : !gm) -> !tile
  %s = scf.for %i = %c0 to %c3 step %c1 iter_args(%t = %a) -> (!tile) {
    %u = pto.tadd ins(%t, %t : !tile, !tile) -> !tile
    scf.yield %u : !tile
  }
  pto.tstore ins(%s : !tile) outs(%y : !gm)
  pto.tstore ins(%a : !tile) outs(%z : !gm)
  func.return
}

// What a loop begins with lies where its buffer begins, or is copied there.

// CHECK-LABEL: func.func @window
// CHECK: %a = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: %w = pto.alloc_tile addr = %c256_i64 valid_row = %c4 valid_col = %c16_index : !pto.tile_buf<vec, 4x16xf32, valid=?x?>
// CHECK-NEXT: %w_1 = pto.alloc_tile addr = %c512_i64 valid_row = %c4 valid_col = %c16_index : !pto.tile_buf<vec, 4x16xf32, valid=?x?>
// CHECK-NEXT: pto.tmov ins(%w : !pto.tile_buf<vec, 4x16xf32, valid=?x?>) outs(%w_1 : !pto.tile_buf<vec, 4x16xf32, valid=?x?>)
// CHECK-NEXT: scf.for %i = %c0 to %c4 step %c1 {
// CHECK-NEXT: %t = pto.alloc_tile addr = %c512_i64 valid_row = %c4 valid_col = %c16_index : !pto.tile_buf<vec, 4x16xf32, valid=?x?>
// CHECK-NEXT: %u = pto.alloc_tile addr = %c512_i64 valid_row = %c4 valid_col = %c16_index : !pto.tile_buf<vec, 4x16xf32, valid=?x?>
// CHECK-NEXT: pto.tadd ins(%t, %t : !pto.tile_buf<vec, 4x16xf32, valid=?x?>, !pto.tile_buf<vec, 4x16xf32, valid=?x?>) outs(%u : !pto.tile_buf<vec, 4x16xf32, valid=?x?>)
// CHECK-NEXT: }
// CHECK-NEXT: %s = pto.alloc_tile addr = %c512_i64 valid_row = %c4 valid_col = %c16_index : !pto.tile_buf<vec, 4x16xf32, valid=?x?>
// CHECK-NEXT: pto.tstore ins(%s : !pto.tile_buf<vec, 4x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<4x16xf32>)
// CHECK-NEXT: func.return
// LEVEL2-LABEL: func.func @window
// LEVEL2: %a = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: %t = pto.alloc_tile valid_row = %c4 valid_col = %c16_index : !pto.tile_buf<vec, 4x16xf32, valid=?x?>
// LEVEL2-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: %w = pto.subview %a[%c4, %c0] sizes [4, 16] valid [%c4, %c16_index] : !pto.tile_buf<vec, 8x16xf32, valid=?x?> -> !pto.tile_buf<vec, 4x16xf32>
// LEVEL2-NEXT: pto.tmov ins(%w : !pto.tile_buf<vec, 4x16xf32>) outs(%t : !pto.tile_buf<vec, 4x16xf32, valid=?x?>)
// LEVEL2-NEXT: scf.for %i = %c0 to %c4 step %c1 {
// LEVEL2-NEXT: pto.tadd ins(%t, %t : !pto.tile_buf<vec, 4x16xf32, valid=?x?>, !pto.tile_buf<vec, 4x16xf32, valid=?x?>) outs(%t : !pto.tile_buf<vec, 4x16xf32, valid=?x?>)
// LEVEL2-NEXT: }
// LEVEL2-NEXT: pto.tstore ins(%t : !pto.tile_buf<vec, 4x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<4x16xf32>)
// LEVEL2-NEXT: func.return
func.func @window(%x: !gm, %y: !gm_rows) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %a = pto.tload ins(%x : !gm) -> !tile
  %w = pto.subview %a[%c4, %c0] sizes [4, 16] : !tile -> !rows
  %s = scf.for %i = %c0 to %c4 step %c1 iter_args(%t = %w) -> (!rows) {
    %u = pto.tadd ins(%t, %t : !rows, !rows) -> !rows
    scf.yield %u : !rows
  }
  pto.tstore ins(%s : !rows) outs(%y : !gm_rows)
  func.return
}

// Both sides of a branch write into the buffer of its result.

// CHECK-LABEL: func.func @branch
// CHECK: %a = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: scf.if %is {
// CHECK-NEXT: %b = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tabs ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%b : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: }
// CHECK-NEXT: %r = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tstore ins(%r : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
// LEVEL2-LABEL: func.func @branch
// LEVEL2: %a = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: scf.if %is {
// LEVEL2-NEXT: pto.tabs ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: }
// LEVEL2-NEXT: pto.tstore ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// LEVEL2-NEXT: func.return
func.func @branch(%x: !gm, %y: !gm, %is: i1) {
  %a = pto.tload ins(%x : !gm) -> !tile
  %r = scf.if %is -> (!tile) {
    %b = pto.tabs ins(%a : !tile) -> !tile
    scf.yield %b : !tile
  } else {
    scf.yield %a : !tile
  }
  pto.tstore ins(%r : !tile) outs(%y : !gm)
  func.return
}

// The same bytes in another shape are another handle, or a `treshape`; scratch memory is added.

// CHECK-LABEL: func.func @shapes
// CHECK: %a = pto.alloc_tile addr = %c0_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: %f = pto.alloc_tile addr = %c0_i64 valid_row = %c1_index valid_col = %c128_index : !pto.tile_buf<vec, 1x128xf32, valid=?x?>
// CHECK-NEXT: pto.tstore ins(%f : !pto.tile_buf<vec, 1x128xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<1x128xf32>)
// CHECK-NEXT: %s = pto.alloc_tile addr = %c1024_i64 valid_row = %c8_index valid_col = %c1_index : !pto.tile_buf<vec, 8x1xf32, valid=?x?, blayout=col_major>
// CHECK-NEXT: %tmp = pto.alloc_tile addr = %c512_i64 valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.trowsum ins(%a, %tmp : !pto.tile_buf<vec, 8x16xf32, valid=?x?>, !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%s : !pto.tile_buf<vec, 8x1xf32, valid=?x?, blayout=col_major>)
// CHECK-NEXT: pto.tstore ins(%s : !pto.tile_buf<vec, 8x1xf32, valid=?x?, blayout=col_major>) outs(%z : !pto.partition_tensor_view<8x1xf32>)
// CHECK-NEXT: func.return
// LEVEL2-LABEL: func.func @shapes
// LEVEL2: %a = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: %s = pto.alloc_tile valid_row = %c8_index valid_col = %c1_index : !pto.tile_buf<vec, 8x1xf32, valid=?x?, blayout=col_major>
// LEVEL2-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// LEVEL2-NEXT: %f = pto.treshape %a : !pto.tile_buf<vec, 8x16xf32, valid=?x?> -> !pto.tile_buf<vec, 1x128xf32>
// LEVEL2-NEXT: pto.tstore ins(%f : !pto.tile_buf<vec, 1x128xf32>) outs(%y : !pto.partition_tensor_view<1x128xf32>)
// LEVEL2-NEXT: pto.trowsum ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%s : !pto.tile_buf<vec, 8x1xf32, valid=?x?, blayout=col_major>)
// LEVEL2-NEXT: pto.tstore ins(%s : !pto.tile_buf<vec, 8x1xf32, valid=?x?, blayout=col_major>) outs(%z : !pto.partition_tensor_view<8x1xf32>)
// LEVEL2-NEXT: func.return
func.func @shapes(%x: !gm, %y: !gm_flat, %z: !pto.partition_tensor_view<8x1xf32>) {
  %a = pto.tload ins(%x : !gm) -> !tile
  %f = pto.reshape %a : !tile -> !flat
  pto.tstore ins(%f : !flat) outs(%y : !gm_flat)
  %s = pto.trowsum ins(%a : !tile) -> !column
  pto.tstore ins(%s : !column) outs(%z : !pto.partition_tensor_view<8x1xf32>)
  func.return
}

// Extents that show while running are operands of the handle.

// CHECK-LABEL: func.func @extents
// CHECK: %a = pto.alloc_tile addr = %c0_i64 valid_row = %n valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: %b = pto.alloc_tile addr = %c0_i64 valid_row = %n valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// CHECK-NEXT: pto.tabs ins(%a : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%b : !pto.tile_buf<vec, 8x16xf32, valid=?x?>)
// CHECK-NEXT: pto.tstore ins(%b : !pto.tile_buf<vec, 8x16xf32, valid=?x?>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// CHECK-NEXT: func.return
// LEVEL2-LABEL: func.func @extents
// LEVEL2: %a = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xf32, valid=?x?>
// LEVEL2-NEXT: %a_1 = pto.subview %a[%c0_index, %c0_index] sizes [8, 16] valid [%n, %c16_index] : !pto.tile_buf<vec, 8x16xf32, valid=?x?> -> !pto.tile_buf<vec, 8x16xf32, valid=?x16>
// LEVEL2-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x16xf32>) outs(%a_1 : !pto.tile_buf<vec, 8x16xf32, valid=?x16>)
// LEVEL2-NEXT: %b = pto.subview %a[%c0_index, %c0_index] sizes [8, 16] valid [%n, %c16_index] : !pto.tile_buf<vec, 8x16xf32, valid=?x?> -> !pto.tile_buf<vec, 8x16xf32, valid=?x16>
// LEVEL2-NEXT: pto.tabs ins(%a_1 : !pto.tile_buf<vec, 8x16xf32, valid=?x16>) outs(%b : !pto.tile_buf<vec, 8x16xf32, valid=?x16>)
// LEVEL2-NEXT: pto.tstore ins(%b : !pto.tile_buf<vec, 8x16xf32, valid=?x16>) outs(%y : !pto.partition_tensor_view<8x16xf32>)
// LEVEL2-NEXT: func.return
func.func @extents(%x: !gm, %y: !gm, %n: index) {
  %a = pto.tload ins(%x : !gm) valid [%n] -> !some
  %b = pto.tabs ins(%a : !some) valid [%n] -> !some
  pto.tstore ins(%b : !some) outs(%y : !gm)
  func.return
}

// Lanes of another width are another handle on the same bytes.

// CHECK-LABEL: func.func @words
// CHECK: %a = pto.alloc_tile addr = %c0_i64 {{.*}} : !pto.tile_buf<vec, 8x32xbf16, valid=?x?>
// CHECK-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x32xbf16>) outs(%a : !pto.tile_buf<vec, 8x32xbf16, valid=?x?>)
// CHECK-NEXT: %w = pto.alloc_tile addr = %c0_i64 {{.*}} : !pto.tile_buf<vec, 8x16xui32, valid=?x?>
// CHECK-NEXT: %b = pto.alloc_tile addr = %c0_i64 {{.*}} : !pto.tile_buf<vec, 8x16xui32, valid=?x?>
// CHECK-NEXT: pto.tshls ins(%w, %k : !pto.tile_buf<vec, 8x16xui32, valid=?x?>, i32) outs(%b : !pto.tile_buf<vec, 8x16xui32, valid=?x?>)
// LEVEL2-LABEL: func.func @words
// LEVEL2: %a = pto.alloc_tile valid_row = %c8_index valid_col = %c16_index : !pto.tile_buf<vec, 8x16xui32, valid=?x?>
// LEVEL2-NEXT: %a_1 = pto.treshape %a : !pto.tile_buf<vec, 8x16xui32, valid=?x?> -> !pto.tile_buf<vec, 8x32xbf16>
// LEVEL2-NEXT: pto.tload ins(%x : !pto.partition_tensor_view<8x32xbf16>) outs(%a_1 : !pto.tile_buf<vec, 8x32xbf16>)
// LEVEL2-NEXT: %w = pto.treshape %a_1 : !pto.tile_buf<vec, 8x32xbf16> -> !pto.tile_buf<vec, 8x16xui32>
// LEVEL2-NEXT: pto.tshls ins(%w, %k : !pto.tile_buf<vec, 8x16xui32>, i32) outs(%a : !pto.tile_buf<vec, 8x16xui32, valid=?x?>)
func.func @words(%x: !pto.partition_tensor_view<8x32xbf16>, %y: !pto.partition_tensor_view<8x16xui32>) {
  %k = arith.constant 16 : i32
  %a = pto.tload ins(%x : !pto.partition_tensor_view<8x32xbf16>) -> !pto.tile<vec, 8x32xbf16>
  %w = pto.reinterpret %a : !pto.tile<vec, 8x32xbf16> -> !pto.tile<vec, 8x16xui32>
  %b = pto.tshls ins(%w, %k : !pto.tile<vec, 8x16xui32>, i32) -> !pto.tile<vec, 8x16xui32>
  pto.tstore ins(%b : !pto.tile<vec, 8x16xui32>) outs(%y : !pto.partition_tensor_view<8x16xui32>)
  func.return
}
