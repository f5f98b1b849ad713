// RUN: dsv4-opt %s --remarks -p pto-split-mixed 2> %t | filecheck %s
// RUN: filecheck %s --check-prefix=REMARK < %t
// RUN: dsv4-opt %s -p pto-split-mixed,pto-lower,pto-raise,pto-join-mixed,pto-split-mixed --no-remarks | filecheck %s --check-prefix=AGAIN

!gm = !pto.partition_tensor_view<16x16xbf16>
!gm_f32 = !pto.partition_tensor_view<16x16xf32>
!mat = !pto.tile<mat, 16x16xbf16, blayout=col_major, slayout=row_major>
!left = !pto.tile<left, 16x16xbf16, blayout=col_major, slayout=row_major>
!right = !pto.tile<right, 16x16xbf16, slayout=col_major>
!acc = !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
!vec = !pto.tile<vec, 16x16xf32>

builtin.module attributes {pto.target_arch = "a5"} {

// Nothing goes up any more: that direction is not set up, its buffers are gone, the number of slots stays. On a5
// only one sub-block runs the vector function.

// CHECK-LABEL: func.func @one_way_aic(
// CHECK-NOT: pto.reserve_buffer
// CHECK: [[A:%.+]] = pto.import_reserved_buffer {name = "down", peer_func = @one_way_aiv} -> i32
// CHECK-NEXT: [[NONE:%.+]] = arith.constant 0 : i32
// CHECK-NEXT: pto.aic_initialize_pipe {dir_mask = 1, slot_size = 1024, slot_num = 4}(c2v_consumer_buf = [[A]] : i32, v2c_consumer_buf = [[NONE]] : i32)
// CHECK: pto.tmatmul
// CHECK-NEXT: pto.tpush_to_aiv
// CHECK-NEXT: return
// CHECK-LABEL: func.func @one_way_aiv(
// CHECK-NOT: pto.import_reserved_buffer
// CHECK: [[D:%.+]] = pto.reserve_buffer {name = "down"
// CHECK-NEXT: [[NONE:%.+]] = arith.constant 0 : i32
// CHECK-NEXT: pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 1024, slot_num = 4}(c2v_consumer_buf = [[D]] : i32, v2c_consumer_buf = [[NONE]] : i32)
// CHECK-NEXT: [[V:%.+]] = pto.tpop_from_aic {split = 0}
// CHECK-NEXT: pto.tstore ins([[V]]
// CHECK-NEXT: pto.tfree_from_aic {split = 0}
// CHECK-NEXT: return

func.func @one_way(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {dsv4.joined = "one_way_aic one_way_aiv"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_f32
  %a = pto.import_reserved_buffer {name = "down", peer_func = @one_way_aiv} -> i32
  %b = pto.reserve_buffer {name = "up", size = 4096, location = #pto.address_space<mat>, auto = false, base = 0} -> i32
  pto.aic_initialize_pipe {dir_mask = 3, slot_size = 1024}(c2v_consumer_buf = %a : i32, v2c_consumer_buf = %b : i32)
  %c = pto.import_reserved_buffer {name = "up", peer_func = @one_way_aic} -> i32
  %d = pto.reserve_buffer {name = "down", size = 4096, location = #pto.address_space<vec>, auto = false, base = 0} -> i32
  pto.aiv_initialize_pipe {dir_mask = 3, slot_size = 1024}(c2v_consumer_buf = %d : i32, v2c_consumer_buf = %c : i32)
  %xm = pto.tload ins(%x_all : !gm) -> !mat
  %wm = pto.tload ins(%w_all : !gm) -> !mat
  %xl = pto.tmov ins(%xm : !mat) -> !left
  %wr = pto.tmov ins(%wm : !mat) -> !right
  %p = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  %v = dsv4.move %p : !acc -> !vec
  pto.tstore ins(%v : !vec) outs(%y_all : !gm_f32)
  return
}

// Two tiles in a channel with two slots; the third is pushed once the first is free. What is carried by a loop is
// copied out of its slot.

// CHECK-LABEL: func.func @few_slots_aic(
// CHECK: pto.tpush_to_aiv(%p{{.*}} {split = 0}
// CHECK-NEXT: pto.tmatmul
// CHECK-NEXT: pto.tpush_to_aiv(%q{{.*}} {split = 0}
// CHECK-NEXT: pto.tmatmul
// CHECK-NEXT: pto.tpush_to_aiv(%r{{.*}} {split = 0}
// CHECK-NEXT: scf.for
// CHECK-NEXT: pto.tmatmul
// CHECK-NEXT: pto.tpush_to_aiv(%o{{.*}} {split = 0}
// CHECK-NEXT: }
// CHECK-NEXT: return
// CHECK-LABEL: func.func @few_slots_aiv(
// CHECK: [[PV:%.+]] = pto.tpop_from_aic
// CHECK-NEXT: [[QV:%.+]] = pto.tpop_from_aic
// CHECK-NEXT: {{.*}} = pto.tadd ins([[PV]], [[QV]]
// CHECK-NEXT: pto.tfree_from_aic {split = 0}
// CHECK-NEXT: pto.tfree_from_aic {split = 0}
// CHECK-NEXT: [[RV:%.+]] = pto.tpop_from_aic
// CHECK-NEXT: [[COPY:%.+]] = pto.tmov ins([[RV]]
// CHECK-NEXT: pto.tfree_from_aic {split = 0}
// CHECK-NEXT: {{.*}} = scf.for {{.*}} iter_args([[ACC:%.+]] = [[COPY]])
// CHECK-NEXT: [[OV:%.+]] = pto.tpop_from_aic
// CHECK-NEXT: [[SUM:%.+]] = pto.tadd ins([[ACC]], [[OV]]
// CHECK-NEXT: pto.tfree_from_aic {split = 0}
// CHECK-NEXT: scf.yield [[SUM]]
// AGAIN-LABEL: func.func @few_slots_aic(
// AGAIN-LABEL: func.func @few_slots_aiv(
// AGAIN: pto.tpop_from_aic
// AGAIN-NEXT: pto.tpop_from_aic
// AGAIN: pto.tpop_from_aic
// AGAIN: scf.for
// AGAIN-NEXT: pto.tpop_from_aic
// AGAIN-NEXT: pto.tadd
// AGAIN-NEXT: pto.tfree_from_aic

func.func @few_slots(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {dsv4.joined = "few_slots_aic few_slots_aiv"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_f32
  %a = pto.import_reserved_buffer {name = "down", peer_func = @few_slots_aiv} -> i32
  %b = pto.reserve_buffer {name = "up", size = 4096, location = #pto.address_space<mat>, auto = false, base = 0} -> i32
  pto.aic_initialize_pipe {dir_mask = 1, slot_size = 1024, slot_num = 2}(c2v_consumer_buf = %a : i32, v2c_consumer_buf = %b : i32)
  %c = pto.import_reserved_buffer {name = "up", peer_func = @few_slots_aic} -> i32
  %d = pto.reserve_buffer {name = "down", size = 4096, location = #pto.address_space<vec>, auto = false, base = 0} -> i32
  pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 1024, slot_num = 2}(c2v_consumer_buf = %d : i32, v2c_consumer_buf = %c : i32)
  %xm = pto.tload ins(%x_all : !gm) -> !mat
  %wm = pto.tload ins(%w_all : !gm) -> !mat
  %xl = pto.tmov ins(%xm : !mat) -> !left
  %wr = pto.tmov ins(%wm : !mat) -> !right
  %p = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  %q = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  %r = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  %pv = dsv4.move %p : !acc -> !vec
  %qv = dsv4.move %q : !acc -> !vec
  %s = pto.tadd ins(%pv, %qv : !vec, !vec) -> !vec
  %rv = dsv4.move %r : !acc -> !vec
  %z = scf.for %i = %c0 to %c2 step %c1 iter_args(%acc = %rv) -> (!vec) {
    %o = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
    %ov = dsv4.move %o : !acc -> !vec
    %t = pto.tadd ins(%acc, %ov : !vec, !vec) -> !vec
    scf.yield %t : !vec
  }
  %u = pto.tadd ins(%s, %z : !vec, !vec) -> !vec
  pto.tstore ins(%u : !vec) outs(%y_all : !gm_f32)
  return
}

// Nothing crosses, and only one kind of core has something to do.

// CHECK-LABEL: func.func @alone(
// CHECK-SAME: pto.kernel_kind<cube>
// CHECK-NOT: pto.reserve_buffer
// CHECK: pto.tmatmul
// CHECK-NEXT: pto.tstore
// CHECK-NEXT: return

func.func @alone(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {dsv4.joined = "alone_aic alone_aiv"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_f32
  %a = pto.import_reserved_buffer {name = "down", peer_func = @alone_aiv} -> i32
  %b = pto.reserve_buffer {name = "up", size = 4096, location = #pto.address_space<mat>, auto = false, base = 0} -> i32
  pto.aic_initialize_pipe {dir_mask = 1, slot_size = 1024}(c2v_consumer_buf = %a : i32, v2c_consumer_buf = %b : i32)
  %c = pto.import_reserved_buffer {name = "up", peer_func = @alone_aic} -> i32
  %d = pto.reserve_buffer {name = "down", size = 4096, location = #pto.address_space<vec>, auto = false, base = 0} -> i32
  pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 1024}(c2v_consumer_buf = %d : i32, v2c_consumer_buf = %c : i32)
  %xm = pto.tload ins(%x_all : !gm) -> !mat
  %wm = pto.tload ins(%w_all : !gm) -> !mat
  %xl = pto.tmov ins(%xm : !mat) -> !left
  %wr = pto.tmov ins(%wm : !mat) -> !right
  %p = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  pto.tstore ins(%p : !acc) outs(%y_all : !gm_f32)
  return
}

// CHECK-LABEL: func.func @full(
// CHECK: dsv4.move
// REMARK: remark: 'full' stays one function: the channel has 1 slots and would need more at once

func.func @full(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {dsv4.joined = "full_aic full_aiv"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_f32
  %a = pto.import_reserved_buffer {name = "down", peer_func = @full_aiv} -> i32
  %b = pto.reserve_buffer {name = "up", size = 4096, location = #pto.address_space<mat>, auto = false, base = 0} -> i32
  pto.aic_initialize_pipe {dir_mask = 1, slot_size = 1024, slot_num = 1}(c2v_consumer_buf = %a : i32, v2c_consumer_buf = %b : i32)
  %c = pto.import_reserved_buffer {name = "up", peer_func = @full_aic} -> i32
  %d = pto.reserve_buffer {name = "down", size = 4096, location = #pto.address_space<vec>, auto = false, base = 0} -> i32
  pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 1024, slot_num = 1}(c2v_consumer_buf = %d : i32, v2c_consumer_buf = %c : i32)
  %xm = pto.tload ins(%x_all : !gm) -> !mat
  %wm = pto.tload ins(%w_all : !gm) -> !mat
  %xl = pto.tmov ins(%xm : !mat) -> !left
  %wr = pto.tmov ins(%wm : !mat) -> !right
  %p = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  %q = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  %pv = dsv4.move %p : !acc -> !vec
  %qv = dsv4.move %q : !acc -> !vec
  %s = pto.tadd ins(%pv, %qv : !vec, !vec) -> !vec
  pto.tstore ins(%s : !vec) outs(%y_all : !gm_f32)
  return
}

// CHECK-LABEL: func.func @same_tensor(
// CHECK: dsv4.move
// REMARK: remark: 'same_tensor' stays one function: both kinds of core touch the tensor that it writes

func.func @same_tensor(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {dsv4.joined = "same_tensor_aic same_tensor_aiv"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_f32
  %a = pto.import_reserved_buffer {name = "down", peer_func = @same_tensor_aiv} -> i32
  %b = pto.reserve_buffer {name = "up", size = 4096, location = #pto.address_space<mat>, auto = false, base = 0} -> i32
  pto.aic_initialize_pipe {dir_mask = 1, slot_size = 1024}(c2v_consumer_buf = %a : i32, v2c_consumer_buf = %b : i32)
  %c = pto.import_reserved_buffer {name = "up", peer_func = @same_tensor_aic} -> i32
  %d = pto.reserve_buffer {name = "down", size = 4096, location = #pto.address_space<vec>, auto = false, base = 0} -> i32
  pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 1024}(c2v_consumer_buf = %d : i32, v2c_consumer_buf = %c : i32)
  %xm = pto.tload ins(%x_all : !gm) -> !mat
  %wm = pto.tload ins(%w_all : !gm) -> !mat
  %xl = pto.tmov ins(%xm : !mat) -> !left
  %wr = pto.tmov ins(%wm : !mat) -> !right
  %p = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  %v = dsv4.move %p : !acc -> !vec
  pto.tstore ins(%v : !vec) outs(%y_all : !gm_f32)
  %q = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  pto.tstore ins(%q : !acc) outs(%y_all : !gm_f32)
  return
}

// CHECK-LABEL: func.func @small_slots(
// CHECK: dsv4.move
// REMARK: remark: 'small_slots' stays one function: no channel in that direction has slots of 1024 bytes

func.func @small_slots(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>) attributes {dsv4.joined = "small_slots_aic small_slots_aiv"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %w_view = pto.make_tensor_view %w, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %w_all = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !gm
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !gm_f32
  %a = pto.import_reserved_buffer {name = "down", peer_func = @small_slots_aiv} -> i32
  %b = pto.reserve_buffer {name = "up", size = 4096, location = #pto.address_space<mat>, auto = false, base = 0} -> i32
  pto.aic_initialize_pipe {dir_mask = 1, slot_size = 512}(c2v_consumer_buf = %a : i32, v2c_consumer_buf = %b : i32)
  %c = pto.import_reserved_buffer {name = "up", peer_func = @small_slots_aic} -> i32
  %d = pto.reserve_buffer {name = "down", size = 4096, location = #pto.address_space<vec>, auto = false, base = 0} -> i32
  pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 512}(c2v_consumer_buf = %d : i32, v2c_consumer_buf = %c : i32)
  %xm = pto.tload ins(%x_all : !gm) -> !mat
  %wm = pto.tload ins(%w_all : !gm) -> !mat
  %xl = pto.tmov ins(%xm : !mat) -> !left
  %wr = pto.tmov ins(%wm : !mat) -> !right
  %p = pto.tmatmul ins(%xl, %wr : !left, !right) -> !acc
  %v = dsv4.move %p : !acc -> !vec
  pto.tstore ins(%v : !vec) outs(%y_all : !gm_f32)
  return
}
}
