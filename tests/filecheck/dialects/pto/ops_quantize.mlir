// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 32x32xf32>
!b_col = !pto.tile_buf<vec, 32x1xf32, blayout=col_major>
!b_i8 = !pto.tile_buf<vec, 32x32xi8>
!b_ui8 = !pto.tile_buf<vec, 32x32xui8>
!t = !pto.tile<vec, 32x32xf32>
!t_col = !pto.tile<vec, 32x1xf32, blayout=col_major>
!t_i8 = !pto.tile<vec, 32x32xi8>
!t_ui8 = !pto.tile<vec, 32x32xui8>

func.func @buffer(%x: !b, %scale: !b_col, %offset: !b_col, %tmp: !b, %s: !b_i8, %u: !b_ui8) {
  pto.tquant ins(%x, %scale : !b, !b_col) outs(%s : !b_i8) {quant_type = #pto<quant_type INT8_SYM>}
  // CHECK: pto.tquant ins(%x, %scale : !pto.tile_buf<vec, 32x32xf32>, !pto.tile_buf<vec, 32x1xf32, blayout=col_major>) outs(%s : !pto.tile_buf<vec, 32x32xi8>) {quant_type = #pto<quant_type INT8_SYM>}
  pto.tquant ins(%x, %scale : !b, !b_col) outs(%s, %tmp : !b_i8, !b) {quant_type = #pto<quant_type INT8_SYM>}
  // CHECK: pto.tquant ins(%x, %scale : !pto.tile_buf<vec, 32x32xf32>, !pto.tile_buf<vec, 32x1xf32, blayout=col_major>) outs(%s, %tmp : !pto.tile_buf<vec, 32x32xi8>, !pto.tile_buf<vec, 32x32xf32>) {quant_type = #pto<quant_type INT8_SYM>}
  pto.tquant ins(%x, %scale, %offset : !b, !b_col, !b_col) outs(%u : !b_ui8) {quant_type = #pto<quant_type INT8_ASYM>}
  // CHECK: pto.tquant ins(%x, %scale, %offset : !pto.tile_buf<vec, 32x32xf32>, !pto.tile_buf<vec, 32x1xf32, blayout=col_major>, !pto.tile_buf<vec, 32x1xf32, blayout=col_major>) outs(%u : !pto.tile_buf<vec, 32x32xui8>) {quant_type = #pto<quant_type INT8_ASYM>}
  pto.tquant ins(%x, %scale, %offset : !b, !b_col, !b_col) outs(%u, %tmp : !b_ui8, !b) {quant_type = #pto<quant_type INT8_ASYM>}
  // CHECK: pto.tquant ins(%x, %scale, %offset : !pto.tile_buf<vec, 32x32xf32>, !pto.tile_buf<vec, 32x1xf32, blayout=col_major>, !pto.tile_buf<vec, 32x1xf32, blayout=col_major>) outs(%u, %tmp : !pto.tile_buf<vec, 32x32xui8>, !pto.tile_buf<vec, 32x32xf32>) {quant_type = #pto<quant_type INT8_ASYM>}
  pto.tdequant ins(%s, %scale, %offset : !b_i8, !b_col, !b_col) outs(%x : !b)
  // CHECK: pto.tdequant ins(%s, %scale, %offset : !pto.tile_buf<vec, 32x32xi8>, !pto.tile_buf<vec, 32x1xf32, blayout=col_major>, !pto.tile_buf<vec, 32x1xf32, blayout=col_major>) outs(%x : !pto.tile_buf<vec, 32x32xf32>)
  func.return
}

func.func @value(%x: !t, %scale: !t_col, %offset: !t_col, %tmp: !t) {
  %s = pto.tquant ins(%x, %scale, %tmp : !t, !t_col, !t) -> !t_i8 {quant_type = #pto<quant_type INT8_SYM>}
  // CHECK: %s = pto.tquant ins(%x, %scale, %tmp : !pto.tile<vec, 32x32xf32>, !pto.tile<vec, 32x1xf32, blayout=col_major>, !pto.tile<vec, 32x32xf32>) -> !pto.tile<vec, 32x32xi8> {quant_type = #pto<quant_type INT8_SYM>}
  %u = pto.tquant ins(%x, %scale, %offset, %tmp : !t, !t_col, !t_col, !t) -> !t_ui8 {quant_type = #pto<quant_type INT8_ASYM>}
  // CHECK: %u = pto.tquant ins(%x, %scale, %offset, %tmp : !pto.tile<vec, 32x32xf32>, !pto.tile<vec, 32x1xf32, blayout=col_major>, !pto.tile<vec, 32x1xf32, blayout=col_major>, !pto.tile<vec, 32x32xf32>) -> !pto.tile<vec, 32x32xui8> {quant_type = #pto<quant_type INT8_ASYM>}
  %back = pto.tdequant ins(%s, %scale, %offset : !t_i8, !t_col, !t_col) -> !t
  // CHECK: %back = pto.tdequant ins(%s, %scale, %offset : !pto.tile<vec, 32x32xi8>, !pto.tile<vec, 32x1xf32, blayout=col_major>, !pto.tile<vec, 32x1xf32, blayout=col_major>) -> !pto.tile<vec, 32x32xf32>
  func.return
}

builtin.module attributes {pto.target_arch = "a5"} {
  func.func @groups(%x: !pto.tile_buf<vec, 32x64xf32>, %q: !pto.tile_buf<vec, 32x64xf8E4M3FN>, %e: !pto.tile_buf<vec, 1x64x!pto.f8E8M0>, %m: !pto.tile_buf<vec, 1x64xf32>, %left: !pto.tile_buf<left, 128x128xf8E4M3FN, blayout=col_major, slayout=row_major>, %scaling: !pto.tile_buf<scaling, 128x4x!pto.f8E8M0, slayout=row_major, fractal=32>) {
    pto.tquant.mx ins(%x : !pto.tile_buf<vec, 32x64xf32>) outs(%q, %e, %m, %m : !pto.tile_buf<vec, 32x64xf8E4M3FN>, !pto.tile_buf<vec, 1x64x!pto.f8E8M0>, !pto.tile_buf<vec, 1x64xf32>, !pto.tile_buf<vec, 1x64xf32>) {quant_type = #pto<quant_type MXFP8>}
    // CHECK: pto.tquant.mx ins(%x : !pto.tile_buf<vec, 32x64xf32>) outs(%q, %e, %m, %m : !pto.tile_buf<vec, 32x64xf8E4M3FN>, !pto.tile_buf<vec, 1x64x!pto.f8E8M0>, !pto.tile_buf<vec, 1x64xf32>, !pto.tile_buf<vec, 1x64xf32>) {quant_type = #pto<quant_type MXFP8>}
    pto.tget_scale_addr ins(%left : !pto.tile_buf<left, 128x128xf8E4M3FN, blayout=col_major, slayout=row_major>) outs(%scaling : !pto.tile_buf<scaling, 128x4x!pto.f8E8M0, slayout=row_major, fractal=32>)
    // CHECK: pto.tget_scale_addr ins(%left : !pto.tile_buf<left, 128x128xf8E4M3FN, blayout=col_major, slayout=row_major>) outs(%scaling : !pto.tile_buf<scaling, 128x4x!pto.f8E8M0, slayout=row_major, fractal=32>)
    func.return
  }
  func.func @group_values(%x: !pto.tile<vec, 32x64xf32>) {
    %q, %e, %m, %s = pto.tquant.mx ins(%x : !pto.tile<vec, 32x64xf32>) -> !pto.tile<vec, 32x64xf8E4M3FN>, !pto.tile<vec, 1x64x!pto.f8E8M0>, !pto.tile<vec, 1x64xf32>, !pto.tile<vec, 1x64xf32> {quant_type = #pto<quant_type MXFP8>, grpAxis = #pto<mx_group_axis axis1>}
    // CHECK: %q, %e, %m, %s = pto.tquant.mx ins(%x : !pto.tile<vec, 32x64xf32>) -> !pto.tile<vec, 32x64xf8E4M3FN>, !pto.tile<vec, 1x64x!pto.f8E8M0>, !pto.tile<vec, 1x64xf32>, !pto.tile<vec, 1x64xf32> {quant_type = #pto<quant_type MXFP8>, grpAxis = #pto<mx_group_axis axis1>}
    func.return
  }
}
