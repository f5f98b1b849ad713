// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects split to be between 0 and 4, found 5
func.func @f(%t: !b) {
  pto.tpush_to_aic(%t : !b) {split = 5}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: property 'split' expected in operation 'pto.tpush_to_aic'
func.func @f(%t: !b) {
  pto.tpush_to_aic(%t : !b) {id = 0}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: 'colour' is not one of id, split
func.func @f(%t: !b) {
  pto.tpush_to_aic(%t : !b) {split = 0, colour = 1}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: 'split' is given twice
func.func @f(%t: !b) {
  pto.tpush_to_aic(%t : !b) {split = 0, split = 1}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expected an integer for 'split', found "none"
func.func @f(%t: !b) {
  pto.tpush_to_aic(%t : !b) {split = "none"}
  func.return
}

// -----

// CHECK: operand 'tile' at position 0 does not verify:
func.func @f(%n: i32) {
  pto.tpush_to_aic(%n : i32) {split = 0}
  func.return
}

// -----

// CHECK: expects dir_mask to be 1, 2 or 3, found 4
func.func @f(%n: i32) {
  pto.aic_initialize_pipe {dir_mask = 4, slot_size = 1024}(c2v_consumer_buf = %n : i32)
  func.return
}

// -----

// CHECK: expects a v2c_consumer_buf for dir_mask 3, found none
func.func @f(%n: i32) {
  pto.aiv_initialize_pipe {dir_mask = 3, slot_size = 1024}(c2v_consumer_buf = %n : i32)
  func.return
}

// -----

// CHECK: operand 'consumer' is not one of gm_slot_buffer, gm_slot_tensor, c2v_consumer_buf, v2c_consumer_buf
func.func @f(%n: i32) {
  pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 1024}(consumer = %n : i32)
  func.return
}

// -----

// CHECK: expects a positive size, found 0
func.func @f() {
  %b = pto.reserve_buffer {name = "x", size = 0, location = #pto.address_space<vec>, auto = true} -> i32
  func.return
}

// -----

// CHECK: expects a location in vec or mat memory, found acc
func.func @f() {
  %b = pto.reserve_buffer {name = "x", size = 64, location = #pto.address_space<acc>, auto = true} -> i32
  func.return
}

// -----

// CHECK: expects a base where auto is false, found none
func.func @f() {
  %b = pto.reserve_buffer {name = "x", size = 64, location = #pto.address_space<vec>, auto = false} -> i32
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects aiv_subblockid only where the tile is split, found split = 0
func.func @f(%t: !b, %core: i64) {
  pto.tpush_to_aic(%t : !b) {split = 0} aiv_subblockid(%core)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 16x64xf32>
// CHECK: expects a result with valid=?x? beside valid extents, found !pto.tile_buf<vec, 16x64xf32>
func.func @f(%n: index) {
  %t = pto.tpop_from_aic(%n, %n) {split = 0} -> !b
  func.return
}

// -----

// CHECK: expects 1 <= local_slot_num <= slot_num, found 3 and 2
func.func @f(%n: i32) {
  pto.aiv_initialize_pipe {dir_mask = 1, slot_size = 1024, slot_num = 2, local_slot_num = 3}(c2v_consumer_buf = %n : i32)
  func.return
}
