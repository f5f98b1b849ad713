// Blends and index scatters that put halves together.
//
// RUN: dsv4-opt %s -p 'dsv4-scatter-form' 2> %t.exact | filecheck %s --check-prefixes=CHECK,EXACT
// RUN: filecheck %s --check-prefix=EXACT-REMARK < %t.exact
// RUN: dsv4-opt %s -p 'dsv4-scatter-form{signed-zero=ignore}' 2> %t.ignore | filecheck %s --check-prefixes=CHECK,IGNORE
// RUN: filecheck %s --check-prefix=IGNORE-REMARK < %t.ignore

!half = !pto.tile<vec, 16x16xf32>
!whole = !pto.tile<vec, 16x32xf32>
!bits = !pto.tile<vec, 16x32xui8>
!gm_half = !pto.partition_tensor_view<16x16xf32>
!gm_whole = !pto.partition_tensor_view<16x32xf32>
!gm_whole_bf16 = !pto.partition_tensor_view<16x32xbf16>
!whole_bf16 = !pto.tile<vec, 16x32xbf16>
!row = !pto.tile<vec, 1x16xi32>
!index = !pto.tile<vec, 16x16xi32>
!column = !pto.tile<vec, 16x1xi32, blayout=col_major>
!gm_row = !pto.partition_tensor_view<1x16xi32>

// Stored as it is, a -0 among the lanes can be seen: merged on the bits, of which +0 has none.

// CHECK-LABEL: func.func @stored
// CHECK-NOT: pto.tsel
// CHECK: [[EVEN:%.+]] = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile<vec, 16x16xf32>, "row") -> !pto.tile<vec, 16x32xf32>
// CHECK: [[ODD:%.+]] = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !pto.tile<vec, 16x16xf32>, "row") -> !pto.tile<vec, 16x32xf32>
// EXACT: [[EVEN_BITS:%.+]] = pto.bitcast [[EVEN]] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xi32>
// EXACT: [[ODD_BITS:%.+]] = pto.bitcast [[ODD]] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xi32>
// EXACT: [[BITS:%.+]] = pto.tor ins([[EVEN_BITS]], [[ODD_BITS]] : {{.*}}) -> !pto.tile<vec, 16x32xi32>
// EXACT: [[BOTH:%.+]] = pto.bitcast [[BITS]] : !pto.tile<vec, 16x32xi32> -> !pto.tile<vec, 16x32xf32>
// IGNORE: [[BOTH:%.+]] = pto.tadd ins([[EVEN]], [[ODD]] : {{.*}}) -> !pto.tile<vec, 16x32xf32>
// CHECK: pto.tstore ins([[BOTH]]
// EXACT-REMARK: :[[#]]:3: remark: 'pto.tsel' -> two raw mask scatters merged by tor; every stored lane is proved equal; saves 2 tcmps, 2 texpands, 2 tscatter (mask), 2 tsel; adds 1 tor
// IGNORE-REMARK: 'pto.tsel' -> two raw mask scatters merged by tadd; every stored lane is proved equal up to the sign of a zero (signed-zero=ignore); saves 2 tcmps, 2 texpands, 2 tscatter (mask), 2 tsel; adds 1 tadd

func.func @stored(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %o_tile = pto.tload ins(%o_all : !gm_half) -> !half
  %one = arith.constant 1.0 : f32
  %base = pto.texpands ins(%zero : f32) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %e_lanes, %base : !bits, !whole, !whole) -> !whole
  %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_pred = pto.tcmps ins(%o_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %o_blend = pto.tsel ins(%o_pred, %o_lanes, %e_blend : !bits, !whole, !whole) -> !whole
  pto.tstore ins(%o_blend : !whole) outs(%y_all : !gm_whole)
  func.return
}

// A use that loses the sign of a zero: a sum will do.

// CHECK-LABEL: func.func @sign_lost
// CHECK-NOT: pto.tsel
// CHECK-NOT: pto.tor
// CHECK: pto.tadd
// CHECK: pto.tstore
// EXACT-REMARK: 'pto.tsel' -> two raw mask scatters merged by tadd; every stored lane is proved equal; saves
// IGNORE-REMARK: merged by tadd

func.func @sign_lost(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %o_tile = pto.tload ins(%o_all : !gm_half) -> !half
  %one = arith.constant 1.0 : f32
  %base = pto.texpands ins(%zero : f32) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %e_lanes, %base : !bits, !whole, !whole) -> !whole
  %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_pred = pto.tcmps ins(%o_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %o_blend = pto.tsel ins(%o_pred, %o_lanes, %e_blend : !bits, !whole, !whole) -> !whole
  %sum = pto.tadds ins(%o_blend, %one : !whole, f32) -> !whole
  pto.tstore ins(%sum : !whole) outs(%y_all : !gm_whole)
  func.return
}

// A rounding keeps it.

// CHECK-LABEL: func.func @sign_rounded
// CHECK-NOT: pto.tsel
// EXACT: pto.tor
// IGNORE: pto.tadd
// CHECK: pto.tcvt
// EXACT-REMARK: merged by tor
// IGNORE-REMARK: merged by tadd

func.func @sign_rounded(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %o_tile = pto.tload ins(%o_all : !gm_half) -> !half
  %one = arith.constant 1.0 : f32
  %base = pto.texpands ins(%zero : f32) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %e_lanes, %base : !bits, !whole, !whole) -> !whole
  %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_pred = pto.tcmps ins(%o_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %o_blend = pto.tsel ins(%o_pred, %o_lanes, %e_blend : !bits, !whole, !whole) -> !whole
  %rounded = pto.tcvt ins(%o_blend {rmode = #pto<round_mode RINT>} : !whole) -> !whole_bf16
  pto.tstore ins(%rounded : !whole_bf16) outs(%y_all : !gm_whole_bf16)
  func.return
}

// The other half first.

// CHECK-LABEL: func.func @odd_first
// CHECK-NOT: pto.tsel
// CHECK: pto.tscatter
// CHECK: pto.tscatter
// CHECK-NOT: pto.tscatter
// CHECK: pto.tstore
// EXACT-REMARK: 'pto.tsel' -> two raw mask scatters merged by tor; every stored lane is proved equal
// IGNORE-REMARK: 'pto.tsel' -> two raw mask scatters merged by tadd

func.func @odd_first(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %o_tile = pto.tload ins(%o_all : !gm_half) -> !half
  %one = arith.constant 1.0 : f32
  %base = pto.texpands ins(%zero : f32) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_pred = pto.tcmps ins(%o_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %o_blend = pto.tsel ins(%o_pred, %o_lanes, %base : !bits, !whole, !whole) -> !whole
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %e_lanes, %o_blend : !bits, !whole, !whole) -> !whole
  pto.tstore ins(%e_blend : !whole) outs(%y_all : !gm_whole)
  func.return
}

// Another comparison, with the operands of the selections exchanged.

// CHECK-LABEL: func.func @equal
// CHECK-NOT: pto.tsel
// CHECK: pto.tscatter
// CHECK: pto.tscatter
// CHECK-NOT: pto.tscatter
// CHECK: pto.tstore
// EXACT-REMARK: 'pto.tsel' -> two raw mask scatters merged by tor; every stored lane is proved equal
// IGNORE-REMARK: 'pto.tsel' -> two raw mask scatters merged by tadd

func.func @equal(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %o_tile = pto.tload ins(%o_all : !gm_half) -> !half
  %one = arith.constant 1.0 : f32
  %base = pto.texpands ins(%zero : f32) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp eq>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %base, %e_lanes : !bits, !whole, !whole) -> !whole
  %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_pred = pto.tcmps ins(%o_mark, %zero {cmpMode = #pto<cmp eq>} : !whole, f32) -> !bits
  %o_blend = pto.tsel ins(%o_pred, %e_blend, %o_lanes : !bits, !whole, !whole) -> !whole
  pto.tstore ins(%o_blend : !whole) outs(%y_all : !gm_whole)
  func.return
}

// Other marks and another threshold.

// CHECK-LABEL: func.func @greater
// CHECK-NOT: pto.tsel
// CHECK: pto.tscatter
// CHECK: pto.tscatter
// CHECK-NOT: pto.tscatter
// CHECK: pto.tstore
// EXACT-REMARK: 'pto.tsel' -> two raw mask scatters merged by tor; every stored lane is proved equal
// IGNORE-REMARK: 'pto.tsel' -> two raw mask scatters merged by tadd

func.func @greater(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %o_tile = pto.tload ins(%o_all : !gm_half) -> !half
  %one = arith.constant 2.0 : f32
  %by = arith.constant 0.5 : f32
  %base = pto.texpands ins(%zero : f32) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %by {cmpMode = #pto<cmp gt>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %e_lanes, %base : !bits, !whole, !whole) -> !whole
  %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_pred = pto.tcmps ins(%o_mark, %by {cmpMode = #pto<cmp gt>} : !whole, f32) -> !bits
  %o_blend = pto.tsel ins(%o_pred, %o_lanes, %e_blend : !bits, !whole, !whole) -> !whole
  pto.tstore ins(%o_blend : !whole) outs(%y_all : !gm_whole)
  func.return
}

// Another zero underneath: nothing of it is left.

// CHECK-LABEL: func.func @over_minus_zero
// CHECK-NOT: pto.tsel
// CHECK: pto.tscatter
// CHECK: pto.tscatter
// CHECK-NOT: pto.tscatter
// CHECK: pto.tstore
// EXACT-REMARK: 'pto.tsel' -> two raw mask scatters merged by tor; every stored lane is proved equal
// IGNORE-REMARK: 'pto.tsel' -> two raw mask scatters merged by tadd

func.func @over_minus_zero(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %o_tile = pto.tload ins(%o_all : !gm_half) -> !half
  %one = arith.constant 1.0 : f32
  %fill = arith.constant -0.0 : f32
  %base = pto.texpands ins(%fill : f32) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %e_lanes, %base : !bits, !whole, !whole) -> !whole
  %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_pred = pto.tcmps ins(%o_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %o_blend = pto.tsel ins(%o_pred, %o_lanes, %e_blend : !bits, !whole, !whole) -> !whole
  pto.tstore ins(%o_blend : !whole) outs(%y_all : !gm_whole)
  func.return
}

// Anything underneath: nothing of it is left.

// CHECK-LABEL: func.func @over_something
// CHECK-NOT: pto.tsel
// CHECK: pto.tscatter
// CHECK: pto.tscatter
// CHECK-NOT: pto.tscatter
// CHECK: pto.tstore
// EXACT-REMARK: 'pto.tsel' -> two raw mask scatters merged by tor; every stored lane is proved equal
// IGNORE-REMARK: 'pto.tsel' -> two raw mask scatters merged by tadd

func.func @over_something(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>, %b: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %b_view = pto.make_tensor_view %b, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %b_all = pto.partition_view %b_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %o_tile = pto.tload ins(%o_all : !gm_half) -> !half
  %one = arith.constant 1.0 : f32
  %base = pto.tload ins(%b_all : !gm_whole) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %e_lanes, %base : !bits, !whole, !whole) -> !whole
  %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
  %o_pred = pto.tcmps ins(%o_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %o_blend = pto.tsel ins(%o_pred, %o_lanes, %e_blend : !bits, !whole, !whole) -> !whole
  pto.tstore ins(%o_blend : !whole) outs(%y_all : !gm_whole)
  func.return
}

// One half over +0 is what a raw mask scatter does.

// CHECK-LABEL: func.func @one_half
// CHECK: [[EVEN:%.+]] = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>}
// CHECK-NEXT: pto.tstore ins([[EVEN]]
// EXACT-REMARK: 'pto.tsel' -> the value itself; every stored lane is proved equal; saves 1 tcmps, 2 texpands, 1 tscatter (mask), 1 tsel
// IGNORE-REMARK: 'pto.tsel' -> the value itself

func.func @one_half(%e: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %one = arith.constant 1.0 : f32
  %base = pto.texpands ins(%zero : f32) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %e_lanes, %base : !bits, !whole, !whole) -> !whole
  pto.tstore ins(%e_blend : !whole) outs(%y_all : !gm_whole)
  func.return
}

// Two times the same lanes: the second one wins.

// CHECK-LABEL: func.func @same_lanes
// CHECK: [[LAST:%.+]] = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P0101>}
// CHECK-NEXT: pto.tstore ins([[LAST]]
// EXACT-REMARK: 'pto.tsel' -> the value itself
// IGNORE-REMARK: 'pto.tsel' -> the value itself

func.func @same_lanes(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %zero = arith.constant 0.0 : f32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %o_tile = pto.tload ins(%o_all : !gm_half) -> !half
  %one = arith.constant 1.0 : f32
  %base = pto.texpands ins(%zero : f32) -> !whole
  %ones = pto.texpands ins(%one : f32) -> !half
  %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %e_blend = pto.tsel ins(%e_pred, %e_lanes, %base : !bits, !whole, !whole) -> !whole
  %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
  %o_pred = pto.tcmps ins(%o_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
  %o_blend = pto.tsel ins(%o_pred, %o_lanes, %e_blend : !bits, !whole, !whole) -> !whole
  pto.tstore ins(%o_blend : !whole) outs(%y_all : !gm_whole)
  func.return
}

// A scatter by an index that is computed: whatever computed it goes too.

// CHECK-LABEL: func.func @by_computed_index
// CHECK-NOT: i32
// CHECK: [[EVEN:%.+]] = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>}
// CHECK-NEXT: pto.tstore ins([[EVEN]]
// EXACT-REMARK: 'pto.tscatter' -> raw mask scatter P0101; every stored lane is proved equal; saves 1 tadd, 2 tci, 1 tcolexpand, 1 tmuls, 1 trowexpandadd, 1 tscatter (index); adds 1 tscatter (mask)
// IGNORE-REMARK: 'pto.tscatter' -> raw mask scatter P0101

func.func @by_computed_index(%e: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %c0_i32 = arith.constant 0 : i32
  %width = arith.constant 32 : i32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %lane = pto.tci ins(%c0_i32 : i32) -> !row {descending = false}
  %even = pto.tadd ins(%lane, %lane : !row, !row) -> !row
  %even_rows = pto.tcolexpand ins(%even : !row) -> !index
  %number = pto.tci ins(%c0_i32 : i32) -> !row {descending = false}
  %start = pto.tmuls ins(%number, %width : !row, i32) -> !row
  %starts = pto.reshape %start : !row -> !column
  %flat = pto.trowexpandadd ins(%even_rows, %starts : !index, !column) -> !index
  %lanes = pto.tscatter ins(%e_tile, %flat : !half, !index) -> !whole
  pto.tstore ins(%lanes : !whole) outs(%y_all : !gm_whole)
  func.return
}

// A scatter by an index of which a fact is known.

// CHECK-LABEL: func.func @by_known_index
// CHECK: [[ODD:%.+]] = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P1010>}
// CHECK-NEXT: pto.tstore ins([[ODD]]
// EXACT-REMARK: 'pto.tscatter' -> raw mask scatter P1010; every stored lane is proved equal; saves {{.*}}; 64 bytes less loaded from GM; adds 1 tscatter (mask)
// IGNORE-REMARK: 'pto.tscatter' -> raw mask scatter P1010

func.func @by_known_index(%e: !pto.ptr<f32>, %even_idx: !pto.ptr<i32> {dsv4.table = #dsv4.table<odd>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %even_idx_view = pto.make_tensor_view %even_idx, shape = [%c1, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xi32>
  %even_idx_all = pto.partition_view %even_idx_view, offsets = [%c0, %c0], sizes = [%c1, %c16] : !pto.tensor_view<?x?xi32> -> !pto.partition_tensor_view<1x16xi32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %c0_i32 = arith.constant 0 : i32
  %width = arith.constant 32 : i32
  %e_tile = pto.tload ins(%e_all : !gm_half) -> !half
  %even = pto.tload ins(%even_idx_all : !gm_row) -> !row
  %even_rows = pto.tcolexpand ins(%even : !row) -> !index
  %number = pto.tci ins(%c0_i32 : i32) -> !row {descending = false}
  %start = pto.tmuls ins(%number, %width : !row, i32) -> !row
  %starts = pto.reshape %start : !row -> !column
  %flat = pto.trowexpandadd ins(%even_rows, %starts : !index, !column) -> !index
  %lanes = pto.tscatter ins(%e_tile, %flat : !half, !index) -> !whole
  pto.tstore ins(%lanes : !whole) outs(%y_all : !gm_whole)
  func.return
}

// In a loop of unknown length.

// CHECK-LABEL: func.func @in_a_loop
// CHECK: scf.for
// CHECK-NOT: pto.tsel
// CHECK: pto.tstore
// EXACT-REMARK: 'pto.tsel' -> two raw mask scatters merged by tor; every stored lane is proved equal
// IGNORE-REMARK: 'pto.tsel' -> two raw mask scatters merged by tadd

func.func @in_a_loop(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>, %n: index) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %c128 = arith.constant 128 : index
  %e_view = pto.make_tensor_view %e, shape = [%c128, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c128, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<128x16xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c128, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c128, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<128x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c128, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c128, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<128x32xf32>
  scf.for %i = %c0 to %n step %c1 {
    %row = arith.muli %i, %c16 : index
    %e_part = pto.partition_view %e_view, offsets = [%row, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_half
    %o_part = pto.partition_view %o_view, offsets = [%row, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_half
    %y_part = pto.partition_view %y_view, offsets = [%row, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !gm_whole
    %e_tile = pto.tload ins(%e_part : !gm_half) -> !half
    %o_tile = pto.tload ins(%o_part : !gm_half) -> !half
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %base = pto.texpands ins(%zero : f32) -> !whole
    %ones = pto.texpands ins(%one : f32) -> !half
    %e_lanes = pto.tscatter ins(%e_tile, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
    %e_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : !half, "row") -> !whole
    %e_pred = pto.tcmps ins(%e_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
    %e_blend = pto.tsel ins(%e_pred, %e_lanes, %base : !bits, !whole, !whole) -> !whole
    %o_lanes = pto.tscatter ins(%o_tile, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
    %o_mark = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : !half, "row") -> !whole
    %o_pred = pto.tcmps ins(%o_mark, %zero {cmpMode = #pto<cmp ne>} : !whole, f32) -> !bits
    %o_blend = pto.tsel ins(%o_pred, %o_lanes, %e_blend : !bits, !whole, !whole) -> !whole
    pto.tstore ins(%o_blend : !whole) outs(%y_part : !gm_whole)
  }
  func.return
}
