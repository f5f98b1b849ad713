// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

// CHECK: unknown element type 'f33'
func.func @f(%x: !pto.tile_buf<vec, 8x64xf33>)

// -----

// CHECK: expected memory space to be one of vec, mat, left, right, acc, bias, scaling, found ub
func.func @f(%x: !pto.tile_buf<ub, 8x64xf32>)

// -----

// CHECK: expected valid rows between 0 and 8, found 9
func.func @f(%x: !pto.tile_buf<vec, 8x64xf32, valid=9x64>)

// -----

// CHECK: unknown key 'colour' in tile type
func.func @f(%x: !pto.tile_buf<vec, 8x64xf32, colour=red>)

// -----

// CHECK: key 'pad' is given twice in tile type
func.func @f(%x: !pto.tile_buf<vec, 8x64xf32, pad=1, pad=2>)

// -----

// CHECK: expected fractal to be one of 32, 512, 1024, found 64
func.func @f(%x: !pto.tile_buf<vec, 8x64xf32, fractal=64>)

// -----

// CHECK: tile type has no 'cols'
func.func @f(%x: !pto.tile_buf<loc=vec, dtype=f32, rows=8>)

// -----

// CHECK: unknown element type 'x64xf32'
func.func @f(%x: !pto.tensor_view<8xx64xf32>)

// -----

// CHECK: expected an element type behind '64x'
func.func @f(%x: !pto.partition_tensor_view<8x64>)

// -----

// CHECK: unknown memory space 'cache'
func.func @f(%x: !pto.ptr<f32, cache>)

// -----

// CHECK: expected 'count=NUMBER' at the end of the type
func.func @f(%x: !pto.multi_tile_buf<vec, 8x64xf32>)

// -----

// CHECK: expected 2 to 16 slots, found 17
func.func @f(%x: !pto.multi_tile_buf<vec, 8x64xf32, count=17>)

// -----

// CHECK: expected positive static extents, found <f32>
func.func @f(%x: !pto.local_array<f32>)

// -----

// CHECK: expected layout to be one of nd, dn, nz, mx_a_zz, mx_b_nn, found 'xy'
func.func @f() attributes {layout = #pto.layout<xy>}

// -----

// CHECK: expected round_mode to be one of NONE, RINT, ROUND, FLOOR, CEIL, TRUNC, ODD, CAST_RINT, found 'UP'
func.func @f() attributes {mode = #pto<round_mode UP>}
