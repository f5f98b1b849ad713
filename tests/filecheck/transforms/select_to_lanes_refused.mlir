// What is left alone, and what is said about it.
//
// RUN: dsv4-opt %s -p dsv4-select-to-lanes 2> %t | filecheck %s
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
!gm_wide = !pto.partition_tensor_view<16x32xbf16>
!gm_narrow = !pto.partition_tensor_view<16x16xbf16>
!gm_down = !pto.partition_tensor_view<32x16xbf16>
!gm_wide_f32 = !pto.partition_tensor_view<16x32xf32>
!gm_narrow_f32 = !pto.partition_tensor_view<16x16xf32>

// Nothing is known of the matrix: the remark names the argument and what to say of it.

// CHECK-LABEL: func.func @no_fact
// CHECK-SAME: pto.kernel_kind<cube>
// CHECK: pto.tmatmul
// REMARK: :[[#]]:3: remark: 'pto.tmatmul' stays: nothing is known about 'even_select': if it is a select matrix, a fact allows the rewrite (--facts with even_select = "even" or "odd", or with the real arrays)

func.func @no_fact(%x: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
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

// One of two is known: only the other one is asked for.

// CHECK-LABEL: func.func @one_fact
// CHECK: pto.tmatmul.acc
// REMARK: remark: 'pto.tmatmul.acc' stays: nothing is known about 'odd_select': if it is a select matrix

func.func @one_fact(%e: !pto.ptr<bf16>, %o: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
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

// Both halves go to the even lanes: a sum of the two, which is no selection.

// CHECK-LABEL: func.func @both_even
// CHECK: pto.tmatmul.acc
// REMARK: remark: 'pto.tmatmul.acc' stays: its lanes are not those of known values

func.func @both_even(%e: !pto.ptr<bf16>, %o: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
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

// A product with weights is no site: nothing is said, and the next remark is that of the next function.

// CHECK-LABEL: func.func @weights
// CHECK: pto.tmatmul
// REMARK-NOT: its lanes are not those of known values

func.func @weights(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %xm = pto.tload ins(%x_all : !gm_narrow) -> !narrow
  %wm = pto.tload ins(%w_all : !gm_narrow) -> !narrow
  %xl = pto.tmov ins(%xm : !narrow) -> !left_narrow
  %wr = pto.tmov ins(%wm : !narrow) -> !pto.tile<right, 16x16xbf16, slayout=col_major>
  %p = pto.tmatmul ins(%xl, %wr : !left_narrow, !pto.tile<right, 16x16xbf16, slayout=col_major>) -> !acc_narrow
  pto.tstore ins(%p : !acc_narrow) outs(%y_all : !gm_narrow_f32)
  func.return
}

// A selection of what the cube itself has computed: on A2/A3 there is no way from its memory to vector memory.

// CHECK-LABEL: func.func @computed_on_the_cube
// CHECK: pto.tmatmul
// CHECK: pto.tmatmul
// REMARK: remark: 'pto.tmatmul' stays: its operand is {{.+}} memory

func.func @computed_on_the_cube(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x16xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %xm = pto.tload ins(%x_all : !gm_narrow) -> !narrow
  %wm = pto.tload ins(%w_all : !gm_wide) -> !wide
  %sm = pto.tload ins(%even_select_all : !gm_down) -> !down
  %xl = pto.tmov ins(%xm : !narrow) -> !left_narrow
  %wr = pto.tmov ins(%wm : !wide) -> !right_wide
  %p = pto.tmatmul ins(%xl, %wr : !left_narrow, !right_wide) -> !acc_wide
  %pm = pto.tmov ins(%p : !acc_wide) -> !wide
  %pl = pto.tmov ins(%pm : !wide) -> !left_wide
  %sr = pto.tmov ins(%sm : !down) -> !right_down
  %e = pto.tmatmul ins(%pl, %sr : !left_wide, !right_down) -> !acc_narrow
  pto.tstore ins(%e : !acc_narrow) outs(%y_all : !gm_narrow_f32)
  func.return
}

// A result that goes on to the cube: what gathers in vector memory cannot hand it over.

// CHECK-LABEL: func.func @used_by_the_cube
// CHECK: pto.tmatmul
// CHECK: pto.tmatmul
// REMARK: remark: 'pto.tmatmul' stays: its result goes to 'pto.tmov', which takes it from acc memory only

func.func @used_by_the_cube(%x: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x16xbf16>
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %xm = pto.tload ins(%x_all : !gm_wide) -> !wide
  %sm = pto.tload ins(%even_select_all : !gm_down) -> !down
  %wm = pto.tload ins(%w_all : !gm_narrow) -> !narrow
  %xl = pto.tmov ins(%xm : !wide) -> !left_wide
  %sr = pto.tmov ins(%sm : !down) -> !right_down
  %e = pto.tmatmul ins(%xl, %sr : !left_wide, !right_down) -> !acc_narrow
  %em = pto.tmov ins(%e : !acc_narrow) -> !narrow
  %el = pto.tmov ins(%em : !narrow) -> !left_narrow
  %wr = pto.tmov ins(%wm : !narrow) -> !pto.tile<right, 16x16xbf16, slayout=col_major>
  %p = pto.tmatmul ins(%el, %wr : !left_narrow, !pto.tile<right, 16x16xbf16, slayout=col_major>) -> !acc_narrow
  pto.tstore ins(%p : !acc_narrow) outs(%y_all : !gm_narrow_f32)
  func.return
}

// A selector of int8: vector memory has no gather of these here.

// CHECK-LABEL: func.func @int8
// CHECK: pto.tmatmul
// REMARK: remark: 'pto.tmatmul' stays: its operand has i8 elements

func.func @int8(%x: !pto.ptr<i8>, %even_select: !pto.ptr<i8> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<i32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %x_view = pto.make_tensor_view %x, shape = [%c32, %c64], strides = [%c64, %c1] : !pto.tensor_view<?x?xi8>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c32, %c64] : !pto.tensor_view<?x?xi8> -> !pto.partition_tensor_view<32x64xi8>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c64, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xi8>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c64, %c32] : !pto.tensor_view<?x?xi8> -> !pto.partition_tensor_view<64x32xi8>
  %y_view = pto.make_tensor_view %y, shape = [%c32, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xi32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c32, %c32] : !pto.tensor_view<?x?xi32> -> !pto.partition_tensor_view<32x32xi32>
  %xm = pto.tload ins(%x_all : !pto.partition_tensor_view<32x64xi8>) -> !pto.tile<mat, 32x64xi8, blayout=col_major, slayout=row_major>
  %sm = pto.tload ins(%even_select_all : !pto.partition_tensor_view<64x32xi8>) -> !pto.tile<mat, 64x32xi8, blayout=col_major, slayout=row_major>
  %xl = pto.tmov ins(%xm : !pto.tile<mat, 32x64xi8, blayout=col_major, slayout=row_major>) -> !pto.tile<left, 32x64xi8, blayout=col_major, slayout=row_major>
  %sr = pto.tmov ins(%sm : !pto.tile<mat, 64x32xi8, blayout=col_major, slayout=row_major>) -> !pto.tile<right, 64x32xi8, slayout=col_major>
  %e = pto.tmatmul ins(%xl, %sr : !pto.tile<left, 32x64xi8, blayout=col_major, slayout=row_major>, !pto.tile<right, 64x32xi8, slayout=col_major>) -> !pto.tile<acc, 32x32xi32, blayout=col_major, slayout=row_major, fractal=1024>
  pto.tstore ins(%e : !pto.tile<acc, 32x32xi32, blayout=col_major, slayout=row_major, fractal=1024>) outs(%y_all : !pto.partition_tensor_view<32x32xi32>)
  func.return
}

// A fact speaks of what comes in: this kernel writes its matrix first.

// CHECK-LABEL: func.func @selector_written
// CHECK: pto.tmatmul
// REMARK: remark: 'pto.tmatmul' stays: its lanes are not those of known values

func.func @selector_written(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %w_view = pto.make_tensor_view %w, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x16xbf16>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x16xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %other = pto.tload ins(%w_all : !gm_down) -> !pto.tile<vec, 32x16xbf16>
  pto.tstore ins(%other : !pto.tile<vec, 32x16xbf16>) outs(%even_select_all : !gm_down)
  %xm = pto.tload ins(%x_all : !gm_wide) -> !wide
  %sm = pto.tload ins(%even_select_all : !gm_down) -> !down
  %xl = pto.tmov ins(%xm : !wide) -> !left_wide
  %sr = pto.tmov ins(%sm : !down) -> !right_down
  %e = pto.tmatmul ins(%xl, %sr : !left_wide, !right_down) -> !acc_narrow
  pto.tstore ins(%e : !acc_narrow) outs(%y_all : !gm_narrow_f32)
  func.return
}

// Half of the rows are valid: what gathers and scatters lanes wants whole tiles.

// CHECK-LABEL: func.func @partly_valid
// CHECK: pto.tmatmul
// REMARK: remark: 'pto.tmatmul' stays: not all of the tile is valid

func.func @partly_valid(%x: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c8, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c8, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<8x32xbf16>
  %even_select_view = pto.make_tensor_view %even_select, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %even_select_all = pto.partition_view %even_select_view, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x16xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c8, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c8, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x16xf32>
  %xm = pto.tload ins(%x_all : !pto.partition_tensor_view<8x32xbf16>) -> !pto.tile<mat, 16x32xbf16, valid=8x32, blayout=col_major, slayout=row_major>
  %sm = pto.tload ins(%even_select_all : !gm_down) -> !down
  %xl = pto.tmov ins(%xm : !pto.tile<mat, 16x32xbf16, valid=8x32, blayout=col_major, slayout=row_major>) -> !pto.tile<left, 16x32xbf16, valid=8x32, blayout=col_major, slayout=row_major>
  %sr = pto.tmov ins(%sm : !down) -> !right_down
  %e = pto.tmatmul ins(%xl, %sr : !pto.tile<left, 16x32xbf16, valid=8x32, blayout=col_major, slayout=row_major>, !right_down) -> !pto.tile<acc, 16x16xf32, valid=8x16, blayout=col_major, slayout=row_major, fractal=1024>
  pto.tstore ins(%e : !pto.tile<acc, 16x16xf32, valid=8x16, blayout=col_major, slayout=row_major, fractal=1024>) outs(%y_all : !pto.partition_tensor_view<8x16xf32>)
  func.return
}
