// A fact written in the text is checked when it is used.
//
// RUN: not dsv4-opt %s -p dsv4-select-to-lanes 2>&1 | filecheck %s
// CHECK: bind_facts_in_text.mlir:7:1: error: 'dsv4.selector even' cannot hold for 'w': expected a selector to have twice as many rows as columns or the reverse, found 16x16
// CHECK-NOT: {{.}}

func.func @kernel(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<f32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %xm = pto.tload ins(%x_all : !pto.partition_tensor_view<16x16xbf16>) -> !pto.tile<mat, 16x16xbf16, blayout=col_major, slayout=row_major>
  %wm = pto.tload ins(%w_all : !pto.partition_tensor_view<16x16xbf16>) -> !pto.tile<mat, 16x16xbf16, blayout=col_major, slayout=row_major>
  %xl = pto.tmov ins(%xm : !pto.tile<mat, 16x16xbf16, blayout=col_major, slayout=row_major>) -> !pto.tile<left, 16x16xbf16, blayout=col_major, slayout=row_major>
  %wr = pto.tmov ins(%wm : !pto.tile<mat, 16x16xbf16, blayout=col_major, slayout=row_major>) -> !pto.tile<right, 16x16xbf16, slayout=col_major>
  %p = pto.tmatmul ins(%xl, %wr : !pto.tile<left, 16x16xbf16, blayout=col_major, slayout=row_major>, !pto.tile<right, 16x16xbf16, slayout=col_major>) -> !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
  pto.tstore ins(%p : !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>) outs(%y_all : !pto.partition_tensor_view<16x16xf32>)
  func.return
}
