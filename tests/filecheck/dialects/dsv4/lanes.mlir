// RUN: dsv4-opt %s | dsv4-opt | filecheck %s

// CHECK-LABEL: @pairs
func.func @pairs(%x: !pto.tile<vec, 64x64xf32>, %c: !pto.tile<vec, 1x32xf32>, %w: !pto.tile<vec, 64x64xf32>) {
  // CHECK: %e, %o = dsv4.deinterleave %x : !pto.tile<vec, 64x64xf32> -> !pto.tile<vec, 64x32xf32>, !pto.tile<vec, 64x32xf32>
  %e, %o = dsv4.deinterleave %x : !pto.tile<vec, 64x64xf32> -> !pto.tile<vec, 64x32xf32>, !pto.tile<vec, 64x32xf32>
  // CHECK: %y = dsv4.interleave %o, %e {note = 1 : i32} : !pto.tile<vec, 64x32xf32>, !pto.tile<vec, 64x32xf32> -> !pto.tile<vec, 64x64xf32>
  %y = dsv4.interleave %o, %e {note = 1 : i32} : !pto.tile<vec, 64x32xf32>, !pto.tile<vec, 64x32xf32> -> !pto.tile<vec, 64x64xf32>
  // CHECK: %z = dsv4.swap_pairs %y : !pto.tile<vec, 64x64xf32> -> !pto.tile<vec, 64x64xf32>
  %z = dsv4.swap_pairs %y : !pto.tile<vec, 64x64xf32> -> !pto.tile<vec, 64x64xf32>
  // CHECK: %f = dsv4.rotate_pairs %z, %c, %c : !pto.tile<vec, 64x64xf32>, !pto.tile<vec, 1x32xf32>, !pto.tile<vec, 1x32xf32> -> !pto.tile<vec, 64x64xf32>
  %f = dsv4.rotate_pairs %z, %c, %c : !pto.tile<vec, 64x64xf32>, !pto.tile<vec, 1x32xf32>, !pto.tile<vec, 1x32xf32> -> !pto.tile<vec, 64x64xf32>
  // CHECK: dsv4.rotate_pairs %f, %w, %w inverse :
  %g = dsv4.rotate_pairs %f, %w, %w inverse : !pto.tile<vec, 64x64xf32>, !pto.tile<vec, 64x64xf32>, !pto.tile<vec, 64x64xf32> -> !pto.tile<vec, 64x64xf32>
  // CHECK: dsv4.rotate_pairs %g, %w, %w signed :
  %h = dsv4.rotate_pairs %g, %w, %w signed : !pto.tile<vec, 64x64xf32>, !pto.tile<vec, 64x64xf32>, !pto.tile<vec, 64x64xf32> -> !pto.tile<vec, 64x64xf32>
  func.return
}

// CHECK-LABEL: @rows
func.func @rows(%x: !pto.tile<vec, 64x64xbf16, valid=?x64>, %r: index) {
  // CHECK: %e, %o = dsv4.deinterleave %x valid [%r, %r] : !pto.tile<vec, 64x64xbf16, valid=?x64> -> !pto.tile<vec, 64x32xbf16, valid=?x32>, !pto.tile<vec, 64x32xbf16, valid=?x32>
  %e, %o = dsv4.deinterleave %x valid [%r, %r] : !pto.tile<vec, 64x64xbf16, valid=?x64> -> !pto.tile<vec, 64x32xbf16, valid=?x32>, !pto.tile<vec, 64x32xbf16, valid=?x32>
  func.return
}
