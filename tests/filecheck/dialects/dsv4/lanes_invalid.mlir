// RUN: dsv4-opt --split-input-file --verify-diagnostics --parsing-diagnostics %s | filecheck %s

func.func @k(%x: !pto.tile<mat, 16x64xf32>) {
  // CHECK: expects tiles in vec memory, found mat
  %y = dsv4.swap_pairs %x : !pto.tile<mat, 16x64xf32> -> !pto.tile<mat, 16x64xf32>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xf32, blayout=col_major>) {
  // CHECK: expects row_major tiles without boxes, found col_major with none_box
  %y = dsv4.swap_pairs %x : !pto.tile<vec, 16x64xf32, blayout=col_major> -> !pto.tile<vec, 16x64xf32, blayout=col_major>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xi64>) {
  // CHECK: expects lanes of 8, 16 or 32 bits, found i64 of 64
  %y = dsv4.swap_pairs %x : !pto.tile<vec, 16x64xi64> -> !pto.tile<vec, 16x64xi64>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xf32, valid=16x62>) {
  // CHECK: expects all 64 columns to be valid, found 62
  %y = dsv4.swap_pairs %x : !pto.tile<vec, 16x64xf32, valid=16x62> -> !pto.tile<vec, 16x64xf32, valid=16x62>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x33xf32>) {
  // CHECK: expects an even number of columns, found 33
  %y = dsv4.swap_pairs %x : !pto.tile<vec, 16x33xf32> -> !pto.tile<vec, 16x33xf32>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xf32>) {
  // CHECK: expects a result of !pto.tile<vec, 16x32xf32>, found !pto.tile<vec, 16x64xf32>
  %e, %o = dsv4.deinterleave %x : !pto.tile<vec, 16x64xf32> -> !pto.tile<vec, 16x64xf32>, !pto.tile<vec, 16x64xf32>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xf32>) {
  // CHECK: expects 2 destinations, found 1
  %e = dsv4.deinterleave %x : !pto.tile<vec, 16x64xf32> -> !pto.tile<vec, 16x32xf32>
  func.return
}

// -----

func.func @k(%e: !pto.tile<vec, 16x32xf32>, %o: !pto.tile<vec, 16x32xi32>) {
  // CHECK: expects halves of one type, found !pto.tile<vec, 16x32xf32> and !pto.tile<vec, 16x32xi32>
  %x = dsv4.interleave %e, %o : !pto.tile<vec, 16x32xf32>, !pto.tile<vec, 16x32xi32> -> !pto.tile<vec, 16x64xf32>
  func.return
}

// -----

func.func @k(%x: !pto.tile_buf<vec, 16x64xf32>) {
  // CHECK: exists in value form only
  %y = dsv4.swap_pairs %x : !pto.tile_buf<vec, 16x64xf32> -> !pto.tile_buf<vec, 16x64xf32>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xbf16>, %c: !pto.tile<vec, 16x32xf32>) {
  // CHECK: expects f32 lanes and tables, found bf16 and f32
  %y = dsv4.rotate_pairs %x, %c, %c : !pto.tile<vec, 16x64xbf16>, !pto.tile<vec, 16x32xf32>, !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x64xbf16>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xf32>, %c: !pto.tile<vec, 16x16xf32>) {
  // CHECK: expects tables of 32 or 64 columns, found 16
  %y = dsv4.rotate_pairs %x, %c, %c : !pto.tile<vec, 16x64xf32>, !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x64xf32>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xf32>, %c: !pto.tile<vec, 4x32xf32>) {
  // CHECK: expects tables with the rows of what they rotate, or one row, found !pto.tile<vec, 4x32xf32>
  %y = dsv4.rotate_pairs %x, %c, %c : !pto.tile<vec, 16x64xf32>, !pto.tile<vec, 4x32xf32>, !pto.tile<vec, 4x32xf32> -> !pto.tile<vec, 16x64xf32>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xf32>, %c: !pto.tile<vec, 16x32xf32>) {
  // CHECK: expects signed tables of 64 columns, found 32
  %y = dsv4.rotate_pairs %x, %c, %c signed : !pto.tile<vec, 16x64xf32>, !pto.tile<vec, 16x32xf32>, !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x64xf32>
  func.return
}

// -----

func.func @k(%x: !pto.tile<vec, 16x64xf32>, %c: !pto.tile<vec, 16x64xf32>) {
  // CHECK: expects 'inverse' or 'signed', found both
  %y = dsv4.rotate_pairs %x, %c, %c inverse signed : !pto.tile<vec, 16x64xf32>, !pto.tile<vec, 16x64xf32>, !pto.tile<vec, 16x64xf32> -> !pto.tile<vec, 16x64xf32>
  func.return
}
