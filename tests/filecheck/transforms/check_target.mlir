// What pto-check-target refuses, warns about and takes, rule by rule.
//
// RUN: dsv4-opt %s --split-input-file --verify-diagnostics --disable-verify --warn -p 'pto-check-target{ptoas="0.60"}' 2>%t.0.60 | filecheck %s
// RUN: dsv4-opt %s --split-input-file --verify-diagnostics --disable-verify --warn -p 'pto-check-target{ptoas="0.61"}' 2>%t.0.61 | filecheck %s --check-prefix=NEWER
// RUN: dsv4-opt %s --split-input-file --verify-diagnostics --disable-verify --warn -p 'pto-check-target{ptoas="0.43"}' 2>%t.0.43 | filecheck %s --check-prefix=OLDEST
// RUN: filecheck %s --input-file %t.0.60 --check-prefix=WARN
// RUN: filecheck %s --input-file %t.0.61 --check-prefix=WARN-NEWER
// RUN: not dsv4-opt %s -p 'pto-check-target{chip=a9}' 2>&1 | filecheck %s --check-prefix=CHIP
// RUN: not dsv4-opt %s -p 'pto-check-target{ptoas="0.1"}' 2>&1 | filecheck %s --check-prefix=VERSION
// CHIP: error: pass pto-check-target: unknown chip 'a9'; known are a2a3, a2, a3, a5
// VERSION: error: pass pto-check-target: ptoas 0.1 is older than 0.43; the rules of 0.43, 0.44, 0.57, 0.60 are known

// What is wrong under a condition only, or was wrong in the newest version known here, is a warning.
// WARN: check_target.mlir:[[#]]:3: warning: 'pto.tci' with ptoas 0.60: wrong results: with a scratch operand tci runs on the vector pipe, synchronised as a scalar one where the result is stored, or read by a scalar operation, and no vector operation comes between; copy the result with a vector operation first (PTOAS issues 1499 and 1532)
// WARN-NOT: {{.}}
// WARN-NEWER: warning: 'pto.tcmp' with ptoas 0.61: rejected: the packed predicate would have to be as large as the compared tiles (up to 0.60; whether newer ones do is not known); subtract, then tcmps with zero (PTOAS issue 1450)
// WARN-NEWER: warning: 'pto.tci' with ptoas 0.61: {{.*}} no vector operation comes between (up to 0.60; whether newer ones do is not known); copy the result {{.*}}
// WARN-NEWER-NOT: {{.}}

// -----

// The element type is that of what is chosen from, not that of the mask.
// CHECK: func.func @select
func.func @select(%m: !pto.tile_buf<vec, 8x32xui8, valid=8x8>, %x: !pto.tile_buf<vec, 8x64xf32>) {
  %s = pto.alloc_tile : !pto.tile_buf<vec, 1x32xui8>
  pto.tsel ins(%m, %x, %x, %s : !pto.tile_buf<vec, 8x32xui8, valid=8x8>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 1x32xui8>) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  func.return
}

// -----

// CHECK: check_target.mlir:34:3: error: 'pto.tsel' takes bf16/f16/f32/i16/i32/ui16/ui32 on a2a3, found i8 (ptoas 0.60 PTO.cpp TSelOp::verify)
func.func @select_i8(%m: !pto.tile_buf<vec, 8x32xui8, valid=8x8>, %x: !pto.tile_buf<vec, 8x64xi8>) {
  pto.tsel ins(%m, %x, %x : !pto.tile_buf<vec, 8x32xui8, valid=8x8>, !pto.tile_buf<vec, 8x64xi8>, !pto.tile_buf<vec, 8x64xi8>) outs(%x : !pto.tile_buf<vec, 8x64xi8>)
  func.return
}

// -----

// The same in value form.
// CHECK: error: 'pto.tsels' takes f16/f32/i16/i32/ui16/ui32 on a2a3, found bf16 (ptoas 0.60 PTO.cpp TSelSOp::verify)
func.func @select_scalar(%m: !pto.tile<vec, 8x32xui8, valid=8x8>, %x: !pto.tile<vec, 8x64xbf16>, %s: bf16) {
  %y = pto.tsels ins(%m, %x, %s : !pto.tile<vec, 8x32xui8, valid=8x8>, !pto.tile<vec, 8x64xbf16>, bf16) -> !pto.tile<vec, 8x64xbf16>
  func.return
}

// -----

// A comparison's is that of what is compared, an arg-reduction's that of its source.
// CHECK: func.func @compare
func.func @compare(%x: !pto.tile<vec, 8x64xf32>, %s: f32) {
  %m = pto.tcmps ins(%x, %s {cmpMode = #pto<cmp ne>} : !pto.tile<vec, 8x64xf32>, f32) -> !pto.tile<vec, 8x32xui8, valid=8x8>
  %i = pto.trowargmax ins(%x : !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x1xi32, blayout=col_major>
  func.return
}

// -----

// CHECK: error: 'pto.tcmp' takes f16/f32/i32/ui32 on a2a3, found i16 (ptoas 0.60 PTO.cpp TCmpOp::verify)
func.func @compare_i16(%x: !pto.tile<vec, 8x64xi16>) {
  %m = pto.tcmp ins(%x, %x : !pto.tile<vec, 8x64xi16>, !pto.tile<vec, 8x64xi16>) -> !pto.tile<vec, 8x32xui8, valid=8x8>
  func.return
}

// -----

// A store's is that of the tile, from an accumulator that of what arrives in GM.
// CHECK: func.func @stores
func.func @stores(%v: !pto.tile<vec, 16x16xi8>, %p: !pto.partition_tensor_view<16x16xi8>, %a: !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>, %q: !pto.partition_tensor_view<16x16xbf16>) {
  pto.tstore ins(%v : !pto.tile<vec, 16x16xi8>) outs(%p : !pto.partition_tensor_view<16x16xi8>)
  pto.tstore ins(%a : !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>) outs(%q : !pto.partition_tensor_view<16x16xbf16>)
  func.return
}

// -----

// CHECK: error: 'pto.tstore' takes bf16/f16/f32/i32/ui32 on a2a3, found i8 (ptoas 0.60 PTO.cpp TStoreOp::verify, destination)
func.func @store_i8(%a: !pto.tile<acc, 16x16xi32, blayout=col_major, slayout=row_major, fractal=1024>, %q: !pto.partition_tensor_view<16x16xi8>) {
  pto.tstore ins(%a : !pto.tile<acc, 16x16xi32, blayout=col_major, slayout=row_major, fractal=1024>) outs(%q : !pto.partition_tensor_view<16x16xi8>)
  func.return
}

// -----

// CHECK: error: 'pto.tload' takes bf16/f16/f32/i16/i32/i64/i8/ui16/ui32/ui64/ui8 on a2a3, found f8E4M3FN (ptoas 0.60 PTO.cpp TLoadOp::verify)
func.func @load_fp8(%p: !pto.partition_tensor_view<16x32xf8E4M3FN>) {
  %v = pto.tload ins(%p : !pto.partition_tensor_view<16x32xf8E4M3FN>) -> !pto.tile<vec, 16x32xf8E4M3FN>
  func.return
}

// -----

// What one chip lacks the other may have.
// CHECK: func.func @load_fp8
module attributes {pto.target_arch = "a5"} {
  func.func @load_fp8(%p: !pto.partition_tensor_view<16x32xf8E4M3FN>) {
    %v = pto.tload ins(%p : !pto.partition_tensor_view<16x32xf8E4M3FN>) -> !pto.tile<vec, 16x32xf8E4M3FN>
    func.return
  }
}

// -----

// CHECK: error: 'pto.trandom' exists on a5 only, found a2a3
func.func @random(%s: i32) {
  %v = pto.trandom ins(%s, %s, %s, %s, %s, %s : i32, i32, i32, i32, i32, i32) -> !pto.tile<vec, 8x64xi32>
  func.return
}

// -----

// CHECK: error: 'pto.tmov' cannot move from vec to mat memory on a2a3; possible are acc to mat, acc to vec, mat to bias, mat to left, mat to right, mat to scaling, vec to vec
func.func @move(%x: !pto.tile<vec, 16x16xf32>) {
  %m = pto.tmov ins(%x : !pto.tile<vec, 16x16xf32>) -> !pto.tile<mat, 16x16xf32>
  func.return
}

// -----

// CHECK: error: 'pto.tmatmul' expects (dst, lhs, rhs) element types to be one of {{.*}}, found (f32, f32, bf16)
func.func @product(%l: !pto.tile<left, 16x16xf32, blayout=col_major, slayout=row_major>, %r: !pto.tile<right, 16x16xbf16, slayout=col_major>) {
  %p = pto.tmatmul ins(%l, %r : !pto.tile<left, 16x16xf32, blayout=col_major, slayout=row_major>, !pto.tile<right, 16x16xbf16, slayout=col_major>) -> !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
  func.return
}

// -----

// CHECK: error: 'pto.tgather' (index) expects an index of i32/ui32 on a2a3, found i16
func.func @gather_i16(%x: !pto.tile<vec, 8x64xf32>, %i: !pto.tile<vec, 8x64xi16>) {
  %g = pto.tgather ins(%x, %i : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xi16>) -> !pto.tile<vec, 8x64xf32>
  func.return
}

// -----

// CHECK: error: 'pto.tgather' (index) takes f16/f32/i16/i32/ui16/ui32 on a2a3, found bf16 (ptoas 0.60 PTO.cpp TGatherOp::verify, index form)
func.func @gather_bf16(%x: !pto.tile<vec, 8x64xbf16>, %i: !pto.tile<vec, 8x64xi32>) {
  %g = pto.tgather ins(%x, %i : !pto.tile<vec, 8x64xbf16>, !pto.tile<vec, 8x64xi32>) -> !pto.tile<vec, 8x64xbf16>
  func.return
}

// -----

// What a version always gets wrong is an error, of one newer than all known ones a warning.
// CHECK: error: 'pto.tcmp' with ptoas 0.60: rejected: the packed predicate would have to be as large as the compared tiles; subtract, then tcmps with zero (PTOAS issue 1450)
// NEWER: func.func @compare_on_a5
module attributes {pto.target_arch = "a5"} {
  func.func @compare_on_a5(%x: !pto.tile<vec, 8x64xf32>) {
    %m = pto.tcmp ins(%x, %x : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x32xui8, valid=8x8>
    func.return
  }
}

// -----

// A defect that a newer version mended is none there; one under a condition is a warning.
// CHECK: func.func @iota
// OLDEST: error: 'pto.tci' with ptoas 0.43: wrong results: tci runs on the scalar pipe and is synchronised as a vector operation; load the index from GM, or use the mask form that needs none (PTOAS issue 735, pull request 740)
func.func @iota(%s: i32) {
  %i = pto.tci ins(%s : i32) -> !pto.tile<vec, 1x64xi32>
  func.return
}

// -----

// CHECK: check_target.mlir:169:3: error: a tile reaches to byte 197632 of vec memory, a2a3 has 188416 usable of 196608
func.func @beyond() {
  %a = arith.constant 195584 : i64
  %t = pto.alloc_tile addr = %a : !pto.tile_buf<vec, 8x64xf32>
  func.return
}

// -----

// CHECK: error: 3 tiles reach to byte 196608 of vec memory, a2a3 has 188416 usable of 196608
func.func @beyond_in_slots() {
  %a = arith.constant 0 : i64
  %t = pto.alloc_multi_tile addr = %a : !pto.multi_tile_buf<vec, 256x64xf32, count=3>
  func.return
}

// -----

// CHECK: error: the buffer 'slots' reaches to byte 197632 of vec memory, a2a3 has 188416 usable of 196608
func.func @beyond_for_a_pipe() {
  %r = pto.reserve_buffer {name = "slots", size = 8192, location = #pto.address_space<vec>, auto = false, base = 189440} -> i32
  func.return
}

// -----

// What ends where usable memory does, or has no constant address, is taken.
// CHECK: func.func @within
func.func @within(%any: i64) {
  %a = arith.constant 186368 : i64
  %t = pto.alloc_tile addr = %a : !pto.tile_buf<vec, 8x64xf32>
  %u = pto.alloc_tile addr = %any : !pto.tile_buf<vec, 256x256xf32>
  func.return
}
