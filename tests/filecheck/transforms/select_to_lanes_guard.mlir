// The cube takes bf16, so halves are rounded before they are put together. When may a rewrite leave that out?
//
// RUN: dsv4-opt %s -p 'dsv4-select-to-lanes' 2> %t.exact | filecheck %s --check-prefixes=CHECK,EXACT
// RUN: filecheck %s --check-prefix=EXACT-REMARK < %t.exact
// RUN: dsv4-opt %s -p 'dsv4-select-to-lanes{guard=bf16-fallback}' 2> %t.fallback | filecheck %s --check-prefixes=CHECK,FALLBACK
// RUN: filecheck %s --check-prefix=FALLBACK-REMARK < %t.fallback
// RUN: dsv4-opt %s -p 'dsv4-select-to-lanes{guard=contract-rounding}' 2> %t.contract | filecheck %s --check-prefixes=CHECK,CONTRACT
// RUN: filecheck %s --check-prefix=CONTRACT-REMARK < %t.contract
// RUN: dsv4-opt %s -p 'dsv4-select-to-lanes{signed-zero=ignore}' 2> %t.ignore | filecheck %s --check-prefixes=CHECK,IGNORE
// RUN: filecheck %s --check-prefix=IGNORE-REMARK < %t.ignore

!wide = !pto.tile<mat, 16x32xbf16, blayout=col_major, slayout=row_major>
!narrow = !pto.tile<mat, 16x16xbf16, blayout=col_major, slayout=row_major>
!down = !pto.tile<mat, 32x16xbf16, blayout=col_major, slayout=row_major>
!left_wide = !pto.tile<left, 16x32xbf16, blayout=col_major, slayout=row_major>
!left_narrow = !pto.tile<left, 16x16xbf16, blayout=col_major, slayout=row_major>
!right_wide = !pto.tile<right, 16x32xbf16, slayout=col_major>
!right_down = !pto.tile<right, 32x16xbf16, slayout=col_major>
!acc_wide = !pto.tile<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
!acc_narrow = !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
!vec_wide = !pto.tile<vec, 16x32xf32>
!gm_wide = !pto.partition_tensor_view<16x32xbf16>
!gm_down = !pto.partition_tensor_view<32x16xbf16>
!gm_wide_f32 = !pto.partition_tensor_view<16x32xf32>
!gm_narrow_f32 = !pto.partition_tensor_view<16x16xf32>
!vec_narrow = !pto.tile<vec, 16x16xf32>
!vec_narrow_bf16 = !pto.tile<vec, 16x16xbf16>
!vec_wide_bf16 = !pto.tile<vec, 16x32xbf16>
!square = !pto.tile<mat, 32x32xbf16, blayout=col_major, slayout=row_major>
!right_square = !pto.tile<right, 32x32xbf16, slayout=col_major>
!gm_square = !pto.partition_tensor_view<32x32xbf16>

builtin.module attributes {pto.target_arch = "a5"} {
// The consumer is FP32 and sees every rounding.

// CHECK-LABEL: func.func @seen
// EXACT: pto.tcvt ins({{.*}} -> !pto.tile<vec, 16x16xbf16>
// FALLBACK: pto.tcvt ins({{.*}} -> !pto.tile<vec, 16x16xbf16>
// CONTRACT-NOT: xbf16>
// IGNORE: pto.tcvt ins({{.*}} -> !pto.tile<vec, 16x16xbf16>
// CHECK: pto.tadd
// CHECK: pto.tstore
// EXACT-REMARK: remark: 'pto.tmatmul.acc' -> two raw mask scatters merged by tadd; every stored lane is proved equal, given FIN(%eb), FIN(%ob)
// FALLBACK-REMARK: remark: 'pto.tmatmul.acc' -> two raw mask scatters merged by tadd; every stored lane is proved equal
// CONTRACT-REMARK: remark: 'pto.tmatmul.acc' -> two raw mask scatters merged by tadd; drops a rounding to bf16 that uses can see (contract-rounding): relative error of at most 2^-8 (normal numbers), half a unit in the last place of bf16, given FIN(%eb), FIN(%ob); saves 2 tcvt
// IGNORE-REMARK: remark: 'pto.tmatmul.acc' -> two raw mask scatters merged by tadd; every stored lane is proved equal, given

func.func @seen(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %odd_select_view = pto.make_tensor_view %odd_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_select_all = pto.partition_view %odd_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %ev = pto.tload ins(%e_all : !gm_narrow_f32) -> !vec_narrow
  %ov = pto.tload ins(%o_all : !gm_narrow_f32) -> !vec_narrow
  %eb = pto.tcvt ins(%ev {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %ob = pto.tcvt ins(%ov {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %em = pto.tmov ins(%eb : !vec_narrow_bf16) -> !narrow
  %om = pto.tmov ins(%ob : !vec_narrow_bf16) -> !narrow
  %esm = pto.tload ins(%even_select_all : !gm_wide) -> !wide
  %osm = pto.tload ins(%odd_select_all : !gm_wide) -> !wide
  %el = pto.tmov ins(%em : !narrow) -> !left_narrow
  %ol = pto.tmov ins(%om : !narrow) -> !left_narrow
  %esr = pto.tmov ins(%esm : !wide) -> !right_wide
  %osr = pto.tmov ins(%osm : !wide) -> !right_wide
  %s = pto.tmatmul ins(%el, %esr : !left_narrow, !right_wide) -> !acc_wide
  %b = pto.tmatmul.acc ins(%s, %ol, %osr : !acc_wide, !left_narrow, !right_wide) -> !acc_wide
  %bv = pto.tmov ins(%b : !acc_wide) -> !vec_wide
  pto.tstore ins(%bv : !vec_wide) outs(%y_all : !gm_wide_f32)
  func.return
}

// The consumer rounds again in the same mode, which absorbs the first rounding: but for a negative number so small that
// it rounds to -0, which the accumulator makes +0. That is for `signed-zero=ignore` to allow.

// CHECK-LABEL: func.func @absorbed
// EXACT: pto.tcvt ins({{.*}} -> !pto.tile<vec, 16x16xbf16>
// EXACT: pto.tadd
// FALLBACK: pto.tmatmul.acc
// CONTRACT-NOT: -> !pto.tile<vec, 16x16xbf16>
// CONTRACT: pto.tadd
// IGNORE-NOT: -> !pto.tile<vec, 16x16xbf16>
// IGNORE: pto.tadd
// CHECK: pto.tcvt ins({{.*}} -> !pto.tile<vec, 16x32xbf16>
// CHECK: pto.tstore
// EXACT-REMARK: remark: 'pto.tmatmul.acc' -> two raw mask scatters merged by tadd; every stored lane is proved equal, given FIN(%eb), FIN(%ob)
// FALLBACK-REMARK: remark: 'pto.tmatmul.acc' stays: guard bf16-fallback keeps the matmul re-interleave because 'pto.tcvt' rounds its result to bf16
// CONTRACT-REMARK: drops a rounding to bf16
// IGNORE-REMARK: every stored lane is proved equal up to the sign of a zero (signed-zero=ignore), every use rounds to bf16 again in the same mode, given FIN(%eb), FIN(%ob); saves 2 tcvt

func.func @absorbed(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}, %y: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %odd_select_view = pto.make_tensor_view %odd_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_select_all = pto.partition_view %odd_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %ev = pto.tload ins(%e_all : !gm_narrow_f32) -> !vec_narrow
  %ov = pto.tload ins(%o_all : !gm_narrow_f32) -> !vec_narrow
  %eb = pto.tcvt ins(%ev {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %ob = pto.tcvt ins(%ov {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %em = pto.tmov ins(%eb : !vec_narrow_bf16) -> !narrow
  %om = pto.tmov ins(%ob : !vec_narrow_bf16) -> !narrow
  %esm = pto.tload ins(%even_select_all : !gm_wide) -> !wide
  %osm = pto.tload ins(%odd_select_all : !gm_wide) -> !wide
  %el = pto.tmov ins(%em : !narrow) -> !left_narrow
  %ol = pto.tmov ins(%om : !narrow) -> !left_narrow
  %esr = pto.tmov ins(%esm : !wide) -> !right_wide
  %osr = pto.tmov ins(%osm : !wide) -> !right_wide
  %s = pto.tmatmul ins(%el, %esr : !left_narrow, !right_wide) -> !acc_wide
  %b = pto.tmatmul.acc ins(%s, %ol, %osr : !acc_wide, !left_narrow, !right_wide) -> !acc_wide
  %bv = pto.tmov ins(%b : !acc_wide) -> !vec_wide
  %r = pto.tcvt ins(%bv {rmode = #pto<round_mode RINT>} : !vec_wide) -> !vec_wide_bf16
  pto.tstore ins(%r : !vec_wide_bf16) outs(%y_all : !gm_wide)
  func.return
}

// The consumer is the cube, which sees no sign of a zero either.

// CHECK-LABEL: func.func @absorbed_by_the_cube
// EXACT-NOT: -> !pto.tile<vec, 16x16xbf16>
// FALLBACK: pto.tmatmul.acc
// CONTRACT-NOT: -> !pto.tile<vec, 16x16xbf16>
// IGNORE-NOT: -> !pto.tile<vec, 16x16xbf16>
// CHECK: pto.tmatmul
// CHECK: pto.tstore
// EXACT-REMARK: remark: 'pto.tmatmul.acc' -> two raw mask scatters merged by tadd; every stored lane is proved equal, every use rounds to bf16 again in the same mode, given FIN(%eb), FIN(%ob); saves 2 tcvt
// FALLBACK-REMARK: remark: 'pto.tmatmul.acc' stays: guard bf16-fallback
// CONTRACT-REMARK: every stored lane is proved equal, every use rounds to bf16 again in the same mode
// IGNORE-REMARK: every stored lane is proved equal, every use rounds to bf16 again in the same mode

func.func @absorbed_by_the_cube(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %odd_select_view = pto.make_tensor_view %odd_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_select_all = pto.partition_view %odd_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %w_view = pto.make_tensor_view %w, shape = [%c32, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c32, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %ev = pto.tload ins(%e_all : !gm_narrow_f32) -> !vec_narrow
  %ov = pto.tload ins(%o_all : !gm_narrow_f32) -> !vec_narrow
  %eb = pto.tcvt ins(%ev {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %ob = pto.tcvt ins(%ov {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %em = pto.tmov ins(%eb : !vec_narrow_bf16) -> !narrow
  %om = pto.tmov ins(%ob : !vec_narrow_bf16) -> !narrow
  %esm = pto.tload ins(%even_select_all : !gm_wide) -> !wide
  %osm = pto.tload ins(%odd_select_all : !gm_wide) -> !wide
  %el = pto.tmov ins(%em : !narrow) -> !left_narrow
  %ol = pto.tmov ins(%om : !narrow) -> !left_narrow
  %esr = pto.tmov ins(%esm : !wide) -> !right_wide
  %osr = pto.tmov ins(%osm : !wide) -> !right_wide
  %s = pto.tmatmul ins(%el, %esr : !left_narrow, !right_wide) -> !acc_wide
  %b = pto.tmatmul.acc ins(%s, %ol, %osr : !acc_wide, !left_narrow, !right_wide) -> !acc_wide
  %bv = pto.tmov ins(%b : !acc_wide) -> !vec_wide
  %r = pto.tcvt ins(%bv {rmode = #pto<round_mode RINT>} : !vec_wide) -> !vec_wide_bf16
  %rm = pto.tmov ins(%r : !vec_wide_bf16) -> !wide
  %wm = pto.tload ins(%w_all : !gm_square) -> !square
  %rl = pto.tmov ins(%rm : !wide) -> !left_wide
  %wr = pto.tmov ins(%wm : !square) -> !right_square
  %p = pto.tmatmul ins(%rl, %wr : !left_wide, !right_square) -> !acc_wide
  pto.tstore ins(%p : !acc_wide) outs(%y_all : !gm_wide_f32)
  func.return
}

// The consumer rounds in another mode, so it sees ties: the first rounding stays.

// CHECK-LABEL: func.func @other_mode
// EXACT: pto.tcvt ins({{.*}} -> !pto.tile<vec, 16x16xbf16>
// EXACT: pto.tadd
// FALLBACK: pto.tmatmul.acc
// CONTRACT-NOT: -> !pto.tile<vec, 16x16xbf16>
// IGNORE: pto.tcvt ins({{.*}} -> !pto.tile<vec, 16x16xbf16>
// CHECK: pto.tcvt ins({{.*}} {rmode = #pto<round_mode ROUND>} {{.*}} -> !pto.tile<vec, 16x32xbf16>
// EXACT-REMARK: every stored lane is proved equal, given FIN(%eb), FIN(%ob)
// FALLBACK-REMARK: remark: 'pto.tmatmul.acc' stays: guard bf16-fallback
// CONTRACT-REMARK: drops a rounding to bf16
// IGNORE-REMARK: every stored lane is proved equal, given FIN(%eb), FIN(%ob)

func.func @other_mode(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}, %y: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %odd_select_view = pto.make_tensor_view %odd_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_select_all = pto.partition_view %odd_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %ev = pto.tload ins(%e_all : !gm_narrow_f32) -> !vec_narrow
  %ov = pto.tload ins(%o_all : !gm_narrow_f32) -> !vec_narrow
  %eb = pto.tcvt ins(%ev {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %ob = pto.tcvt ins(%ov {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %em = pto.tmov ins(%eb : !vec_narrow_bf16) -> !narrow
  %om = pto.tmov ins(%ob : !vec_narrow_bf16) -> !narrow
  %esm = pto.tload ins(%even_select_all : !gm_wide) -> !wide
  %osm = pto.tload ins(%odd_select_all : !gm_wide) -> !wide
  %el = pto.tmov ins(%em : !narrow) -> !left_narrow
  %ol = pto.tmov ins(%om : !narrow) -> !left_narrow
  %esr = pto.tmov ins(%esm : !wide) -> !right_wide
  %osr = pto.tmov ins(%osm : !wide) -> !right_wide
  %s = pto.tmatmul ins(%el, %esr : !left_narrow, !right_wide) -> !acc_wide
  %b = pto.tmatmul.acc ins(%s, %ol, %osr : !acc_wide, !left_narrow, !right_wide) -> !acc_wide
  %bv = pto.tmov ins(%b : !acc_wide) -> !vec_wide
  %r = pto.tcvt ins(%bv {rmode = #pto<round_mode ROUND>} : !vec_wide) -> !vec_wide_bf16
  pto.tstore ins(%r : !vec_wide_bf16) outs(%y_all : !gm_wide)
  func.return
}

// Arithmetic lies between the two roundings: not absorbed, and no consumer that rounds for `bf16-fallback`.

// CHECK-LABEL: func.func @arithmetic_between
// EXACT: pto.tcvt ins({{.*}} -> !pto.tile<vec, 16x16xbf16>
// FALLBACK-NOT: pto.tmatmul
// CONTRACT-NOT: -> !pto.tile<vec, 16x16xbf16>
// IGNORE: pto.tcvt ins({{.*}} -> !pto.tile<vec, 16x16xbf16>
// CHECK: pto.tmul
// EXACT-REMARK: every stored lane is proved equal, given FIN(%eb), FIN(%ob)
// FALLBACK-REMARK: every stored lane is proved equal, given FIN(%eb), FIN(%ob)
// CONTRACT-REMARK: drops a rounding to bf16
// IGNORE-REMARK: every stored lane is proved equal, given FIN(%eb), FIN(%ob)

func.func @arithmetic_between(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}, %y: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %odd_select_view = pto.make_tensor_view %odd_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_select_all = pto.partition_view %odd_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %ev = pto.tload ins(%e_all : !gm_narrow_f32) -> !vec_narrow
  %ov = pto.tload ins(%o_all : !gm_narrow_f32) -> !vec_narrow
  %eb = pto.tcvt ins(%ev {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %ob = pto.tcvt ins(%ov {rmode = #pto<round_mode RINT>} : !vec_narrow) -> !vec_narrow_bf16
  %em = pto.tmov ins(%eb : !vec_narrow_bf16) -> !narrow
  %om = pto.tmov ins(%ob : !vec_narrow_bf16) -> !narrow
  %esm = pto.tload ins(%even_select_all : !gm_wide) -> !wide
  %osm = pto.tload ins(%odd_select_all : !gm_wide) -> !wide
  %el = pto.tmov ins(%em : !narrow) -> !left_narrow
  %ol = pto.tmov ins(%om : !narrow) -> !left_narrow
  %esr = pto.tmov ins(%esm : !wide) -> !right_wide
  %osr = pto.tmov ins(%osm : !wide) -> !right_wide
  %s = pto.tmatmul ins(%el, %esr : !left_narrow, !right_wide) -> !acc_wide
  %b = pto.tmatmul.acc ins(%s, %ol, %osr : !acc_wide, !left_narrow, !right_wide) -> !acc_wide
  %bv = pto.tmov ins(%b : !acc_wide) -> !vec_wide
  %q = pto.tmul ins(%bv, %bv : !vec_wide, !vec_wide) -> !vec_wide
  %r = pto.tcvt ins(%q {rmode = #pto<round_mode RINT>} : !vec_wide) -> !vec_wide_bf16
  pto.tstore ins(%r : !vec_wide_bf16) outs(%y_all : !gm_wide)
  func.return
}

// The de-interleave is rewritten under every guard: no rounding is dropped there.

// CHECK-LABEL: func.func @deinterleave
// CHECK-NOT: pto.tmatmul
// CHECK: pto.tgather
// EXACT-REMARK: remark: 'pto.tmatmul' -> mask gather P0101
// FALLBACK-REMARK: remark: 'pto.tmatmul' -> mask gather P0101
// CONTRACT-REMARK: remark: 'pto.tmatmul' -> mask gather P0101 + 0; every stored lane is proved equal
// IGNORE-REMARK: remark: 'pto.tmatmul' -> mask gather P0101; every stored lane is proved equal up to the sign of a zero (signed-zero=ignore)

func.func @deinterleave(%x: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x16xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %xm = pto.tload ins(%x_all : !gm_wide) -> !wide
  %sm = pto.tload ins(%even_select_all : !gm_down) -> !down
  %xl = pto.tmov ins(%xm : !wide) -> !left_wide
  %sr = pto.tmov ins(%sm : !down) -> !right_down
  %e = pto.tmatmul ins(%xl, %sr : !left_wide, !right_down) -> !acc_narrow
  pto.tstore ins(%e : !acc_narrow) outs(%y_all : !gm_narrow_f32)
  func.return
}

}
