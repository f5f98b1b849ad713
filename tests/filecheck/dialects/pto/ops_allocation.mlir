// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!dynamic = !pto.tile_buf<loc=vec, dtype=f32, rows=8, cols=64, v_row=?, v_col=?, blayout=row_major, slayout=none_box, fractal=512, pad=0>
!two = !pto.multi_tile_buf<vec, 16x16xf16, count=2>

func.func @handles(%a: i64, %r: index, %c: index, %slot: index) {
  %t = pto.alloc_tile : !b
  // CHECK: %t = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
  %u = pto.alloc_tile addr = %a : !b
  // CHECK: %u = pto.alloc_tile addr = %a : !pto.tile_buf<vec, 8x64xf32>
  %v = pto.alloc_tile addr = %a valid_row = %r valid_col = %c : !dynamic
  // CHECK: %v = pto.alloc_tile addr = %a valid_row = %r valid_col = %c : !pto.tile_buf<vec, 8x64xf32, valid=?x?>
  %w = pto.alloc_tile valid_row = %r {note = "kept"} : !pto.tile_buf<vec, 8x64xf32, valid=?x64>
  // CHECK: %w = pto.alloc_tile valid_row = %r {note = "kept"} : !pto.tile_buf<vec, 8x64xf32, valid=?x64>
  %m = pto.alloc_multi_tile : !two
  // CHECK: %m = pto.alloc_multi_tile : !pto.multi_tile_buf<!pto.tile_buf<vec, 16x16xf16>, count=2>
  %n = pto.alloc_multi_tile addr = %a valid_row = %r valid_col = %c : !pto.multi_tile_buf<!pto.tile_buf<vec, 16x16xf16, valid=?x?>, count=4>
  // CHECK: %n = pto.alloc_multi_tile addr = %a valid_row = %r valid_col = %c : !pto.multi_tile_buf<!pto.tile_buf<vec, 16x16xf16, valid=?x?>, count=4>
  %x = pto.multi_tile_get %m[%slot] : !two -> !pto.tile_buf<vec, 16x16xf16>
  // CHECK: %x = pto.multi_tile_get %m[%slot] : !pto.multi_tile_buf<!pto.tile_buf<vec, 16x16xf16>, count=2> -> !pto.tile_buf<vec, 16x16xf16>
  func.return
}
