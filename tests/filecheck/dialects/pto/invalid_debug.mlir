// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

// CHECK: expects a tile or a view to print, found i32
func.func @f(%n: i32) {
  pto.tprint ins(%n : i32)
  func.return
}

// -----

// CHECK: expects scratch memory for a tile in acc memory
func.func @f(%x: !pto.tile_buf<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>) {
  pto.tprint ins(%x : !pto.tile_buf<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>)
  func.return
}

// -----

// CHECK: expects scratch memory only for a tile
func.func @f(%v: !pto.partition_tensor_view<16x16xf32>) {
  pto.tprint ins(%v, %v : !pto.partition_tensor_view<16x16xf32>, !pto.partition_tensor_view<16x16xf32>)
  func.return
}
