// RUN: dsv4-opt %s --remarks -p pto-join-mixed 2> %t | filecheck %s
// RUN: filecheck %s --check-prefix=REMARK < %t
// RUN: dsv4-opt %s -p pto-join-mixed,pto-split-mixed --no-remarks | filecheck %s --check-prefix=AGAIN

!gm = !pto.partition_tensor_view<8x16xf32>
!gm_cols = !pto.partition_tensor_view<16x8xf32>
!gm_all = !pto.partition_tensor_view<16x16xf32>
!gm_top = !pto.partition_tensor_view<4x16xf32>
!acc = !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
!mat = !pto.tile<mat, 16x16xf32, blayout=col_major, slayout=row_major>
!left = !pto.tile<left, 16x16xf32, blayout=col_major, slayout=row_major>
!right = !pto.tile<right, 16x16xf32, slayout=col_major>
!upper = !pto.tile<vec, 8x16xf32>
!beside = !pto.tile<vec, 16x8xf32>
!whole = !pto.tile<vec, 16x16xf32>
!small = !pto.tile<vec, 16x16xf32, valid=4x16>

builtin.module attributes {pto.target_arch = "a5"} {

// Rows: the program of sub-block 0 and that of sub-block 1, each with its half of the tile. What they push is put
// together before it moves.

// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %__pypto_spmd_subblock_idx: i32 {dsv4.vector_only}
// CHECK: [[P:%.+]] = pto.tmatmul
// CHECK: [[V:%.+]] = dsv4.move [[P]] : !pto.tile<acc, {{.*}} -> !pto.tile<vec, 16x16xf32>
// CHECK: [[UPPER:%.+]] = pto.subview [[V]][%c0{{.*}}, %c0{{.*}}] sizes [8, 16]
// CHECK-NEXT: [[A:%.+]] = pto.tmuls ins([[UPPER]],
// CHECK: [[LOWER:%.+]] = pto.subview [[V]][%c8{{.*}}, %c0{{.*}}] sizes [8, 16]
// CHECK-NEXT: [[B:%.+]] = pto.tmuls ins([[LOWER]],
// CHECK: [[NONE:%.+]] = pto.undef : !pto.tile<vec, 16x16xf32>
// CHECK: [[ONE:%.+]] = pto.insert [[A]] into [[NONE]][%c0{{.*}}, %c0{{.*}}]
// CHECK: [[BOTH:%.+]] = pto.insert [[B]] into [[ONE]][%c8{{.*}}, %c0{{.*}}]
// CHECK: dsv4.move [[BOTH]] : !pto.tile<vec, 16x16xf32> -> !pto.tile<mat,
// CHECK-NOT: pto.tpop
// CHECK: func.return
// REMARK: 'rows_aic' and 'rows_aiv' are seen as one function, which does the work of both sub-blocks

// Split again, tiles cross as a whole and the first sub-block does the work. The functions take what they took.

// AGAIN-LABEL: func.func @rows_aic(
// AGAIN-SAME: %x: !pto.ptr<f32>, %y: !pto.ptr<f32>)
// AGAIN: pto.aic_initialize_pipe {dir_mask = 3, slot_size = 1024, nosplit = true}
// AGAIN: pto.tpush_to_aiv({{.*}} {split = 0}
// AGAIN: pto.tpop_from_aiv {split = 0}
// AGAIN-LABEL: func.func @rows_aiv(
// AGAIN-SAME: %x: !pto.ptr<f32>, %y: !pto.ptr<f32>, %__pypto_spmd_subblock_idx: i32)
// AGAIN: [[HALF:%.+]] = arith.index_cast %__pypto_spmd_subblock_idx : i32 to index
// AGAIN: arith.cmpi eq, [[HALF]], %c0
// AGAIN-NEXT: scf.if
// AGAIN: pto.tpop_from_aic {split = 0} -> !pto.tile<vec, 16x16xf32>
// AGAIN: pto.tpush_to_aic({{.*}} {split = 0}
// AGAIN: } else {
// AGAIN: pto.tpop_from_aic(%c0{{.*}}) {split = 0} -> !pto.tile<vec, 16x16xf32, valid=?x?>

func.func @rows_aic(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_all
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_all
  %down = pto.import_reserved_buffer {name = "down", peer_func = @rows_aiv} -> i32
  %up = pto.reserve_buffer {name = "up", size = 4096, location = #pto.address_space<mat>, auto = false, base = 0} -> i32
  pto.aic_initialize_pipe {dir_mask = 3, slot_size = 1024, nosplit = false}(c2v_consumer_buf = %down : i32, v2c_consumer_buf = %up : i32)
  %xm = pto.tload ins(%x_all : !gm_all) -> !mat
  %xl = pto.tmov ins(%xm : !mat) -> !left
  %xr = pto.tmov ins(%xm : !mat) -> !right
  %p = pto.tmatmul ins(%xl, %xr : !left, !right) -> !acc
  pto.tpush_to_aiv(%p : !acc) {split = 1}
  %back = pto.tpop_from_aiv {split = 1} -> !mat
  %bl = pto.tmov ins(%back : !mat) -> !left
  pto.tfree_from_aiv {split = 1}
  %q = pto.tmatmul ins(%bl, %xr : !left, !right) -> !acc
  pto.tstore ins(%q : !acc) outs(%y_all : !gm_all)
  return
}

func.func @rows_aiv(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>, %__pypto_spmd_subblock_idx: i32) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %two = arith.constant 2.0 : f32
  %up = pto.import_reserved_buffer {name = "up", peer_func = @rows_aic} -> i32
  %down = pto.reserve_buffer {name = "down", size = 4096, location = #pto.address_space<vec>, auto = false, base = 0} -> i32
  pto.aiv_initialize_pipe {dir_mask = 3, slot_size = 1024, nosplit = false}(c2v_consumer_buf = %down : i32, v2c_consumer_buf = %up : i32)
  %v = pto.tpop_from_aic {split = 1} -> !upper
  %s = pto.tmuls ins(%v, %two : !upper, f32) -> !upper
  pto.tfree_from_aic {split = 1}
  pto.tpush_to_aic(%s : !upper) {split = 1}
  return
}

// Columns: the sub-block's number becomes 0 and 1; a branch on it becomes what runs.

// CHECK-LABEL: func.func @columns(
// CHECK: [[V:%.+]] = dsv4.move
// CHECK: [[L:%.+]] = pto.subview [[V]][%c0{{.*}}, %c0{{.*}}] sizes [16, 8]
// CHECK: [[LEFT:%.+]] = pto.partition_view {{.*}} offsets = [%c0{{.*}}, %c0{{.*}}]
// CHECK: pto.tstore ins([[L]] : {{.*}} outs([[LEFT]]
// CHECK: [[R:%.+]] = pto.subview [[V]][%c0{{.*}}, %c8{{.*}}] sizes [16, 8]
// CHECK-NEXT: [[D:%.+]] = pto.tmuls ins([[R]],
// CHECK: [[RIGHT:%.+]] = pto.partition_view {{.*}} offsets = [%c0{{.*}}, %c8{{.*}}]
// CHECK: pto.tstore ins([[D]] : {{.*}} outs([[RIGHT]]
// CHECK-NEXT: func.return

func.func @columns_aic(%y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 2}
  return
}

func.func @columns_aiv(%y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %two = arith.constant 2.0 : f32
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %asked = pto.get_subblock_idx
  %number = arith.index_cast %asked : i64 to index
  %v = pto.tpop_from_aic {split = 2} -> !beside
  %last = arith.cmpi eq, %number, %c1 : index
  %s = scf.if %last -> (!beside) {
    %d = pto.tmuls ins(%v, %two : !beside, f32) -> !beside
    scf.yield %d : !beside
  } else {
    scf.yield %v : !beside
  }
  %col = arith.muli %number, %c8 : index
  %part = pto.partition_view %y_view, offsets = [%c0, %col], sizes = [%c16, %c8] : !pto.tensor_view<?x?xf32> -> !gm_cols
  pto.tstore ins(%s : !beside) outs(%part : !gm_cols)
  pto.tfree_from_aic {split = 2}
  return
}

// A number that both functions load from a tensor that none of them writes is one number. Loops with few trips
// meet what was written trip by trip. What a pop says of the valid extent holds behind it.

// CHECK-LABEL: func.func @trips(
// CHECK: [[N:%.+]] = pto.load_scalar %n
// CHECK-NOT: pto.load_scalar
// CHECK: [[M:%.+]] = arith.index_cast [[N]] : i32 to index
// CHECK: scf.for {{.*}} to [[M]] step
// CHECK: [[A:%.+]] = dsv4.move
// CHECK-NEXT: pto.tstore ins([[A]]
// CHECK-NOT: scf.for
// CHECK: [[B:%.+]] = dsv4.move
// CHECK-NEXT: [[FEW:%.+]] = pto.set_validshape [[B]], %c4{{.*}}, %c16{{.*}} : !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x16xf32, valid=4x16>
// CHECK: pto.tstore ins([[FEW]]
// CHECK: [[B:%.+]] = dsv4.move
// CHECK-NEXT: [[FEW:%.+]] = pto.set_validshape [[B]]
// CHECK: pto.tstore ins([[FEW]]
// CHECK: func.return

func.func @trips_aic(%n: !pto.ptr<i32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %loaded = pto.load_scalar %n[%c0] : !pto.ptr<i32> -> i32
  %count = arith.index_cast %loaded : i32 to index
  %p = pto.undef : !acc
  scf.for %i = %c0 to %count step %c1 {
    pto.tpush_to_aiv(%p : !acc) {split = 0}
  }
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}

func.func @trips_aiv(%n: !pto.ptr<i32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_all
  %c4 = arith.constant 4 : index
  %y_top = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c4, %c16] : !pto.tensor_view<?x?xf32> -> !gm_top
  %loaded = pto.load_scalar %n[%c0] : !pto.ptr<i32> -> i32
  %count = arith.index_cast %loaded : i32 to index
  scf.for %i = %c0 to %count step %c1 {
    %v = pto.tpop_from_aic {split = 0} -> !whole
    pto.tstore ins(%v : !whole) outs(%y_all : !gm_all)
    pto.tfree_from_aic {split = 0}
  }
  scf.for %i = %c0 to %c2 step %c1 {
    %v = pto.tpop_from_aic {split = 0} -> !small
    pto.tstore ins(%v : !small) outs(%y_top : !gm_top)
    pto.tfree_from_aic {split = 0}
  }
  return
}
}
