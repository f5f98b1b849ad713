// What is left alone, and what is said about it.
//
// RUN: dsv4-opt %s -p dsv4-scatter-form 2> %t | filecheck %s
// RUN: filecheck %s --check-prefix=REMARK < %t

!half = !pto.tile<vec, 16x16xf32>
!whole = !pto.tile<vec, 16x32xf32>
!bits = !pto.tile<vec, 16x32xui8>
!gm_half = !pto.partition_tensor_view<16x16xf32>
!gm_whole = !pto.partition_tensor_view<16x32xf32>
!row = !pto.tile<vec, 1x16xi32>
!index = !pto.tile<vec, 16x16xi32>
!column = !pto.tile<vec, 16x1xi32, blayout=col_major>
!gm_row = !pto.partition_tensor_view<1x16xi32>

// A selection by the data.

// CHECK-LABEL: func.func @by_the_data
// CHECK: pto.tsel
// REMARK: remark: 'pto.tsel' of 16x32 stays: its even and odd lanes are not those of known values

func.func @by_the_data(%e: !pto.ptr<f32>, %o: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %e_view = pto.make_tensor_view %e, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %e_all = pto.partition_view %e_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %o_view = pto.make_tensor_view %o, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %o_all = pto.partition_view %o_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %e_tile = pto.tload ins(%e_all : !gm_whole) -> !whole
  %o_tile = pto.tload ins(%o_all : !gm_whole) -> !whole
  %zero = arith.constant 0.0 : f32
  %pred = pto.tcmps ins(%e_tile, %zero {cmpMode = #pto<cmp gt>} : !whole, f32) -> !bits
  %max = pto.tsel ins(%pred, %e_tile, %o_tile : !bits, !whole, !whole) -> !whole
  pto.tstore ins(%max : !whole) outs(%y_all : !gm_whole)
  func.return
}

// A scatter by an index of which nothing is known: the remark names the argument and what to say of it.

// CHECK-LABEL: func.func @by_unknown_index
// CHECK: pto.tscatter ins(%e_tile, %flat
// REMARK: remark: 'pto.tscatter' of 16x32 stays: nothing is known about 'even_idx': if it is a row of lane numbers, a fact allows the rewrite (--facts with even_idx = "table:even" or "table:odd", or with the real arrays)

func.func @by_unknown_index(%e: !pto.ptr<f32>, %even_idx: !pto.ptr<i32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
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

// A known index that is neither the even nor the odd lanes.

// CHECK-LABEL: func.func @by_another_index
// CHECK: pto.tscatter ins(%e_tile, %flat
// REMARK: remark: 'pto.tscatter' of 16x32 stays: its even and odd lanes are not those of known values

func.func @by_another_index(%e: !pto.ptr<f32>, %even_idx: !pto.ptr<i32> {dsv4.table = #dsv4.table<swap>}, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
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
