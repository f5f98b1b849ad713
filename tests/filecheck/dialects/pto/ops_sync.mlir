// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

func.func @flags(%e: index, %p: !pto.ptr<i64>) {
  pto.set_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID0>]
  // CHECK: pto.set_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID0>]
  pto.wait_flag["PIPE_MTE2", "PIPE_V", "EVENT_ID0"]
  // CHECK: pto.wait_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID0>]
  pto.set_flag_dyn [#pto.pipe<PIPE_V>, #pto.pipe<PIPE_MTE3>, %e]
  // CHECK: pto.set_flag_dyn[<PIPE_V>, <PIPE_MTE3>, %e]
  pto.wait_flag_dyn[<PIPE_V>, <PIPE_MTE3>, %e] {note = "kept"}
  // CHECK: pto.wait_flag_dyn[<PIPE_V>, <PIPE_MTE3>, %e] {note = "kept"}
  pto.record_event [#pto.pipe_event_type<TLOAD>, #pto.pipe_event_type<TVEC>, #pto.event<EVENT_ID0>]
  // CHECK: pto.record_event[#pto.pipe_event_type<TLOAD>, #pto.pipe_event_type<TVEC>, <EVENT_ID0>]
  pto.wait_event[#pto.sync_op_type<TLOAD>, #pto.sync_op_type<TMATMUL>, <EVENT_ID7>]
  // CHECK: pto.wait_event[#pto.sync_op_type<TLOAD>, #pto.sync_op_type<TMATMUL>, <EVENT_ID7>]
  pto.barrier <PIPE_ALL>
  // CHECK: pto.barrier <PIPE_ALL>
  pto.barrier #pto.pipe<PIPE_V>
  // CHECK: pto.barrier <PIPE_V>
  pto.barrier_sync[#pto.sync_op_type<TVEC>]
  // CHECK: pto.barrier_sync[#pto.sync_op_type<TVEC>]
  pto.fence.barrier_all #pto.fence_scope<gm>
  // CHECK: pto.fence.barrier_all #pto.fence_scope<gm>
  pto.get_buf "PIPE_MTE2", 0
  // CHECK: pto.get_buf "PIPE_MTE2", 0, 0
  pto.rls_buf[#pto.pipe_event_type<TLOAD>, 3, 1]
  // CHECK: pto.rls_buf[#pto.pipe_event_type<TLOAD>, 3, 1]
  pto.get_buf_dyn "PIPE_V", %e, 0
  // CHECK: pto.get_buf_dyn "PIPE_V", %e, 0
  pto.rls_buf_dyn[#pto.pipe_event_type<TVEC>, %e, 0]
  // CHECK: pto.rls_buf_dyn[#pto.pipe_event_type<TVEC>, %e, 0]
  pto.set_ffts %p : !pto.ptr<i64>
  // CHECK: pto.set_ffts %p : !pto.ptr<i64>
  func.return
}

func.func @cores(%e: index, %gm: !pto.ptr<i32>, %view: !pto.partition_tensor_view<1x64xf32>, %n: i32, %t: !pto.tile_buf<vec, 8x16xf32>) {
  pto.sync.set <PIPE_MTE3>, 0
  // CHECK: pto.sync.set <PIPE_MTE3>, 0
  pto.sync.wait <PIPE_V>, 2 {ffts_mode = 2 : i32}
  // CHECK: pto.sync.wait <PIPE_V>, 2 {ffts_mode = 2 : i32}
  pto.sync.set #pto.pipe<PIPE_FIX>, %e
  // CHECK: pto.sync.set <PIPE_FIX>, %e
  pto.set_cross_block <PIPE_FIX>, 3
  // CHECK: pto.set_cross_block <PIPE_FIX>, 3
  pto.wait_cross_block <PIPE_V>, %e
  // CHECK: pto.wait_cross_block <PIPE_V>, %e
  pto.set_intra_block <PIPE_MTE1>, 15
  // CHECK: pto.set_intra_block <PIPE_MTE1>, 15
  pto.wait_intra_block <PIPE_V>, 0
  // CHECK: pto.wait_intra_block <PIPE_V>, 0
  pto.cmo.cacheinvalid all #pto.address_space<gm>
  // CHECK: pto.cmo.cacheinvalid all #pto.address_space<gm>
  pto.cmo.cacheinvalid %view single_cache_line : !pto.partition_tensor_view<1x64xf32>
  // CHECK: pto.cmo.cacheinvalid %view single_cache_line : !pto.partition_tensor_view<1x64xf32>
  pto.syncall() mode = #pto.sync_all_mode<hard>, core_type = #pto.sync_core_type<mix>
  // CHECK: pto.syncall() mode = #pto.sync_all_mode<hard>, core_type = #pto.sync_core_type<mix>
  pto.syncall(%gm : !pto.ptr<i32>) mode = #pto.sync_all_mode<soft>, core_type = #pto.sync_core_type<aiv_only>
  // CHECK: pto.syncall(%gm : !pto.ptr<i32>) mode = #pto.sync_all_mode<soft>, core_type = #pto.sync_core_type<aiv_only>
  pto.syncall(%gm, %n : !pto.ptr<i32>, i32) mode = #pto.sync_all_mode<soft>, core_type = #pto.sync_core_type<aiv_only>
  // CHECK: pto.syncall(%gm, %n : !pto.ptr<i32>, i32) mode = #pto.sync_all_mode<soft>, core_type = #pto.sync_core_type<aiv_only>
  pto.tsync ins(%t, %view : !pto.tile_buf<vec, 8x16xf32>, !pto.partition_tensor_view<1x64xf32>)
  // CHECK: pto.tsync ins(%t, %view : !pto.tile_buf<vec, 8x16xf32>, !pto.partition_tensor_view<1x64xf32>)
  func.return
}
