// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_row = !pto.tile_buf<vec, 1x64xf32>
!b_col = !pto.tile_buf<vec, 8x1xf32, blayout=col_major>
!b_block = !pto.tile_buf<vec, 8x8xf32>
!b_i32 = !pto.tile_buf<vec, 1x64xi32>
!t = !pto.tile<vec, 8x64xf32>
!t_row = !pto.tile<vec, 1x64xf32>
!t_col = !pto.tile<vec, 8x1xf32, blayout=col_major>
!t_i32 = !pto.tile<vec, 1x64xi32, valid=1x?>

func.func @buffer(%x: !b, %row: !b_row, %col: !b_col, %block: !b_block, %tmp: !b, %d: !b, %i: !b_i32, %s: f32, %n: i32) {
  pto.tcolexpand ins(%row : !b_row) outs(%d : !b)
  // CHECK: pto.tcolexpand ins(%row : !pto.tile_buf<vec, 1x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trowexpand ins(%col : !b_col) outs(%d : !b)
  // CHECK: pto.trowexpand ins(%col : !pto.tile_buf<vec, 8x1xf32, blayout=col_major>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tcolexpandadd ins(%x, %row : !b, !b_row) outs(%d : !b)
  // CHECK: pto.tcolexpandadd ins(%x, %row : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 1x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tcolexpandsub ins(%x, %row : !b, !b_row) outs(%d : !b)
  // CHECK: pto.tcolexpandsub ins(%x, %row : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 1x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tcolexpandmul ins(%x, %row : !b, !b_row) outs(%d : !b)
  // CHECK: pto.tcolexpandmul ins(%x, %row : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 1x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tcolexpanddiv ins(%x, %row : !b, !b_row) outs(%d : !b) {precisionType = #pto<div_precision default>}
  // CHECK: pto.tcolexpanddiv ins(%x, %row : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 1x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>) {precisionType = #pto<div_precision default>}
  pto.tcolexpandmax ins(%x, %row : !b, !b_row) outs(%d : !b)
  // CHECK: pto.tcolexpandmax ins(%x, %row : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 1x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tcolexpandmin ins(%x, %row : !b, !b_row) outs(%d : !b)
  // CHECK: pto.tcolexpandmin ins(%x, %row : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 1x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tcolexpandexpdif ins(%x, %row : !b, !b_row) outs(%d : !b)
  // CHECK: pto.tcolexpandexpdif ins(%x, %row : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 1x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trowexpandadd ins(%x, %col : !b, !b_col) outs(%d : !b)
  // CHECK: pto.trowexpandadd ins(%x, %col : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x1xf32, blayout=col_major>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trowexpandsub ins(%x, %block : !b, !b_block) outs(%d : !b)
  // CHECK: pto.trowexpandsub ins(%x, %block : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x8xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trowexpandmul ins(%x, %col, %tmp : !b, !b_col, !b) outs(%d : !b)
  // CHECK: pto.trowexpandmul ins(%x, %col, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x1xf32, blayout=col_major>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trowexpanddiv ins(%x, %col : !b, !b_col) outs(%d : !b)
  // CHECK: pto.trowexpanddiv ins(%x, %col : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x1xf32, blayout=col_major>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trowexpandmax ins(%x, %col : !b, !b_col) outs(%d : !b)
  // CHECK: pto.trowexpandmax ins(%x, %col : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x1xf32, blayout=col_major>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trowexpandmin ins(%x, %col : !b, !b_col) outs(%d : !b)
  // CHECK: pto.trowexpandmin ins(%x, %col : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x1xf32, blayout=col_major>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trowexpandexpdif ins(%x, %col, %tmp : !b, !b_col, !b) outs(%d : !b)
  // CHECK: pto.trowexpandexpdif ins(%x, %col, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x1xf32, blayout=col_major>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.texpands ins(%s : f32) outs(%d : !b)
  // CHECK: pto.texpands ins(%s : f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tci ins(%n : i32) outs(%i : !b_i32) {descending = false}
  // CHECK: pto.tci ins(%n : i32) outs(%i : !pto.tile_buf<vec, 1x64xi32>) {descending = false}
  pto.tci ins(%n, %i : i32, !b_i32) outs(%i : !b_i32)
  // CHECK: pto.tci ins(%n, %i : i32, !pto.tile_buf<vec, 1x64xi32>) outs(%i : !pto.tile_buf<vec, 1x64xi32>)
  pto.tci ins(%n {descending = true} : i32) outs(%i : !b_i32)
  // CHECK: pto.tci ins(%n : i32) outs(%i : !pto.tile_buf<vec, 1x64xi32>) {descending = true}
  func.return
}

func.func @value(%x: !t, %row: !t_row, %col: !t_col, %s: f32, %n: i32, %c: index) {
  %a = pto.tcolexpandmul ins(%x, %row : !t, !t_row) -> !t
  // CHECK: %a = pto.tcolexpandmul ins(%x, %row : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 1x64xf32>) -> !pto.tile<vec, 8x64xf32>
  %b = pto.trowexpandmul ins(%x, %col, %x : !t, !t_col, !t) -> !t
  // CHECK: %b = pto.trowexpandmul ins(%x, %col, %x : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x1xf32, blayout=col_major>, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  %fill = pto.texpands ins(%s : f32) -> !t
  // CHECK: %fill = pto.texpands ins(%s : f32) -> !pto.tile<vec, 8x64xf32>
  %iota = pto.tci ins(%n : i32) valid [%c] -> !t_i32 {descending = false}
  // CHECK: %iota = pto.tci ins(%n : i32) valid [%c] -> !pto.tile<vec, 1x64xi32, valid=1x?> {descending = false}
  func.return
}
