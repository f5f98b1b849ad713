// Lane operations that undo each other go; rotations become one operation.
//
// RUN: dsv4-opt %s -p 'dsv4-fold-lanes' 2> %t | filecheck %s
// RUN: filecheck %s --check-prefix=REMARK < %t

// Both halves of a tile put together are the tile.

// CHECK-LABEL: func.func @there_and_back(
// CHECK: [[TILE_1:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: pto.tstore ins([[TILE_1]] : !pto.tile<vec, 16x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xf32>)

func.func @there_and_back(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
  %e, %o = dsv4.deinterleave %tile : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>
  %t = dsv4.interleave %e, %o : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x32xf32>
  pto.tstore ins(%t : !pto.tile<vec, 16x32xf32>) outs(%y_all : !pto.partition_tensor_view<16x32xf32>)
  return
}

// The halves of what was put together are what it was put together from.

// CHECK-LABEL: func.func @back_and_there(
// CHECK: [[A:%\w+]] = pto.tload ins(%even_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: [[B:%\w+]] = pto.tload ins(%odd_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: [[S_1:%\w+]] = pto.tsub ins([[A]], [[B]] : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: pto.tstore ins([[S_1]] : !pto.tile<vec, 16x16xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x16xf32>)

func.func @back_and_there(%even: !pto.ptr<f32>, %odd: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %even_view = pto.make_tensor_view %even, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %even_all = pto.partition_view %even_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %odd_view = pto.make_tensor_view %odd, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %odd_all = pto.partition_view %odd_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %a = pto.tload ins(%even_all : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %b = pto.tload ins(%odd_all : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %t = dsv4.interleave %a, %b : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x32xf32>
  %e, %o = dsv4.deinterleave %t : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>
  %s = pto.tsub ins(%e, %o : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  pto.tstore ins(%s : !pto.tile<vec, 16x16xf32>) outs(%y_all : !pto.partition_tensor_view<16x16xf32>)
  return
}

// Two exchanges undo each other.

// CHECK-LABEL: func.func @swapped_twice(
// CHECK: [[TILE_1:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: pto.tstore ins([[TILE_1]] : !pto.tile<vec, 16x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xf32>)

func.func @swapped_twice(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
  %a = dsv4.swap_pairs %tile : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xf32>
  %b = dsv4.swap_pairs %a : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xf32>
  pto.tstore ins(%b : !pto.tile<vec, 16x32xf32>) outs(%y_all : !pto.partition_tensor_view<16x32xf32>)
  return
}

// The halves put together the other way round are an exchange.

// CHECK-LABEL: func.func @exchanged(
// CHECK: [[TILE_1:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: [[T:%\w+]] = dsv4.swap_pairs [[TILE_1]] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: pto.tstore ins([[T]] : !pto.tile<vec, 16x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xf32>)

func.func @exchanged(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
  %e, %o = dsv4.deinterleave %tile : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>
  %t = dsv4.interleave %o, %e : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x32xf32>
  pto.tstore ins(%t : !pto.tile<vec, 16x32xf32>) outs(%y_all : !pto.partition_tensor_view<16x32xf32>)
  return
}

// What is done to both halves alike is done to the whole tile.

// CHECK-LABEL: func.func @rounded_apart(
// CHECK: [[TILE_1:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: [[T:%\w+]] = pto.tcvt ins([[TILE_1]] {rmode = #pto<round_mode ROUND>} : !pto.tile<vec, 16x32xf32>) -> !pto.tile<vec, 16x32xbf16>
// CHECK-NEXT: pto.tstore ins([[T]] : !pto.tile<vec, 16x32xbf16>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xbf16>)

func.func @rounded_apart(%x: !pto.ptr<f32>, %y: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
  %e, %o = dsv4.deinterleave %tile : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>
  %e16 = pto.tcvt ins(%e {rmode = #pto<round_mode ROUND>} : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xbf16>
  %o16 = pto.tcvt ins(%o {rmode = #pto<round_mode ROUND>} : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xbf16>
  %t = dsv4.interleave %e16, %o16 : !pto.tile<vec, 16x16xbf16>, !pto.tile<vec, 16x16xbf16> -> !pto.tile<vec, 16x32xbf16>
  pto.tstore ins(%t : !pto.tile<vec, 16x32xbf16>) outs(%y_all : !pto.partition_tensor_view<16x32xbf16>)
  return
}

// Four products, a difference and a sum of halves are a rotation.

// CHECK-LABEL: func.func @rotation(
// CHECK: [[TILE:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: [[C:%\w+]] = pto.tload ins(%cos_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: [[S:%\w+]] = pto.tload ins(%sin_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: [[V0:%\w+]] = dsv4.rotate_pairs [[TILE]], [[C]], [[S]] : !pto.tile<vec, 16x32xf32>, !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: pto.tstore ins([[V0]] : !pto.tile<vec, 16x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xf32>)
// REMARK: remark: 'dsv4.interleave' -> a rotation by tables of 16 columns; every stored lane is proved equal; saves 1 dsv4.deinterleave, 1 dsv4.interleave, 1 tadd, 4 tmul, 1 tsub; adds 1 dsv4.rotate_pairs

func.func @rotation(%x: !pto.ptr<f32>, %cos: !pto.ptr<f32>, %sin: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %cos_view = pto.make_tensor_view %cos, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %cos_all = pto.partition_view %cos_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %sin_view = pto.make_tensor_view %sin, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %sin_all = pto.partition_view %sin_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
  %c = pto.tload ins(%cos_all : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %s = pto.tload ins(%sin_all : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %e, %o = dsv4.deinterleave %tile : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>
  %ec = pto.tmul ins(%e, %c : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %os = pto.tmul ins(%o, %s : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %os2 = pto.tmul ins(%o, %c : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %es = pto.tmul ins(%e, %s : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %left = pto.tsub ins(%ec, %os : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %right = pto.tadd ins(%os2, %es : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %t = dsv4.interleave %left, %right : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x32xf32>
  pto.tstore ins(%t : !pto.tile<vec, 16x32xf32>) outs(%y_all : !pto.partition_tensor_view<16x32xf32>)
  return
}
