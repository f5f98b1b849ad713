// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 16x64xf32>
!padded = !pto.tile_buf<vec, 16x64xf32, pad=1>
!acc = !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>
!mat = !pto.tile_buf<mat, 16x64xbf16, blayout=col_major, slayout=row_major>
!fp = !pto.tile_buf<scaling, 1x64xui64>

func.func @older(%x: !b, %d: !padded, %acc: !acc, %mat: !mat, %fp: !fp, %v: !pto.partition_tensor_view<16x64xi8>, %r: index) {
  %c0 = arith.constant 0 : index
  %row = pto.subset %x[%r, %c0] sizes [1, 64] : !b
  // CHECK: %row = pto.subview %x[%r, %c0] sizes [1, 64] : !pto.tile_buf<vec, 16x64xf32> -> !pto.tile_buf<vec, 1x64xf32>
  pto.tmov.fp ins(%acc, %fp : !acc, !fp) outs(%mat : !mat)
  // CHECK: pto.tmov ins(%acc : !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, %fp : !pto.tile_buf<scaling, 1x64xui64>) outs(%mat : !pto.tile_buf<mat, 16x64xbf16, blayout=col_major, slayout=row_major>)
  pto.tstore_fp ins(%acc, %fp : !acc, !fp) outs(%v : !pto.partition_tensor_view<16x64xi8>)
  // CHECK: pto.tstore ins(%acc : !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024> fp %fp : !pto.tile_buf<scaling, 1x64xui64>) outs(%v : !pto.partition_tensor_view<16x64xi8>)
  pto.tfillpad_expand ins(%x : !b) outs(%d : !padded)
  // CHECK: pto.tfillpad ins(%x : !pto.tile_buf<vec, 16x64xf32>) outs(%d : !pto.tile_buf<vec, 16x64xf32, pad=1>)
  pto.tadd ins(%x, %x : <loc=vec, dtype=f32, rows=16, cols=64, v_row=16, v_col=64, blayout=row_major, slayout=none_box, fractal=512, pad=0>, !b) outs(%x : <vec, 16x64xf32>)
  // CHECK: pto.tadd ins(%x, %x : !pto.tile_buf<vec, 16x64xf32>, !pto.tile_buf<vec, 16x64xf32>) outs(%x : !pto.tile_buf<vec, 16x64xf32>)
  func.return
}
