// RUN: dsv4-opt %s --remarks -p dsv4-select-to-lanes 2> %t | filecheck %s
// RUN: filecheck %s --check-prefix=REMARK < %t

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
!gm_narrow = !pto.partition_tensor_view<16x16xbf16>
!gm_down = !pto.partition_tensor_view<32x16xbf16>
!gm_wide_f32 = !pto.partition_tensor_view<16x32xf32>
!gm_narrow_f32 = !pto.partition_tensor_view<16x16xf32>

// A product with a selector is a mask gather. The accumulator starts at +0, so it never holds a -0: neither does the
// sum with +0. `FIN`: a product with 0 is 0 only of finite numbers.

// CHECK-LABEL: func.func @deinterleave
// CHECK-SAME: pto.kernel_kind<vector>
// CHECK-NOT: even_select_view
// CHECK: %xm = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<vec, 16x32xbf16>
// CHECK: [[X:%.+]] = pto.tcvt ins(%xm {{.*}} -> !pto.tile<vec, 16x32xf32>
// CHECK: [[EVEN:%.+]] = pto.tgather ins([[X]], {maskPattern = #pto.mask_pattern<P0101>} {{.*}}"row") -> !pto.tile<vec, 16x16xf32>
// CHECK: [[ZERO:%.+]] = arith.constant 0.000000e+00 : f32
// CHECK: [[SUM:%.+]] = pto.tadds ins([[EVEN]], [[ZERO]] : {{.*}}) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: pto.tstore ins([[SUM]] : {{.*}}) outs(%y_all
// CHECK-NEXT: return
// REMARK: :[[#]]:3: remark: 'pto.tmatmul' -> mask gather P0101 + 0; every stored lane is proved equal, given FIN(%xm); saves 1 tload, 1 tmatmul, 2 tmov; 1024 bytes less loaded from GM; adds 1 tadds, 1 tcvt, 1 tgather (mask)
// REMARK-NEXT: remark: 'deinterleave' is a vector kernel now: launch it on vector cores

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

// The same matrix transposed by a column-major view; a store that rounds to bf16 becomes a conversion.

// CHECK-LABEL: func.func @deinterleave_transposed
// CHECK: pto.tgather ins({{.*}} {maskPattern = #pto.mask_pattern<P1010>}
// CHECK: [[ROUNDED:%.+]] = pto.tcvt ins({{.*}} {rmode = #pto<round_mode RINT>} : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xbf16>
// CHECK: pto.tstore ins([[ROUNDED]]
// REMARK: remark: 'pto.tmatmul' -> mask gather P1010 + 0; every stored lane is proved equal

func.func @deinterleave_transposed(%x: !pto.ptr<bf16>, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}, %y: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %odd_select_view = pto.make_tensor_view %odd_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_select_dn_view = pto.make_tensor_view %odd_select, shape = [%c32, %c16], strides = [%c1, %c32] {layout = #pto.layout<dn>} : !pto.tensor_view<?x?xbf16>
  %odd_t = pto.partition_view %odd_select_dn_view, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x16xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %xm = pto.tload ins(%x_all : !gm_wide) -> !wide
  %sm = pto.tload ins(%odd_t : !gm_down) -> !down
  %xl = pto.tmov ins(%xm : !wide) -> !left_wide
  %sr = pto.tmov ins(%sm : !down) -> !right_down
  %e = pto.tmatmul ins(%xl, %sr : !left_wide, !right_down) -> !acc_narrow
  pto.tstore ins(%e : !acc_narrow) outs(%y_all : !gm_narrow)
  func.return
}

// In chunks of K: the sum is the lanes of the whole.

// CHECK-LABEL: func.func @deinterleave_in_chunks
// CHECK-NOT: pto.tmatmul
// CHECK: pto.tgather ins({{.*}} {maskPattern = #pto.mask_pattern<P0101>}
// CHECK-NOT: pto.tgather
// CHECK: pto.tstore
// REMARK: remark: 'pto.tmatmul.acc' -> mask gather P0101 + 0; every stored lane is proved equal, given FIN(%xm); saves 4 textract, 1 tload, 1 tmatmul, 1 tmatmul.acc

func.func @deinterleave_in_chunks(%x: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
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
  %x0 = pto.textract ins(%xm, %c0, %c0 : !wide, index, index) -> !left_narrow
  %s0 = pto.textract ins(%sm, %c0, %c0 : !down, index, index) -> !pto.tile<right, 16x16xbf16, slayout=col_major>
  %x1 = pto.textract ins(%xm, %c0, %c16 : !wide, index, index) -> !left_narrow
  %s1 = pto.textract ins(%sm, %c16, %c0 : !down, index, index) -> !pto.tile<right, 16x16xbf16, slayout=col_major>
  %e0 = pto.tmatmul ins(%x0, %s0 : !left_narrow, !pto.tile<right, 16x16xbf16, slayout=col_major>) -> !acc_narrow
  %e1 = pto.tmatmul.acc ins(%e0, %x1, %s1 : !acc_narrow, !left_narrow, !pto.tile<right, 16x16xbf16, slayout=col_major>) -> !acc_narrow
  pto.tstore ins(%e1 : !acc_narrow) outs(%y_all : !gm_narrow_f32)
  func.return
}

// In a loop of unknown length.

// CHECK-LABEL: func.func @in_a_loop
// CHECK: scf.for
// CHECK: pto.tgather ins({{.*}} {maskPattern = #pto.mask_pattern<P0101>}
// CHECK: pto.tstore
// CHECK: }
// REMARK: remark: 'pto.tmatmul' -> mask gather P0101 + 0; every stored lane is proved equal

func.func @in_a_loop(%x: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<f32>, %n: index) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %c128 = arith.constant 128 : index
  %x_view = pto.make_tensor_view %x, shape = [%c128, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c128, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<128x32xbf16>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x16xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c128, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c128, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<128x16xf32>
  %sm = pto.tload ins(%even_select_all : !gm_down) -> !down
  %sr = pto.tmov ins(%sm : !down) -> !right_down
  scf.for %i = %c0 to %n step %c1 {
    %row = arith.muli %i, %c16 : index
    %xp = pto.partition_view %x_view, offsets = [%row, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !gm_wide
    %yp = pto.partition_view %y_view, offsets = [%row, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_narrow_f32
    %xm = pto.tload ins(%xp : !gm_wide) -> !wide
    %xl = pto.tmov ins(%xm : !wide) -> !left_wide
    %e = pto.tmatmul ins(%xl, %sr : !left_wide, !right_down) -> !acc_narrow
    pto.tstore ins(%e : !acc_narrow) outs(%yp : !gm_narrow_f32)
  }
  func.return
}

// Halves put together by an accumulating product: two raw mask scatters into two tiles, and a sum that loses a -0 as
// the accumulator does.

// CHECK-LABEL: func.func @interleave
// CHECK-NOT: pto.tmatmul
// CHECK: [[EVEN:%.+]] = pto.tscatter ins({{.*}}, {maskPattern = #pto.mask_pattern<P0101>} {{.*}}"row") -> !pto.tile<vec, 16x32xf32>
// CHECK: [[ODD:%.+]] = pto.tscatter ins({{.*}}, {maskPattern = #pto.mask_pattern<P1010>} {{.*}}"row") -> !pto.tile<vec, 16x32xf32>
// CHECK: [[BOTH:%.+]] = pto.tadd ins([[EVEN]], [[ODD]] : {{.*}}) -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: pto.tstore ins([[BOTH]]
// REMARK: remark: 'pto.tmatmul.acc' -> two raw mask scatters merged by tadd; every stored lane is proved equal, given FIN(%em), FIN(%om); saves 2 tload, 1 tmatmul, 1 tmatmul.acc, 4 tmov; 2048 bytes less loaded from GM; adds 1 tadd, 2 tcvt, 2 tscatter (mask)

func.func @interleave(%e: !pto.ptr<bf16>, %o: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %odd_select_view = pto.make_tensor_view %odd_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_select_all = pto.partition_view %odd_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %em = pto.tload ins(%e_all : !gm_narrow) -> !narrow
  %om = pto.tload ins(%o_all : !gm_narrow) -> !narrow
  %esm = pto.tload ins(%even_select_all : !gm_wide) -> !wide
  %osm = pto.tload ins(%odd_select_all : !gm_wide) -> !wide
  %el = pto.tmov ins(%em : !narrow) -> !left_narrow
  %ol = pto.tmov ins(%om : !narrow) -> !left_narrow
  %esr = pto.tmov ins(%esm : !wide) -> !right_wide
  %osr = pto.tmov ins(%osm : !wide) -> !right_wide
  %s = pto.tmatmul ins(%el, %esr : !left_narrow, !right_wide) -> !acc_wide
  %b = pto.tmatmul.acc ins(%s, %ol, %osr : !acc_wide, !left_narrow, !right_wide) -> !acc_wide
  pto.tstore ins(%b : !acc_wide) outs(%y_all : !gm_wide_f32)
  func.return
}

// The same by two products and a sum in vector memory.

// CHECK-LABEL: func.func @interleave_by_sum
// CHECK-NOT: pto.tmatmul
// CHECK: pto.tadd
// CHECK-NOT: pto.tadd
// CHECK: pto.tstore
// REMARK: remark: 'pto.tadd' -> two raw mask scatters merged by tadd; every stored lane is proved equal, given FIN(%em), FIN(%om)

func.func @interleave_by_sum(%e: !pto.ptr<bf16>, %o: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %odd_select_view = pto.make_tensor_view %odd_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_select_all = pto.partition_view %odd_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %em = pto.tload ins(%e_all : !gm_narrow) -> !narrow
  %om = pto.tload ins(%o_all : !gm_narrow) -> !narrow
  %esm = pto.tload ins(%even_select_all : !gm_wide) -> !wide
  %osm = pto.tload ins(%odd_select_all : !gm_wide) -> !wide
  %el = pto.tmov ins(%em : !narrow) -> !left_narrow
  %ol = pto.tmov ins(%om : !narrow) -> !left_narrow
  %esr = pto.tmov ins(%esm : !wide) -> !right_wide
  %osr = pto.tmov ins(%osm : !wide) -> !right_wide
  %s = pto.tmatmul ins(%el, %esr : !left_narrow, !right_wide) -> !acc_wide
  %t = pto.tmatmul ins(%ol, %osr : !left_narrow, !right_wide) -> !acc_wide
  %sv = pto.tmov ins(%s : !acc_wide) -> !vec_wide
  %tv = pto.tmov ins(%t : !acc_wide) -> !vec_wide
  %b = pto.tadd ins(%sv, %tv : !vec_wide, !vec_wide) -> !vec_wide
  pto.tstore ins(%b : !vec_wide) outs(%y_all : !gm_wide_f32)
  func.return
}

// One half alone: a raw mask scatter, which zero-fills the other lanes.

// CHECK-LABEL: func.func @one_half
// CHECK: [[EVEN:%.+]] = pto.tscatter ins({{.*}} {maskPattern = #pto.mask_pattern<P0101>}
// CHECK-NOT: pto.tscatter
// CHECK: pto.tadds ins([[EVEN]]
// CHECK: pto.tstore
// REMARK: remark: 'pto.tmatmul' -> raw mask scatter P0101 + 0; every stored lane is proved equal, given FIN(%em)

func.func @one_half(%e: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %em = pto.tload ins(%e_all : !gm_narrow) -> !narrow
  %esm = pto.tload ins(%even_select_all : !gm_wide) -> !wide
  %el = pto.tmov ins(%em : !narrow) -> !left_narrow
  %esr = pto.tmov ins(%esm : !wide) -> !right_wide
  %s = pto.tmatmul ins(%el, %esr : !left_narrow, !right_wide) -> !acc_wide
  pto.tstore ins(%s : !acc_wide) outs(%y_all : !gm_wide_f32)
  func.return
}
