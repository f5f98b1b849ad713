// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!v = !pto.partition_tensor_view<8x64xf32>
// CHECK: expects 1 or 2 staging buffers, found 0
func.func @f(%d: !v, %s: !v) {
  pto.comm.tput(%d, %s : !v, !v)
  func.return
}

// -----

!v = !pto.partition_tensor_view<8x64xf32>
!w = !pto.partition_tensor_view<8x32xf32>
!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects views of one type, found !pto.partition_tensor_view<8x64xf32> and !pto.partition_tensor_view<8x32xf32>
func.func @f(%d: !v, %s: !w, %p: !b) {
  pto.comm.tput(%d, %s, buf(%p) : !v, !w, !b)
  func.return
}

// -----

!v = !pto.partition_tensor_view<8x64xf32>
!b_f16 = !pto.tile_buf<vec, 8x64xf16>
// CHECK: expects staging buffers of f32 elements, found f16
func.func @f(%d: !v, %s: !v, %p: !b_f16) {
  pto.comm.tget(%d, %s, buf(%p) : !v, !v, !b_f16)
  func.return
}

// -----

!v = !pto.partition_tensor_view<8x64xf32>
!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: unexpected 'recv'
func.func @f(%d: !v, %s: !v, %p: !b) {
  pto.comm.tget(%d, %s, recv(%p) : !v, !v, !b)
  func.return
}

// -----

!signal = !pto.partition_tensor_view<1xi32>
// CHECK: expects attribute notifyOp, found none
func.func @f(%s: !signal, %n: i32) {
  pto.comm.tnotify(%s, %n : !signal, i32)
  func.return
}

// -----

!signal = !pto.partition_tensor_view<1xi32>
// CHECK: expects an i32 value, found i64
func.func @f(%s: !signal, %n: i64) {
  pto.comm.twait(%s, %n : !signal, i64) {cmp = #pto<wait_cmp ge>}
  func.return
}

// -----

!v = !pto.partition_tensor_view<8x64xf32>
// CHECK: expects a view of i32 as signal, found !pto.partition_tensor_view<8x64xf32>
func.func @f(%s: !v, %n: i32) {
  pto.comm.twait(%s, %n : !v, i32) {cmp = #pto<wait_cmp ge>}
  func.return
}

// -----

!v = !pto.partition_tensor_view<8x64xf32>
!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects a root below the group's size 2, found 2
func.func @f(%d: !v, %s: !v, %p: !b) {
  pto.comm.tbroadcast(%d, recv(%p), group(%s, %s) : !v, !b, !v, !v) {root = 2 : i32}
  func.return
}

// -----

!v = !pto.partition_tensor_view<8x64xf32>
!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects a group, found 0 views
func.func @f(%d: !v, %p: !b) {
  pto.comm.tgather(%d, recv(%p) : !v, !b) {root = 0 : i32}
  func.return
}
