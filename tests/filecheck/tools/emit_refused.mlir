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

// -----

// CHECK: error: 'pto.tpack' op is an operation of older assemblers, which ptoas 0.60 no longer has
// OLD: pto.tpack ins(%a
func.func @removed() {
  %a = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
  pto.tpack ins(%a : !pto.tile_buf<vec, 8x64xf32>) outs(%a : !pto.tile_buf<vec, 8x64xf32>)
  func.return
}

// -----

// CHECK: error: 'pto.bind_tile' op is an operation of older assemblers, which ptoas 0.60 no longer has
// OLD: "pto.bind_tile"(%a)
func.func @removed_generic() {
  %a = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
  %b = "pto.bind_tile"(%a) : (!pto.tile_buf<vec, 8x64xf32>) -> !pto.tile_buf<vec, 8x64xf32>
  func.return
}

// -----

// What ptoas has under another name or in other words is written as it is today.
// CHECK: @renamed
// CHECK: pto.tcvt ins(%a {rmode = #pto<round_mode RINT>, satmode = #pto<saturation_mode ON>} :
// CHECK: %s = pto.subview %a[%i, %i] sizes [8, 32] : !pto.tile_buf<vec, 8x64xf32> -> !pto.tile_buf<vec, 8x32xf32>
// CHECK: pto.tmov ins(%a : !pto.tile_buf<vec, 8x64xf32>, %b : !pto.tile_buf<vec, 8x64xf32>) outs(%b
// OLD: @renamed
func.func @renamed() {
  %i = arith.constant 0 : index
  %a = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
  %b = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
  %h = pto.alloc_tile : !pto.tile_buf<vec, 8x64xbf16>
  pto.tcvt ins(%a {rmode = #pto<round_mode RINT>, sat_mode = #pto<saturation_mode ON>} : !pto.tile_buf<vec, 8x64xf32>) outs(%h : !pto.tile_buf<vec, 8x64xbf16>)
  %s = pto.subset %a[%i, %i] sizes [8, 32] : !pto.tile_buf<vec, 8x64xf32>
  pto.tmov.fp ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%b : !pto.tile_buf<vec, 8x64xf32>)
  func.return
}
