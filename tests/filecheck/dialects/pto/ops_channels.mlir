// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!acc = !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>
!b = !pto.tile_buf<vec, 16x64xf32>
!b_half = !pto.tile_buf<vec, 8x64xf32, valid=?x?>
!mat = !pto.tile_buf<mat, 16x64xf32, blayout=col_major, slayout=row_major>
!entry = !pto.tensor_view<16x64xf32>

func.func @cube(%t: !acc, %gm: !pto.ptr<f32>, %zero: i32, %scale: f32, %fp: !pto.tile_buf<scaling, 1x64xui64>) attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %there = pto.import_reserved_buffer {name = "c2v", peer_func = @vector} -> i32
  // CHECK: %there = pto.import_reserved_buffer {name = "c2v", peer_func = @vector} -> i32
  %here = pto.reserve_buffer {name = "v2c", size = 8192, location = #pto.address_space<mat>, auto = false, base = 0} -> i32
  // CHECK: %here = pto.reserve_buffer {name = "v2c", size = 8192, location = #pto.address_space<mat>, auto = false, base = 0} -> i32
  pto.aic_initialize_pipe {dir_mask = 1, slot_size = 4096} (gm_slot_buffer = %gm : !pto.ptr<f32>, c2v_consumer_buf = %there : i32, v2c_consumer_buf = %zero : i32)
  // CHECK: pto.aic_initialize_pipe {dir_mask = 1, slot_size = 4096}(gm_slot_buffer = %gm : !pto.ptr<f32>, c2v_consumer_buf = %there : i32, v2c_consumer_buf = %zero : i32)
  pto.aic_initialize_pipe {id = 1, dir_mask = 3, slot_size = 4096, slot_num = 2, local_slot_num = 1, nosplit = true}(c2v_consumer_buf = %there : i32, v2c_consumer_buf = %here : i32) {note = "kept"}
  // CHECK: pto.aic_initialize_pipe {id = 1, dir_mask = 3, slot_size = 4096, slot_num = 2, local_slot_num = 1, nosplit = true}(c2v_consumer_buf = %there : i32, v2c_consumer_buf = %here : i32) {note = "kept"}
  pto.aic_initialize_pipe {id = 2, dir_mask = 1, slot_size = 4096, nosplit = true, acc_push_epilogue = #pto.acc_push_epilogue<layout = nz2nd, quant = f32_f16, relu = no_relu>}(c2v_consumer_buf = %there : i32)
  // CHECK: pto.aic_initialize_pipe {id = 2, dir_mask = 1, slot_size = 4096, nosplit = true, acc_push_epilogue = #pto.acc_push_epilogue<layout = nz2nd, quant = f32_f16, relu = no_relu>}(c2v_consumer_buf = %there : i32)
  pto.set_quant_scalar(%scale : f32) {id = 0}
  // CHECK: pto.set_quant_scalar(%scale : f32) {id = 0}
  pto.set_quant_vector(%fp : !pto.tile_buf<scaling, 1x64xui64>) {id = 0}
  // CHECK: pto.set_quant_vector(%fp : !pto.tile_buf<scaling, 1x64xui64>) {id = 0}
  pto.tpush_to_aiv(%t : !acc) {split = 0}
  // CHECK: pto.tpush_to_aiv(%t : !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>) {split = 0}
  pto.tpush_to_aiv(%t : !acc) {id = 1, split = 2} {note = "kept"}
  // CHECK: pto.tpush_to_aiv(%t : !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>) {id = 1, split = 2} {note = "kept"}
  %m = pto.tpop_from_aiv {id = 1, split = 0} -> !mat
  // CHECK: %m = pto.tpop_from_aiv {id = 1, split = 0} -> !pto.tile_buf<mat, 16x64xf32, blayout=col_major, slayout=row_major>
  pto.tfree_from_aiv {id = 1, split = 0}
  // CHECK: pto.tfree_from_aiv {id = 1, split = 0}
  %e = pto.talloc_to_aiv {split = 0} -> !entry
  // CHECK: %e = pto.talloc_to_aiv {split = 0} -> !pto.tensor_view<16x64xf32>
  func.return
}

func.func @vector(%t: !b, %r: index, %c: index, %core: i64, %zero: i32) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %here = pto.reserve_buffer {name = "c2v", size = 8192, location = <vec>, auto = true} -> i32
  // CHECK: %here = pto.reserve_buffer {name = "c2v", size = 8192, location = #pto.address_space<vec>, auto = true} -> i32
  pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 4096}(c2v_consumer_buf = %here : i32, v2c_consumer_buf = %zero : i32)
  // CHECK: pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 4096}(c2v_consumer_buf = %here : i32, v2c_consumer_buf = %zero : i32)
  %p = pto.tpop_from_aic {split = 0} -> !b
  // CHECK: %p = pto.tpop_from_aic {split = 0} -> !pto.tile_buf<vec, 16x64xf32>
  %q = pto.tpop_from_aic(%r, %c) {id = 1, split = 1} aiv_subblockid(%core) -> !b_half
  // CHECK: %q = pto.tpop_from_aic(%r, %c) {id = 1, split = 1} aiv_subblockid(%core) -> !pto.tile_buf<vec, 8x64xf32, valid=?x?>
  pto.tfree_from_aic {split = 0}
  // CHECK: pto.tfree_from_aic {split = 0}
  pto.tfree_from_aic{id = 1, split = 1}
  // CHECK: pto.tfree_from_aic {id = 1, split = 1}
  pto.tpush_to_aic(%t : !b) {id = 1, split = 1} aiv_subblockid(%core)
  // CHECK: pto.tpush_to_aic(%t : !pto.tile_buf<vec, 16x64xf32>) {id = 1, split = 1} aiv_subblockid(%core)
  func.return
}

func.func @value(%t: !pto.tile<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>) {
  pto.tpush_to_aiv(%t : !pto.tile<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>) {split = 0}
  // CHECK: pto.tpush_to_aiv(%t : !pto.tile<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>) {split = 0}
  %p = pto.tpop_from_aic {split = 0} -> !pto.tile<vec, 16x64xf32>
  // CHECK: %p = pto.tpop_from_aic {split = 0} -> !pto.tile<vec, 16x64xf32>
  func.return
}
