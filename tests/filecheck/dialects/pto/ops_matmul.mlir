// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!left = !pto.tile_buf<left, 16x64xbf16, slayout=row_major>
!right = !pto.tile_buf<right, 64x32xbf16, slayout=col_major>
!acc = !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
!bias = !pto.tile_buf<bias, 1x32xf32>
!left_1 = !pto.tile_buf<left, 1x64xbf16, slayout=row_major>
!acc_1 = !pto.tile_buf<acc, 16x32xf32, valid=1x32, blayout=col_major, slayout=row_major, fractal=1024>
!t_left = !pto.tile<left, 16x64xbf16, slayout=row_major>
!t_right = !pto.tile<right, 64x32xbf16, slayout=col_major>
!t_acc = !pto.tile<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>

func.func @buffer(%a: !left, %b: !right, %c: !acc, %v: !left_1, %r: !acc_1, %bias: !bias) {
  pto.tmatmul ins(%a, %b : !left, !right) outs(%c : !acc)
  // CHECK: pto.tmatmul ins(%a, %b : !pto.tile_buf<left, 16x64xbf16, slayout=row_major>, !pto.tile_buf<right, 64x32xbf16, slayout=col_major>) outs(%c : !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>)
  pto.tmatmul ins(%a, %b : !left, !right) outs(%c : !acc) {accPhase = #pto<acc_phase final>}
  // CHECK: pto.tmatmul ins(%a, %b : !pto.tile_buf<left, 16x64xbf16, slayout=row_major>, !pto.tile_buf<right, 64x32xbf16, slayout=col_major>) outs(%c : !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>) {accPhase = #pto<acc_phase final>}
  pto.tmatmul.acc ins(%c, %a, %b : !acc, !left, !right) outs(%c : !acc)
  // CHECK: pto.tmatmul.acc ins(%c, %a, %b : !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>, !pto.tile_buf<left, 16x64xbf16, slayout=row_major>, !pto.tile_buf<right, 64x32xbf16, slayout=col_major>) outs(%c : !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>)
  pto.tmatmul.bias ins(%a, %b, %bias : !left, !right, !bias) outs(%c : !acc)
  // CHECK: pto.tmatmul.bias ins(%a, %b, %bias : !pto.tile_buf<left, 16x64xbf16, slayout=row_major>, !pto.tile_buf<right, 64x32xbf16, slayout=col_major>, !pto.tile_buf<bias, 1x32xf32>) outs(%c : !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>)
  pto.tgemv ins(%v, %b : !left_1, !right) outs(%r : !acc_1)
  // CHECK: pto.tgemv ins(%v, %b : !pto.tile_buf<left, 1x64xbf16, slayout=row_major>, !pto.tile_buf<right, 64x32xbf16, slayout=col_major>) outs(%r : !pto.tile_buf<acc, 16x32xf32, valid=1x32, blayout=col_major, slayout=row_major, fractal=1024>)
  pto.tgemv.acc ins(%r, %v, %b : !acc_1, !left_1, !right) outs(%r : !acc_1)
  // CHECK: pto.tgemv.acc ins(%r, %v, %b : !pto.tile_buf<acc, 16x32xf32, valid=1x32, blayout=col_major, slayout=row_major, fractal=1024>, !pto.tile_buf<left, 1x64xbf16, slayout=row_major>, !pto.tile_buf<right, 64x32xbf16, slayout=col_major>) outs(%r : !pto.tile_buf<acc, 16x32xf32, valid=1x32, blayout=col_major, slayout=row_major, fractal=1024>)
  pto.tgemv.bias ins(%v, %b, %bias : !left_1, !right, !bias) outs(%r : !acc_1)
  // CHECK: pto.tgemv.bias ins(%v, %b, %bias : !pto.tile_buf<left, 1x64xbf16, slayout=row_major>, !pto.tile_buf<right, 64x32xbf16, slayout=col_major>, !pto.tile_buf<bias, 1x32xf32>) outs(%r : !pto.tile_buf<acc, 16x32xf32, valid=1x32, blayout=col_major, slayout=row_major, fractal=1024>)
  func.return
}

func.func @value(%a: !t_left, %b: !t_right) {
  %c = pto.tmatmul ins(%a, %b : !t_left, !t_right) -> !t_acc
  // CHECK: %c = pto.tmatmul ins(%a, %b : !pto.tile<left, 16x64xbf16, slayout=row_major>, !pto.tile<right, 64x32xbf16, slayout=col_major>) -> !pto.tile<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
  %d = pto.tmatmul.acc ins(%c, %a, %b : !t_acc, !t_left, !t_right) -> !t_acc
  // CHECK: %d = pto.tmatmul.acc ins(%c, %a, %b : !pto.tile<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>, !pto.tile<left, 16x64xbf16, slayout=row_major>, !pto.tile<right, 64x32xbf16, slayout=col_major>) -> !pto.tile<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
  func.return
}

!mx_left = !pto.tile_buf<left, 16x64xf8E4M3FN, blayout=col_major, slayout=row_major>
!mx_right = !pto.tile_buf<right, 64x32xf8E5M2, slayout=col_major>
!mx_a = !pto.tile_buf<scaling, 16x2x!pto.f8E8M0, slayout=row_major, fractal=32>
!mx_b = !pto.tile_buf<scaling, 2x32x!pto.f8E8M0, blayout=col_major, slayout=col_major, fractal=32>
builtin.module attributes {pto.target_arch = "a5"} {
  func.func @groups(%a: !mx_left, %as: !mx_a, %b: !mx_right, %bs: !mx_b, %c: !acc, %bias: !bias) {
    pto.tmatmul.mx ins(%a, %as, %b, %bs : !mx_left, !mx_a, !mx_right, !mx_b) outs(%c : !acc)
    // CHECK: pto.tmatmul.mx ins(%a, %as, %b, %bs : !pto.tile_buf<left, 16x64xf8E4M3FN, blayout=col_major, slayout=row_major>, !pto.tile_buf<scaling, 16x2x!pto.f8E8M0, slayout=row_major, fractal=32>, !pto.tile_buf<right, 64x32xf8E5M2, slayout=col_major>, !pto.tile_buf<scaling, 2x32x!pto.f8E8M0, blayout=col_major, slayout=col_major, fractal=32>) outs(%c : !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>)
    pto.tmatmul.mx.acc ins(%c, %a, %as, %b, %bs : !acc, !mx_left, !mx_a, !mx_right, !mx_b) outs(%c : !acc)
    // CHECK: pto.tmatmul.mx.acc ins(%c, %a, %as, %b, %bs : !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>, !pto.tile_buf<left, 16x64xf8E4M3FN, blayout=col_major, slayout=row_major>, !pto.tile_buf<scaling, 16x2x!pto.f8E8M0, slayout=row_major, fractal=32>, !pto.tile_buf<right, 64x32xf8E5M2, slayout=col_major>, !pto.tile_buf<scaling, 2x32x!pto.f8E8M0, blayout=col_major, slayout=col_major, fractal=32>) outs(%c : !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>)
    pto.tmatmul.mx.bias ins(%a, %as, %b, %bs, %bias : !mx_left, !mx_a, !mx_right, !mx_b, !bias) outs(%c : !acc)
    // CHECK: pto.tmatmul.mx.bias ins(%a, %as, %b, %bs, %bias : !pto.tile_buf<left, 16x64xf8E4M3FN, blayout=col_major, slayout=row_major>, !pto.tile_buf<scaling, 16x2x!pto.f8E8M0, slayout=row_major, fractal=32>, !pto.tile_buf<right, 64x32xf8E5M2, slayout=col_major>, !pto.tile_buf<scaling, 2x32x!pto.f8E8M0, blayout=col_major, slayout=col_major, fractal=32>, !pto.tile_buf<bias, 1x32xf32>) outs(%c : !pto.tile_buf<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>)
    func.return
  }
}
