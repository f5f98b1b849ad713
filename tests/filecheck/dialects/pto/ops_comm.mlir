// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!v = !pto.partition_tensor_view<8x64xf32>
!signal = !pto.partition_tensor_view<1x1xi32>
!b = !pto.tile_buf<vec, 8x64xf32>
!t = !pto.tile<vec, 8x64xf32>

func.func @buffer(%d: !v, %s: !v, %w: !v, %sig: !signal, %n: i32, %ping: !b, %pong: !b) {
  pto.comm.tput(%d, %s, buf(%ping) : !v, !v, !b) {atomicType = #pto<atomic_type atomic_none>}
  // CHECK: pto.comm.tput(%d, %s, buf(%ping) : !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) {atomicType = #pto<atomic_type atomic_none>}
  pto.comm.tput(%d, %s, buf(%ping, %pong) : !v, !v, !b, !b)
  // CHECK: pto.comm.tput(%d, %s, buf(%ping, %pong) : !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>)
  pto.comm.tget(%d, %s, buf(%ping) : !v, !v, !b) {note = "kept"}
  // CHECK: pto.comm.tget(%d, %s, buf(%ping) : !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) {note = "kept"}
  pto.comm.tnotify(%sig, %n : !signal, i32) {notifyOp = #pto<notify_op atomic_add>}
  // CHECK: pto.comm.tnotify(%sig, %n : !pto.partition_tensor_view<1x1xi32>, i32) {notifyOp = #pto<notify_op atomic_add>}
  pto.comm.twait(%sig, %n : !signal, i32) {cmp = #pto<wait_cmp ge>}
  // CHECK: pto.comm.twait(%sig, %n : !pto.partition_tensor_view<1x1xi32>, i32) {cmp = #pto<wait_cmp ge>}
  %done = pto.comm.ttest(%sig, %n : !signal, i32) {cmp = #pto<wait_cmp eq>} -> i1
  // CHECK: %done = pto.comm.ttest(%sig, %n : !pto.partition_tensor_view<1x1xi32>, i32) {cmp = #pto<wait_cmp eq>} -> i1
  pto.comm.tbroadcast(%d, recv(%ping), group(%s, %w) : !v, !b, !v, !v) {root = 1 : i32}
  // CHECK: pto.comm.tbroadcast(%d, recv(%ping), group(%s, %w) : !pto.partition_tensor_view<8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>) {root = 1 : i32}
  pto.comm.tscatter(%d, recv(%ping, %pong), group(%s, %w) : !v, !b, !b, !v, !v) {root = 0 : i32}
  // CHECK: pto.comm.tscatter(%d, recv(%ping, %pong), group(%s, %w) : !pto.partition_tensor_view<8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>) {root = 0 : i32}
  pto.comm.tgather(%d, recv(%ping), group(%s, %w) : !v, !b, !v, !v) {root = 0 : i32}
  // CHECK: pto.comm.tgather(%d, recv(%ping), group(%s, %w) : !pto.partition_tensor_view<8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>) {root = 0 : i32}
  pto.comm.treduce(%d, %ping, recv(%pong), group(%s, %w) : !v, !b, !b, !v, !v) {reduceOp = #pto<reduce_op sum>, root = 0 : i32}
  // CHECK: pto.comm.treduce(%d, %ping, recv(%pong), group(%s, %w) : !pto.partition_tensor_view<8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>) {reduceOp = #pto<reduce_op sum>, root = 0 : i32}
  func.return
}

func.func @value(%d: !v, %s: !v, %ping: !t) {
  pto.comm.tput(%d, %s, buf(%ping) : !v, !v, !t)
  // CHECK: pto.comm.tput(%d, %s, buf(%ping) : !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.tile<vec, 8x64xf32>)
  func.return
}

func.func @later(%d: !v, %s: !v, %ws: !pto.ptr<i8>, %scratch: !pto.tile_buf<vec, 1x256xi8>) {
  %session = pto.comm.build_async_session(%scratch, %ws : !pto.tile_buf<vec, 1x256xi8>, !pto.ptr<i8>) {sync_id = 0 : i32} -> !pto.async_session
  // CHECK: %session = pto.comm.build_async_session(%scratch, %ws : !pto.tile_buf<vec, 1x256xi8>, !pto.ptr<i8>) {sync_id = 0 : i32} -> !pto.async_session
  %put = pto.comm.tput_async(%d, %s, %session : !v, !v, !pto.async_session) -> !pto.async_event
  // CHECK: %put = pto.comm.tput_async(%d, %s, %session : !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.async_session) -> !pto.async_event
  %get = pto.comm.tget_async(%d, %s, %session : !v, !v, !pto.async_session) -> !pto.async_event
  // CHECK: %get = pto.comm.tget_async(%d, %s, %session : !pto.partition_tensor_view<8x64xf32>, !pto.partition_tensor_view<8x64xf32>, !pto.async_session) -> !pto.async_event
  %a = pto.comm.wait_async_event(%put, %session : !pto.async_event, !pto.async_session) -> i1
  // CHECK: %a = pto.comm.wait_async_event(%put, %session : !pto.async_event, !pto.async_session) -> i1
  %b = pto.comm.test_async_event(%get, %session : !pto.async_event, !pto.async_session) -> i1
  // CHECK: %b = pto.comm.test_async_event(%get, %session : !pto.async_event, !pto.async_session) -> i1
  %ctx = pto.make_prefetch_async_context(%ws : !pto.ptr<i8>) -> !pto.prefetch_async_context
  // CHECK: %ctx = pto.make_prefetch_async_context(%ws : !pto.ptr<i8>) -> !pto.prefetch_async_context
  %pre = pto.tprefetch_async(%s, %ctx : !v, !pto.prefetch_async_context) -> !pto.async_event
  // CHECK: %pre = pto.tprefetch_async(%s, %ctx : !pto.partition_tensor_view<8x64xf32>, !pto.prefetch_async_context) -> !pto.async_event
  %other = pto.get_prefetch_async_session %ctx : !pto.prefetch_async_context -> !pto.async_session
  // CHECK: %other = pto.get_prefetch_async_session %ctx : !pto.prefetch_async_context -> !pto.async_session
  func.return
}
