// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 1x64xf32>
!b_i16 = !pto.tile_buf<vec, 1x64xi16>
// CHECK: expects an i32 or ui32 index, found i16
func.func @f(%x: !b, %i: !b_i16) {
  pto.tsort32 ins(%x, %i : !b, !b_i16) outs(%x : !b)
  func.return
}

// -----

!b_rows = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects tiles of one row, found 8
func.func @f(%x: !b_rows, %n: i32) {
  pto.tmrgsort ins(%x, %n : !b_rows, i32) outs(%x : !b_rows)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 1x64xf32>
!counts = vector<4xi16>
// CHECK: expects 2 to 4 sources, found 1
func.func @f(%x: !b, %c: !counts) {
  pto.tmrgsort ins(%x, %x : !b, !b) outs(%x, %c : !b, !counts)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 1x64xf32>
// CHECK: expects 2 destinations, found 1
func.func @f(%x: !b) {
  pto.tmrgsort ins(%x, %x, %x : !b, !b, !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 1x64xf32>
// CHECK: expects counts of type vector<4xi16>, found i32
func.func @f(%x: !b, %n: i32) {
  pto.tmrgsort ins(%x, %x, %x : !b, !b, !b) outs(%x, %n : !b, i32)
  func.return
}
