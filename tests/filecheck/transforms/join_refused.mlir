// RUN: dsv4-opt %s -p pto-join-mixed 2> %t | filecheck %s --check-prefix=STAYS
// RUN: filecheck %s < %t

// What cannot be joined stays two functions, and the remark says why.

// STAYS-NOT: dsv4.joined

!acc = !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
!acc_part = !pto.tile<acc, 16x16xf32, valid=8x16, blayout=col_major, slayout=row_major, fractal=1024>
!acc_small = !pto.tile<acc, 16x32xf32, blayout=col_major, slayout=row_major, fractal=1024>
!buffer = !pto.tile_buf<vec, 16x16xf32>
!upper = !pto.tile<vec, 8x16xf32>
!upper_part = !pto.tile<vec, 8x16xf32, valid=4x16>
!whole = !pto.tile<vec, 16x16xf32>
!some = !pto.tile<vec, 16x16xf32, valid=?x?>
!entry = !pto.tensor_view<16x16xf32>
!signal = !pto.partition_tensor_view<1x1xi32>
!gm = !pto.partition_tensor_view<16x16xf32>

// CHECK: 'arguments_aic' and 'arguments_aiv' stay two functions: the two functions take different arguments

func.func @arguments_aic(%n: i32) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  return
}
func.func @arguments_aiv(%n: i64) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  return
}

// CHECK: 'another_aic' and 'another_aiv' stay two functions: the two functions take different arguments

func.func @another_aic(%n: i32) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  return
}
func.func @another_aiv(%n: i32, %m: i32) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  return
}

// CHECK: 'buffers_aic' and 'buffers_aiv' stay two functions: 'buffers_aiv' is in buffer form

func.func @buffers_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  return
}
func.func @buffers_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %t = pto.alloc_tile : !buffer
  return
}

// CHECK: 'meeting_aic' and 'meeting_aiv' stay two functions: cores wait for each other elsewhere than at channels

func.func @meeting_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  return
}
func.func @meeting_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  pto.syncall() mode = #pto.sync_all_mode<hard>, core_type = #pto.sync_core_type<mix>
  return
}

// CHECK: 'signal_aic' and 'signal_aiv' stay two functions: cores wait for each other elsewhere than at channels

func.func @signal_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  pto.sync.set <PIPE_FIX>, 0
  return
}
func.func @signal_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  pto.sync.wait <PIPE_V>, 0
  return
}

// CHECK: 'notified_aic' and 'notified_aiv' stay two functions: cores wait for each other elsewhere than at channels

func.func @notified_aic(%s: !pto.ptr<i32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  return
}
func.func @notified_aiv(%s: !pto.ptr<i32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 1 : i32
  %view = pto.make_tensor_view %s, shape = [%c1, %c1], strides = [%c1, %c1] : !pto.tensor_view<?x?xi32>
  %signal = pto.partition_view %view, offsets = [%c0, %c0], sizes = [%c1, %c1] : !pto.tensor_view<?x?xi32> -> !signal
  pto.comm.twait(%signal, %n : !signal, i32) {cmp = #pto<wait_cmp ge>}
  return
}

// CHECK: 'relu_aic' and 'relu_aiv' stay two functions: its pushes convert what they push

func.func @relu_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %down = arith.constant 0 : i32
  pto.aic_initialize_pipe {dir_mask = 1, slot_size = 4096, acc_push_epilogue = #pto.acc_push_epilogue<layout = nz2nd, quant = f32_f16, relu = no_relu>}(c2v_consumer_buf = %down : i32)
  return
}
func.func @relu_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  return
}

// CHECK: 'named_aic' and 'named_aiv' stay two functions: it says which of the sub-blocks is meant

func.func @named_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 1}
  return
}
func.func @named_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %i = pto.get_subblock_idx
  %v = pto.tpop_from_aic {split = 1} aiv_subblockid(%i) -> !upper
  return
}

// CHECK: 'odd_aic' and 'odd_aiv' stay two functions: it splits tiles with an odd extent (split = 3)

func.func @odd_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 3}
  return
}
func.func @odd_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %v = pto.tpop_from_aic {split = 3} -> !upper
  return
}

// CHECK: 'some_aic' and 'some_aiv' stay two functions: some tiles are split between the sub-blocks and some are not

func.func @some_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 1}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}
func.func @some_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %v = pto.tpop_from_aic {split = 1} -> !upper
  %w = pto.tpop_from_aic {split = 0} -> !whole
  return
}

// CHECK: 'other_way_aic' and 'other_way_aiv' stay two functions: the push that it belongs to splits the tile in another way

func.func @other_way_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 2}
  return
}
func.func @other_way_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %v = pto.tpop_from_aic {split = 1} -> !upper
  return
}

// CHECK: 'part_aic' and 'part_aiv' stay two functions: it splits a tile that is valid in part

func.func @part_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc_part
  pto.tpush_to_aiv(%p : !acc_part) {split = 1}
  return
}
func.func @part_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %v = pto.tpop_from_aic {split = 1} -> !upper_part
  return
}

// CHECK: 'part_pushed_aic' and 'part_pushed_aiv' stay two functions: it splits a tile that is valid in part

func.func @part_pushed_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc_part
  pto.tpush_to_aiv(%p : !acc_part) {split = 1}
  return
}
func.func @part_pushed_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %v = pto.tpop_from_aic {split = 1} -> !upper
  return
}

// CHECK: 'shape_aic' and 'shape_aiv' stay two functions: a push of 16x32xf32 meets a pop of 16x16xf32

func.func @shape_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc_small
  pto.tpush_to_aiv(%p : !acc_small) {split = 0}
  return
}
func.func @shape_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %v = pto.tpop_from_aic {split = 0} -> !whole
  return
}

// CHECK: 'half_shape_aic' and 'half_shape_aiv' stay two functions: a push of 16x32xf32 meets a pop of 16x16xf32

func.func @half_shape_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc_small
  pto.tpush_to_aiv(%p : !acc_small) {split = 1}
  return
}
func.func @half_shape_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %v = pto.tpop_from_aic {split = 1} -> !upper
  return
}

// CHECK: 'extent_aic' and 'extent_aiv' stay two functions: how much of the tile it pops is valid is not said

func.func @extent_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}
func.func @extent_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %v = pto.tpop_from_aic {split = 0} -> !some
  return
}

// CHECK: 'in_gm_aic' and 'in_gm_aiv' stay two functions: what it pushes is no tile

func.func @in_gm_aic(%x: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %e = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  pto.tpush_to_aiv(%e : !pto.tensor_view<?x?xf32>) {split = 0}
  return
}
func.func @in_gm_aiv(%x: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  return
}

// CHECK: 'entry_aic' and 'entry_aiv' stay two functions: it is neither a push nor a pop

func.func @entry_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %e = pto.talloc_to_aiv {split = 0} -> !entry
  return
}
func.func @entry_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  return
}

// CHECK: 'offset_aic' and 'offset_aiv' stay two functions: the sub-blocks do different work

func.func @offset_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}
func.func @offset_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %i = pto.get_subblock_idx
  %n = arith.index_cast %i : i64 to index
  %v = pto.tpop_from_aic(%n, %n) {split = 0} -> !some
  return
}

// CHECK: 'count_aic' and 'count_aiv' stay two functions: the sub-blocks do different work

func.func @count_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}
func.func @count_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %i = pto.get_subblock_num
  %n = arith.index_cast %i : i64 to index
  %v = pto.tpop_from_aic(%n, %n) {split = 0} -> !some
  return
}

// CHECK: 'alone_aic' and 'alone_aiv' stay two functions: the second sub-block leaves the channels alone

func.func @alone_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}
func.func @alone_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %i = pto.get_subblock_idx
  %n = arith.index_cast %i : i64 to index
  %c0 = arith.constant 0 : index
  %first = arith.cmpi eq, %n, %c0 : index
  scf.if %first {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  }
  return
}

// CHECK: 'order_aic' and 'order_aiv' stay two functions: the second sub-block uses the channels in another order

func.func @order_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}
func.func @order_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %i = pto.get_subblock_idx
  %n = arith.index_cast %i : i64 to index
  %c0 = arith.constant 0 : index
  %first = arith.cmpi eq, %n, %c0 : index
  scf.if %first {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  } else {
  }
  return
}

// CHECK: 'stores_aic' and 'stores_aiv' stay two functions: the second sub-block stores something

func.func @stores_aic(%x: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}
func.func @stores_aiv(%x: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %zero = arith.constant 0.0 : f32
  %i = pto.get_subblock_idx
  %n = arith.index_cast %i : i64 to index
  %c0 = arith.constant 0 : index
  %first = arith.cmpi eq, %n, %c0 : index
  scf.if %first {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  } else {
    %v = pto.tpop_from_aic(%c0, %c0) {split = 0} -> !some
    pto.store_scalar %zero, %x[%c0] : !pto.ptr<f32>, f32
  }
  return
}

// CHECK: 'bounds_aic' and 'bounds_aiv' stay two functions: the loops around pushes and pops have different bounds

func.func @bounds_aic(%a: index, %b: index) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %k = %c0 to %a step %c1 {
    pto.tpush_to_aiv(%p : !acc) {split = 0}
  }
  return
}
func.func @bounds_aiv(%a: index, %b: index) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %k = %c0 to %b step %c1 {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  }
  return
}

// CHECK: 'written_aic' and 'written_aiv' stay two functions: the loops around pushes and pops have different bounds

func.func @written_aic(%x: !pto.ptr<i32>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = pto.load_scalar %x[%c0] : !pto.ptr<i32> -> i32
  %b = arith.index_cast %m : i32 to index
  scf.for %k = %c0 to %b step %c1 {
    pto.tpush_to_aiv(%p : !acc) {split = 0}
  }
  return
}
func.func @written_aiv(%x: !pto.ptr<i32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = pto.load_scalar %x[%c0] : !pto.ptr<i32> -> i32
  pto.store_scalar %m, %x[%c1] : !pto.ptr<i32>, i32
  %b = arith.index_cast %m : i32 to index
  scf.for %k = %c0 to %b step %c1 {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  }
  return
}

// CHECK: 'conditions_aic' and 'conditions_aiv' stay two functions: the branches around pushes and pops have different conditions

func.func @conditions_aic(%a: i1, %b: i1) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  scf.if %a {
    pto.tpush_to_aiv(%p : !acc) {split = 0}
  }
  return
}
func.func @conditions_aiv(%a: i1, %b: i1) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  scf.if %b {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  }
  return
}

// CHECK: 'own_number_aic' and 'own_number_aiv' stay two functions: the branches around pushes and pops have different conditions

func.func @own_number_aic(%a: index) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %here = arith.cmpi slt, %a, %c0 : index
  scf.if %here {
    pto.tpush_to_aiv(%p : !acc) {split = 1}
  }
  return
}
func.func @own_number_aiv(%a: index) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %i = pto.get_subblock_idx
  %n = arith.index_cast %i : i64 to index
  %here = arith.cmpi slt, %a, %n : index
  scf.if %here {
    %v = pto.tpop_from_aic {split = 1} -> !upper
  }
  return
}

// CHECK: 'kinds_aic' and 'kinds_aiv' stay two functions: a 'scf.for' of the one meets a 'scf.if' of the other

func.func @kinds_aic(%a: index, %b: i1) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %k = %c0 to %a step %c1 {
    pto.tpush_to_aiv(%p : !acc) {split = 0}
  }
  return
}
func.func @kinds_aiv(%a: index, %b: i1) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  scf.if %b {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  }
  return
}

// CHECK: 'many_aic' and 'many_aiv' stay two functions: the loops around pushes and pops have different bounds

func.func @many_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  scf.for %k = %c0 to %c9 step %c1 {
    pto.tpush_to_aiv(%p : !acc) {split = 0}
  }
  return
}
func.func @many_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %k = %c0 to %c8 step %c1 {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  }
  %w = pto.tpop_from_aic {split = 0} -> !whole
  return
}

// CHECK: 'long_aic' and 'long_aiv' stay two functions: pushes and pops of the two functions do not match

func.func @long_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}
func.func @long_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  scf.for %k = %c0 to %c9 step %c1 {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  }
  return
}

// CHECK: 'unpushed_aic' and 'unpushed_aiv' stay two functions: pushes and pops of the two functions do not match

func.func @unpushed_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  return
}
func.func @unpushed_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %v = pto.tpop_from_aic {split = 0} -> !whole
  return
}

// CHECK: 'unpopped_aic' and 'unpopped_aiv' stay two functions: a push before it is popped behind or inside it

func.func @unpopped_aic() attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  return
}
func.func @unpopped_aiv() attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  return
}

// CHECK: 'pending_aic' and 'pending_aiv' stay two functions: a push before it is popped behind or inside it

func.func @pending_aic(%a: index) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %p = pto.undef : !acc
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pto.tpush_to_aiv(%p : !acc) {split = 0}
  scf.for %k = %c0 to %a step %c1 {
    pto.tpush_to_aiv(%p : !acc) {split = 0}
  }
  return
}
func.func @pending_aiv(%a: index) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %k = %c0 to %a step %c1 {
    %v = pto.tpop_from_aic {split = 0} -> !whole
  }
  %w = pto.tpop_from_aic {split = 0} -> !whole
  return
}
