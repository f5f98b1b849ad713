// What cannot be written, and why.
// RUN: dsv4-opt %s --split-input-file -t pto --verify-diagnostics | filecheck %s
// RUN: dsv4-opt %s --split-input-file -t 'pto{ptoas=0.44}' --verify-diagnostics | filecheck %s --check-prefix=OLD

// CHECK: emit_refused.mlir:9:3: error: 'pto.undef' op is in value form, which ptoas does not know: run pto-lower first
// OLD: error: 'pto.undef' op is in value form
func.func @values(%a: i32) {
  // The place is that of the operation.
  %t = pto.undef : !pto.tile<vec, 8x64xf32>
  %d = pto.tadd ins(%t, %t : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  func.return
}

// -----

// CHECK: error: 'pto.alloc_tile' op mixes tiles with and without address, which no level of ptoas takes
// OLD: error: 'pto.alloc_tile' op mixes
func.func @mixture() {
  %c0 = arith.constant 0 : i64
  %a = pto.alloc_tile addr = %c0 : !pto.tile_buf<vec, 8x64xf32>
  %b = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
  func.return
}

// -----

// CHECK: error: 'pto.tgather' op does not work with ptoas 0.60: wrong results: the axis is not handed to the C++ that ptoas writes, which gathers along the rows where the axis is "col"; transpose, gather along the rows, transpose back
// OLD: error: 'pto.tgather' op works along "col", which ptoas 0.44 cannot say
func.func @columns() {
  %a = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
  %b = pto.alloc_tile : !pto.tile_buf<vec, 4x64xf32>
  pto.tgather ins(%a, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile_buf<vec, 8x64xf32>, "col") outs(%b : !pto.tile_buf<vec, 4x64xf32>)
  func.return
}

// -----

// A scatter along columns is right from the version on that has an axis at all.
// CHECK: pto.tscatter ins(%b, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile_buf<vec, 4x64xf32>, "col") outs(%a
// OLD: error: 'pto.tscatter' op works along "col", which ptoas 0.44 cannot say
func.func @scattered_columns() {
  %a = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
  %b = pto.alloc_tile : !pto.tile_buf<vec, 4x64xf32>
  pto.tscatter ins(%b, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile_buf<vec, 4x64xf32>, "col") outs(%a : !pto.tile_buf<vec, 8x64xf32>)
  func.return
}

// -----

// Before 0.55 the verifier has the widths the wrong way round, but does not look at dynamic ones.
// CHECK: %a = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
// OLD: %c64_index = arith.constant 64 : index
// OLD: %a = pto.alloc_tile valid_col = %c64_index : !pto.tile_buf<vec, 8x64xf32, valid=8x?>
// OLD: pto.tscatter ins(%b, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile_buf<vec, 8x32xf32>) outs(%a : !pto.tile_buf<vec, 8x64xf32, valid=8x?>)
func.func @widths() {
  %a = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
  %b = pto.alloc_tile : !pto.tile_buf<vec, 8x32xf32>
  pto.tscatter ins(%b, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile_buf<vec, 8x32xf32>, "row") outs(%a : !pto.tile_buf<vec, 8x64xf32>)
  func.return
}
