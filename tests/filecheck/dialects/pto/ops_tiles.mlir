// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 16x64xf32, valid=?x?>
!b_box = !pto.tile_buf<vec, 1x64xf32>
!t = !pto.tile<vec, 16x64xf32>
!t_part = !pto.tile<vec, 16x64xf32, valid=8x64>
!t_row = !pto.tile<vec, 1x64xf32>
!nz = !pto.tile<mat, 32x64xbf16, blayout=col_major, slayout=row_major>
!zn = !pto.tile<mat, 64x32xbf16, slayout=col_major>

func.func @buffer(%x: !b, %r: index, %c: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %row = pto.subview %x[%r, %c0] sizes [1, 64] valid [%c1, %c64] : !b -> !b_box
  // CHECK: %row = pto.subview %x[%r, %c0] sizes [1, 64] valid [%c1, %c64] : !pto.tile_buf<vec, 16x64xf32, valid=?x?> -> !pto.tile_buf<vec, 1x64xf32>
  %inferred = pto.subview %x[%r, %c0] sizes [1, 64] valid [%c1, %c] : !b
  // CHECK: %inferred = pto.subview %x[%r, %c0] sizes [1, 64] valid [%c1, %c] : !pto.tile_buf<vec, 16x64xf32, valid=?x?> -> !pto.tile_buf<vec, 1x64xf32, valid=1x?>
  %whole = pto.subview %x[%c0, %c0] sizes [8, 64] : !b
  // CHECK: %whole = pto.subview %x[%c0, %c0] sizes [8, 64] : !pto.tile_buf<vec, 16x64xf32, valid=?x?> -> !pto.tile_buf<vec, 8x64xf32>
  %bits = pto.bitcast %x : !b -> !pto.tile_buf<vec, 16x64xi32, valid=?x?>
  // CHECK: %bits = pto.bitcast %x : !pto.tile_buf<vec, 16x64xf32, valid=?x?> -> !pto.tile_buf<vec, 16x64xi32, valid=?x?>
  %flat = pto.treshape %x : !b -> !pto.tile_buf<vec, 1x1024xf32>
  // CHECK: %flat = pto.treshape %x : !pto.tile_buf<vec, 16x64xf32, valid=?x?> -> !pto.tile_buf<vec, 1x1024xf32>
  pto.set_validshape %x, %r, %c : !b
  // CHECK: pto.set_validshape %x, %r, %c : !pto.tile_buf<vec, 16x64xf32, valid=?x?>
  %vr, %vc = pto.get_validshape %x : !b
  // CHECK: %vr, %vc = pto.get_validshape %x : !pto.tile_buf<vec, 16x64xf32, valid=?x?>
  %rows = pto.tile_valid_rows %x : !b -> index
  // CHECK: %rows = pto.tile_valid_rows %x : !pto.tile_buf<vec, 16x64xf32, valid=?x?> -> index
  %cols = pto.tile_valid_cols %x : !b -> index
  // CHECK: %cols = pto.tile_valid_cols %x : !pto.tile_buf<vec, 16x64xf32, valid=?x?> -> index
  func.return
}

func.func @value(%x: !t, %mat: !nz, %r: index, %c: index) {
  %c0 = arith.constant 0 : index
  %nothing = pto.undef : !t
  // CHECK: %nothing = pto.undef : !pto.tile<vec, 16x64xf32>
  %row = pto.subview %x[%r, %c0] sizes [1, 64] : !t -> !t_row
  // CHECK: %row = pto.subview %x[%r, %c0] sizes [1, 64] : !pto.tile<vec, 16x64xf32> -> !pto.tile<vec, 1x64xf32>
  %y = pto.insert %row into %nothing[%r, %c0] : !t_row into !t -> !t
  // CHECK: %y = pto.insert %row into %nothing[%r, %c0] : !pto.tile<vec, 1x64xf32> into !pto.tile<vec, 16x64xf32> -> !pto.tile<vec, 16x64xf32>
  %flat = pto.reshape %y : !t -> !pto.tile<vec, 1x1024xf32>
  // CHECK: %flat = pto.reshape %y : !pto.tile<vec, 16x64xf32> -> !pto.tile<vec, 1x1024xf32>
  %turned = pto.transpose %mat : !nz -> !zn
  // CHECK: %turned = pto.transpose %mat : !pto.tile<mat, 32x64xbf16, blayout=col_major, slayout=row_major> -> !pto.tile<mat, 64x32xbf16, slayout=col_major>
  %less = pto.set_validshape %y, %r, %c : !t -> !t_part
  // CHECK: %less = pto.set_validshape %y, %r, %c : !pto.tile<vec, 16x64xf32> -> !pto.tile<vec, 16x64xf32, valid=8x64>
  func.return
}
