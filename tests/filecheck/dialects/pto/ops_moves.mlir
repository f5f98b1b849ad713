// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_wide = !pto.tile_buf<vec, 8x128xf32>
!b_t = !pto.tile_buf<vec, 64x8xf32>
!b_n = !pto.tile_buf<vec, 8x8xi32, valid=8x1>
!mat = !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>
!left = !pto.tile_buf<left, 64x64xbf16, slayout=row_major>
!left_part = !pto.tile_buf<left, 16x32xbf16, slayout=row_major>
!acc = !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>
!acc_i32 = !pto.tile_buf<acc, 64x64xi32, blayout=col_major, slayout=row_major, fractal=1024>
!mat_i8 = !pto.tile_buf<mat, 64x64xi8, blayout=col_major, slayout=row_major>
!fp = !pto.tile_buf<scaling, 1x64xui64>
!t = !pto.tile<vec, 8x64xf32>
!t_wide = !pto.tile<vec, 8x128xf32>
!t_n = !pto.tile<vec, 8x8xi32, valid=8x1>
!t_mat = !pto.tile<mat, 64x64xbf16, blayout=col_major, slayout=row_major>
!t_left_part = !pto.tile<left, 16x32xbf16, slayout=row_major>
!t_acc = !pto.tile<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>
!t_fp = !pto.tile<scaling, 1x64xui64>

func.func @buffer(%x: !b, %wide: !b_wide, %turned: !b_t, %n: !b_n, %mat: !mat, %left: !left, %part: !left_part, %acc: !acc, %fp: !fp, %i: index, %q: i64) {
  pto.tmov ins(%x : !b) outs(%x : !b)
  // CHECK: pto.tmov ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  pto.tmov ins(%mat : !mat) outs(%left : !left)
  // CHECK: pto.tmov ins(%mat : !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>) outs(%left : !pto.tile_buf<left, 64x64xbf16, slayout=row_major>)
  pto.tmov ins(%acc : !acc, %fp : !fp) outs(%mat : !mat)
  // CHECK: pto.tmov ins(%acc : !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, %fp : !pto.tile_buf<scaling, 1x64xui64>) outs(%mat : !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>)
  pto.tmov ins(%acc : !acc, %q : i64) outs(%mat : !mat) {reluPreMode = #pto<relu_pre_mode normal_relu>}
  // CHECK: pto.tmov ins(%acc : !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, %q : i64) outs(%mat : !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>) {reluPreMode = #pto<relu_pre_mode normal_relu>}
  pto.textract ins(%mat, %i, %i : !mat, index, index) outs(%part : !left_part)
  // CHECK: pto.textract ins(%mat, %i, %i : !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>, index, index) outs(%part : !pto.tile_buf<left, 16x32xbf16, slayout=row_major>)
  pto.textract ins(%acc, %i, %i, %q : !acc, index, index, i64) outs(%mat : !mat)
  // CHECK: pto.textract ins(%acc, %i, %i, %q : !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, index, index, i64) outs(%mat : !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>)
  pto.textract ins(%acc, %i, %i : !acc, index, index fp %fp : !fp) outs(%mat : !mat)
  // CHECK: pto.textract ins(%acc, %i, %i : !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, index, index fp %fp : !pto.tile_buf<scaling, 1x64xui64>) outs(%mat : !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>)
  pto.tinsert ins(%acc, %i, %i : !acc, index, index) outs(%mat : !mat)
  // CHECK: pto.tinsert ins(%acc, %i, %i : !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, index, index) outs(%mat : !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>)
  pto.tinsert ins(%acc, %i, %i : !acc, index, index fp %fp : !fp) outs(%mat : !mat)
  // CHECK: pto.tinsert ins(%acc, %i, %i : !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, index, index fp %fp : !pto.tile_buf<scaling, 1x64xui64>) outs(%mat : !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>)
  pto.tinsert ins(%acc, %i, %i : !acc, index, index pre_quant %q : i64) outs(%mat : !mat)
  // CHECK: pto.tinsert ins(%acc, %i, %i : !pto.tile_buf<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, index, index pre_quant %q : i64) outs(%mat : !pto.tile_buf<mat, 64x64xbf16, blayout=col_major, slayout=row_major>)
  pto.tconcat ins(%x, %x : !b, !b) outs(%wide : !b_wide)
  // CHECK: pto.tconcat ins(%x, %x : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%wide : !pto.tile_buf<vec, 8x128xf32>)
  pto.tconcatidx ins(%x, %x, %n, %n : !b, !b, !b_n, !b_n) outs(%wide : !b_wide)
  // CHECK: pto.tconcatidx ins(%x, %x, %n, %n : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x8xi32, valid=8x1>, !pto.tile_buf<vec, 8x8xi32, valid=8x1>) outs(%wide : !pto.tile_buf<vec, 8x128xf32>)
  pto.ttrans ins(%x : !b) outs(%turned : !b_t)
  // CHECK: pto.ttrans ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%turned : !pto.tile_buf<vec, 64x8xf32>)
  pto.ttrans ins(%x, %x : !b, !b) outs(%turned : !b_t)
  // CHECK: pto.ttrans ins(%x, %x : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%turned : !pto.tile_buf<vec, 64x8xf32>)
  func.return
}

func.func @value(%x: !t, %n: !t_n, %mat: !t_mat, %acc: !t_acc, %fp: !t_fp, %wide: !t_wide, %i: index, %q: i64) {
  %same = pto.tmov ins(%x : !t) -> !t
  // CHECK: %same = pto.tmov ins(%x : !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  %scaled = pto.tmov ins(%acc : !t_acc, %fp : !t_fp) -> !t_mat
  // CHECK: %scaled = pto.tmov ins(%acc : !pto.tile<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, %fp : !pto.tile<scaling, 1x64xui64>) -> !pto.tile<mat, 64x64xbf16, blayout=col_major, slayout=row_major>
  %box = pto.textract ins(%mat, %i, %i : !t_mat, index, index) -> !t_left_part
  // CHECK: %box = pto.textract ins(%mat, %i, %i : !pto.tile<mat, 64x64xbf16, blayout=col_major, slayout=row_major>, index, index) -> !pto.tile<left, 16x32xbf16, slayout=row_major>
  %placed = pto.tinsert ins(%acc, %i, %i, %mat : !t_acc, index, index, !t_mat) -> !t_mat
  // CHECK: %placed = pto.tinsert ins(%acc, %i, %i, %mat : !pto.tile<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, index, index, !pto.tile<mat, 64x64xbf16, blayout=col_major, slayout=row_major>) -> !pto.tile<mat, 64x64xbf16, blayout=col_major, slayout=row_major>
  %rounded = pto.tinsert ins(%acc, %i, %i, %mat : !t_acc, index, index, !t_mat fp %fp : !t_fp) -> !t_mat
  // CHECK: %rounded = pto.tinsert ins(%acc, %i, %i, %mat : !pto.tile<acc, 64x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, index, index, !pto.tile<mat, 64x64xbf16, blayout=col_major, slayout=row_major> fp %fp : !pto.tile<scaling, 1x64xui64>) -> !pto.tile<mat, 64x64xbf16, blayout=col_major, slayout=row_major>
  %both = pto.tconcat ins(%x, %x : !t, !t) -> !t_wide
  // CHECK: %both = pto.tconcat ins(%x, %x : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x128xf32>
  %some = pto.tconcatidx ins(%x, %x, %n, %n, %wide : !t, !t, !t_n, !t_n, !t_wide) -> !t_wide
  // CHECK: %some = pto.tconcatidx ins(%x, %x, %n, %n, %wide : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x8xi32, valid=8x1>, !pto.tile<vec, 8x8xi32, valid=8x1>, !pto.tile<vec, 8x128xf32>) -> !pto.tile<vec, 8x128xf32>
  func.return
}
