// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

// CHECK: expected pipe to be one of PIPE_S, PIPE_V, PIPE_M, PIPE_MTE1, PIPE_MTE2, PIPE_MTE3, PIPE_ALL, PIPE_MTE4, PIPE_MTE5, PIPE_V2, PIPE_FIX, VIRTUAL_PIPE_MTE2_L1A, VIRTUAL_PIPE_MTE2_L1B, PIPE_NUM, PIPE_UNASSIGNED, found 'PIPE_X'
func.func @f() {
  pto.set_flag[<PIPE_X>, <PIPE_V>, <EVENT_ID0>]
  func.return
}

// -----

// CHECK: expected one of EVENT_ID0, EVENT_ID1, EVENT_ID2, EVENT_ID3, EVENT_ID4, EVENT_ID5, EVENT_ID6, EVENT_ID7, found 'EVENT_ID8'
func.func @f() {
  pto.wait_flag["PIPE_MTE2", "PIPE_V", "EVENT_ID8"]
  func.return
}

// -----

// CHECK: expects an event between 0 and 15 on a5, found 16
builtin.module attributes {pto.target_arch = "a5"} {
  func.func @a5() {
    pto.sync.set <PIPE_V>, 16
    func.return
  }
}

// -----

// CHECK: expects an event between 0 and 15 on a2a3, found 16
func.func @a3() {
  pto.sync.set <PIPE_S>, 16
  pto.set_intra_block <PIPE_V>, 16
  func.return
}

// -----

// CHECK: expects one of PIPE_FIX, PIPE_MTE1, PIPE_MTE2, PIPE_MTE3, PIPE_V on a2a3, found PIPE_M
func.func @f() {
  pto.set_cross_block <PIPE_M>, 1
  func.return
}

// -----

// CHECK: expects the address space gm, found vec
func.func @f() {
  pto.cmo.cacheinvalid all #pto.address_space<vec>
  func.return
}

// -----

// CHECK: expects a GM workspace in soft mode
func.func @f() {
  pto.syncall() mode = #pto.sync_all_mode<soft>, core_type = #pto.sync_core_type<mix>
  func.return
}

// -----

// CHECK: expects no GM workspace in hard mode
func.func @f(%p: !pto.ptr<i32>) {
  pto.syncall(%p : !pto.ptr<i32>) mode = #pto.sync_all_mode<hard>, core_type = #pto.sync_core_type<mix>
  func.return
}
