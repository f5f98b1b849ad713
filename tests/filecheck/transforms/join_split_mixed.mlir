// RUN: dsv4-opt %s --remarks -p pto-join-mixed 2> %t.join | filecheck %s --check-prefix=JOIN
// RUN: filecheck %s --check-prefix=JOIN-REMARK < %t.join
// RUN: dsv4-opt %s --remarks -p pto-join-mixed,pto-split-mixed 2> %t.split | filecheck %s
// RUN: filecheck %s --check-prefix=SPLIT-REMARK < %t.split
// RUN: dsv4-opt %s -p pto-join-mixed,pto-split-mixed -o %t.mlir
// RUN: dsv4-opt %t.mlir -p pto-join-mixed,pto-split-mixed | diff - %t.mlir

!gm = !pto.partition_tensor_view<16x16xbf16>
!gm_f32 = !pto.partition_tensor_view<16x16xf32>
!mat = !pto.tile<mat, 16x16xbf16, blayout=col_major, slayout=row_major>
!left = !pto.tile<left, 16x16xbf16, blayout=col_major, slayout=row_major>
!right = !pto.tile<right, 16x16xbf16, slayout=col_major>
!acc = !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
!vec = !pto.tile<vec, 16x16xf32>
!nothing = !pto.tile<vec, 16x16xf32, valid=?x?>

// A pair becomes one function, and a pair again. A push stands behind what makes the tile, a free behind the
// last use; the second sub-block keeps in step.

// JOIN-LABEL: func.func @scale(
// JOIN-SAME: dsv4.joined = "scale_aic scale_aiv"
// JOIN: scf.for
// JOIN: [[P:%.+]] = pto.tmatmul
// JOIN-NOT: pto.tpush
// JOIN: [[V:%.+]] = dsv4.move [[P]] : !pto.tile<acc, {{.*}} -> !pto.tile<vec, 16x16xf32>
// JOIN-NEXT: [[S:%.+]] = pto.tmuls ins([[V]],
// JOIN-NEXT: pto.tstore ins([[S]] :
// JOIN-NOT: pto.tfree
// JOIN: func.return
// JOIN-REMARK: remark: 'scale_aic' and 'scale_aiv' are seen as one function

// CHECK-LABEL: func.func @scale_aic(
// CHECK-SAME: pto.kernel_kind<cube>
// CHECK: [[IN:%.+]] = pto.import_reserved_buffer {name = "slots", peer_func = @scale_aiv} -> i32
// CHECK: pto.aic_initialize_pipe {dir_mask = 1, slot_size = 1024}(gm_slot_buffer = %slots : !pto.ptr<f32>, c2v_consumer_buf = [[IN]] : i32, v2c_consumer_buf = %none : i32)
// CHECK: scf.for
// CHECK: [[P:%.+]] = pto.tmatmul
// CHECK-NEXT: pto.tpush_to_aiv([[P]] : !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>) {split = 0}
// CHECK-NEXT: }
// CHECK-NEXT: func.return

// CHECK-LABEL: func.func @scale_aiv(
// CHECK-SAME: pto.kernel_kind<vector>
// CHECK: [[MINE:%.+]] = pto.reserve_buffer {name = "slots", size = 8192, location = #pto.address_space<vec>, auto = false, base = 0} -> i32
// CHECK: pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 1024}(gm_slot_buffer = %slots : !pto.ptr<f32>, c2v_consumer_buf = [[MINE]] : i32, v2c_consumer_buf = %none : i32)
// CHECK: [[I:%.+]] = pto.get_subblock_idx
// CHECK-NEXT: [[INDEX:%.+]] = arith.index_cast [[I]] : i64 to index
// CHECK-NEXT: [[FIRST:%.+]] = arith.cmpi eq, [[INDEX]], %c0 : index
// CHECK-NEXT: scf.if [[FIRST]] {
// CHECK-NEXT: scf.for {{.*}} = %c0 to %c32 step %c16 {
// CHECK-NOT: pto.tload
// CHECK: [[V:%.+]] = pto.tpop_from_aic {split = 0} -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: [[S:%.+]] = pto.tmuls ins([[V]],
// CHECK-NEXT: pto.tfree_from_aic {split = 0}
// CHECK-NEXT: pto.tstore ins([[S]] :
// CHECK-NEXT: }
// CHECK-NEXT: } else {
// CHECK-NEXT: scf.for {{.*}} = %c0 to %c32 step %c16 {
// CHECK-NEXT: pto.tpop_from_aic(%c0, %c0) {split = 0} -> !pto.tile<vec, 16x16xf32, valid=?x?>
// CHECK-NEXT: pto.tfree_from_aic {split = 0}
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: func.return
// SPLIT-REMARK: remark: 'scale' is split into 'scale_aic' and 'scale_aiv'

func.func @scale_aic(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>, %slots: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %none = arith.constant 0 : i32
  %x_view = pto.make_tensor_view %x, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %in = pto.import_reserved_buffer {name = "slots", peer_func = @scale_aiv} -> i32
  pto.aic_initialize_pipe {dir_mask = 1, slot_size = 1024}(gm_slot_buffer = %slots : !pto.ptr<f32>, c2v_consumer_buf = %in : i32, v2c_consumer_buf = %none : i32)
  scf.for %i = %c0 to %c32 step %c16 {
    %x_part = pto.partition_view %x_view, offsets = [%i, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
    %xm = pto.tload ins(%x_part : !gm) -> !mat
    %wm = pto.tload ins(%w_all : !gm) -> !mat
    %xl = pto.tmov ins(%xm : !mat) -> !left
    %wr = pto.tmov ins(%wm : !mat) -> !right
    %p = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
    pto.tpush_to_aiv(%p : !acc) {split = 0}
  }
  return
}

func.func @scale_aiv(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>, %slots: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %none = arith.constant 0 : i32
  %two = arith.constant 2.0 : f32
  %y_view = pto.make_tensor_view %y, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %i64 = pto.get_subblock_idx
  %subblock = arith.index_cast %i64 : i64 to index
  %mine = pto.reserve_buffer {name = "slots", size = 8192, location = #pto.address_space<vec>, auto = false, base = 0} -> i32
  pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 1024}(gm_slot_buffer = %slots : !pto.ptr<f32>, c2v_consumer_buf = %mine : i32, v2c_consumer_buf = %none : i32)
  %first = arith.cmpi eq, %subblock, %c0 : index
  scf.if %first {
    scf.for %i = %c0 to %c32 step %c16 {
      %y_part = pto.partition_view %y_view, offsets = [%i, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_f32
      %v = pto.tpop_from_aic {split = 0} -> !vec
      %s = pto.tmuls ins(%v, %two : !vec, f32) -> !vec
      pto.tfree_from_aic {split = 0}
      pto.tstore ins(%s : !vec) outs(%y_part : !gm_f32)
    }
  } else {
    scf.for %i = %c0 to %c32 step %c16 {
      %v = pto.tpop_from_aic(%c0, %c0) {split = 0} -> !nothing
      pto.tfree_from_aic {split = 0}
    }
  }
  return
}
