// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_col = !pto.tile_buf<vec, 8x1xf32, blayout=col_major>
!b_row = !pto.tile_buf<vec, 1x64xf32>
!b_pos = !pto.tile_buf<vec, 8x1xi32, blayout=col_major>
!b_where = !pto.tile_buf<vec, 1x64xui32>
!t = !pto.tile<vec, 8x64xf32, valid=?x64>
!t_col = !pto.tile<vec, 8x1xf32, valid=?x1, blayout=col_major>
!t_row = !pto.tile<vec, 1x64xf32>
!t_pos = !pto.tile<vec, 8x1xi32, valid=?x1, blayout=col_major>
!t_tmp = !pto.tile<vec, 8x64xf32>

func.func @buffer(%x: !b, %tmp: !b, %col: !b_col, %row: !b_row, %pos: !b_pos, %where: !b_where) {
  pto.trowsum ins(%x, %tmp : !b, !b) outs(%col : !b_col)
  // CHECK: pto.trowsum ins(%x, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%col : !pto.tile_buf<vec, 8x1xf32, blayout=col_major>)
  pto.trowmax ins(%x : !b) outs(%col : !b_col)
  // CHECK: pto.trowmax ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%col : !pto.tile_buf<vec, 8x1xf32, blayout=col_major>)
  pto.trowmin ins(%x, %tmp : !b, !b) outs(%col : !b_col) {note = "kept"}
  // CHECK: pto.trowmin ins(%x, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%col : !pto.tile_buf<vec, 8x1xf32, blayout=col_major>) {note = "kept"}
  pto.trowprod ins(%x, %tmp : !b, !b) outs(%col : !b_col)
  // CHECK: pto.trowprod ins(%x, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%col : !pto.tile_buf<vec, 8x1xf32, blayout=col_major>)
  pto.trowargmax ins(%x, %tmp : !b, !b) outs(%pos : !b_pos)
  // CHECK: pto.trowargmax ins(%x, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%pos : !pto.tile_buf<vec, 8x1xi32, blayout=col_major>)
  pto.trowargmin ins(%x : !b) outs(%pos : !b_pos)
  // CHECK: pto.trowargmin ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%pos : !pto.tile_buf<vec, 8x1xi32, blayout=col_major>)
  pto.tcolsum ins(%x : !b) outs(%row : !b_row)
  // CHECK: pto.tcolsum ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%row : !pto.tile_buf<vec, 1x64xf32>)
  pto.tcolsum ins(%x, %tmp {isBinary = true} : !b, !b) outs(%row : !b_row)
  // CHECK: pto.tcolsum ins(%x, %tmp {isBinary = true} : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%row : !pto.tile_buf<vec, 1x64xf32>)
  pto.tcolmax ins(%x : !b) outs(%row : !b_row)
  // CHECK: pto.tcolmax ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%row : !pto.tile_buf<vec, 1x64xf32>)
  pto.tcolmin ins(%x : !b) outs(%row : !b_row)
  // CHECK: pto.tcolmin ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%row : !pto.tile_buf<vec, 1x64xf32>)
  pto.tcolprod ins(%x : !b) outs(%row : !b_row)
  // CHECK: pto.tcolprod ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%row : !pto.tile_buf<vec, 1x64xf32>)
  pto.tcolargmax ins(%x, %tmp : !b, !b) outs(%where : !b_where)
  // CHECK: pto.tcolargmax ins(%x, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%where : !pto.tile_buf<vec, 1x64xui32>)
  pto.tcolargmin ins(%x : !b) outs(%where : !b_where)
  // CHECK: pto.tcolargmin ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%where : !pto.tile_buf<vec, 1x64xui32>)
  func.return
}

func.func @value(%x: !t, %tmp: !t_tmp, %n: index) {
  %sum = pto.trowsum ins(%x, %tmp : !t, !t_tmp) valid [%n] -> !t_col
  // CHECK: %sum = pto.trowsum ins(%x, %tmp : !pto.tile<vec, 8x64xf32, valid=?x64>, !pto.tile<vec, 8x64xf32>) valid [%n] -> !pto.tile<vec, 8x1xf32, valid=?x1, blayout=col_major>
  %max = pto.trowmax ins(%x : !t) valid [%n] -> !t_col
  // CHECK: %max = pto.trowmax ins(%x : !pto.tile<vec, 8x64xf32, valid=?x64>) valid [%n] -> !pto.tile<vec, 8x1xf32, valid=?x1, blayout=col_major>
  %at = pto.trowargmax ins(%x, %tmp : !t, !t_tmp) valid [%n] -> !t_pos
  // CHECK: %at = pto.trowargmax ins(%x, %tmp : !pto.tile<vec, 8x64xf32, valid=?x64>, !pto.tile<vec, 8x64xf32>) valid [%n] -> !pto.tile<vec, 8x1xi32, valid=?x1, blayout=col_major>
  %down = pto.tcolsum ins(%x, %tmp {isBinary = false} : !t, !t_tmp) -> !t_row
  // CHECK: %down = pto.tcolsum ins(%x, %tmp {isBinary = false} : !pto.tile<vec, 8x64xf32, valid=?x64>, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 1x64xf32>
  %least = pto.tcolmin ins(%x : !t) -> !t_row
  // CHECK: %least = pto.tcolmin ins(%x : !pto.tile<vec, 8x64xf32, valid=?x64>) -> !pto.tile<vec, 1x64xf32>
  func.return
}
