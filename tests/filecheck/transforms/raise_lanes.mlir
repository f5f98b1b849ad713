// Code that moves lanes, by whatever means, becomes lane operations.
//
// RUN: dsv4-opt %s -p 'dsv4-raise-lanes' 2> %t | filecheck %s
// RUN: filecheck %s --check-prefix=REMARK < %t

// Two gathers with masks.

// CHECK-LABEL: func.func @mask_gathers(
// CHECK: [[TILE:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: [[TILE_EVEN:%\w+]], [[TILE_ODD:%\w+]] = dsv4.deinterleave [[TILE]] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: pto.tstore ins([[TILE_EVEN]] : !pto.tile<vec, 16x16xf32>) outs(%even_all{{.*}} : !pto.partition_tensor_view<16x16xf32>)
// CHECK-NEXT: pto.tstore ins([[TILE_ODD]] : !pto.tile<vec, 16x16xf32>) outs(%odd_all{{.*}} : !pto.partition_tensor_view<16x16xf32>)
// REMARK: remark: 'pto.tgather' -> the odd lanes of %tile; every stored lane is proved equal; saves 1 tgather (mask); adds 1 dsv4.deinterleave
// REMARK: remark: 'pto.tgather' -> the even lanes of %tile; every stored lane is proved equal; saves 1 tgather (mask)

func.func @mask_gathers(%x: !pto.ptr<f32>, %even: !pto.ptr<f32>, %odd: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %even_view = pto.make_tensor_view %even, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %even_all = pto.partition_view %even_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %odd_view = pto.make_tensor_view %odd, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %odd_all = pto.partition_view %odd_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
  %e = pto.tgather ins(%tile, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile<vec, 16x32xf32>, "row") -> !pto.tile<vec, 16x16xf32>
  %o = pto.tgather ins(%tile, {maskPattern = #pto.mask_pattern<P1010>} : !pto.tile<vec, 16x32xf32>, "row") -> !pto.tile<vec, 16x16xf32>
  pto.tstore ins(%e : !pto.tile<vec, 16x16xf32>) outs(%even_all : !pto.partition_tensor_view<16x16xf32>)
  pto.tstore ins(%o : !pto.tile<vec, 16x16xf32>) outs(%odd_all : !pto.partition_tensor_view<16x16xf32>)
  return
}

// Two raw scatters, each of which leaves zeros between its lanes, merged on their bits.

// CHECK-LABEL: func.func @scatters(
// CHECK: [[E:%\w+]] = pto.tload ins(%even_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: [[O:%\w+]] = pto.tload ins(%odd_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: [[V0:%\w+]] = dsv4.interleave [[E]], [[O]] : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: pto.tstore ins([[V0]] : !pto.tile<vec, 16x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xf32>)
// REMARK: remark: 'pto.bitcast' -> %e and %o interleaved; every stored lane is proved equal; saves 1 tor, 2 tscatter (mask); adds 1 dsv4.interleave

func.func @scatters(%even: !pto.ptr<f32>, %odd: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %even_view = pto.make_tensor_view %even, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %even_all = pto.partition_view %even_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %odd_view = pto.make_tensor_view %odd, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %odd_all = pto.partition_view %odd_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %e = pto.tload ins(%even_all : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %o = pto.tload ins(%odd_all : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %a = pto.tscatter ins(%e, {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile<vec, 16x16xf32>, "row") -> !pto.tile<vec, 16x32xf32>
  %b = pto.tscatter ins(%o, {maskPattern = #pto.mask_pattern<P1010>} : !pto.tile<vec, 16x16xf32>, "row") -> !pto.tile<vec, 16x32xf32>
  %a_bits = pto.bitcast %a : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xi32>
  %b_bits = pto.bitcast %b : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xi32>
  %bits = pto.tor ins(%a_bits, %b_bits : !pto.tile<vec, 16x32xi32>, !pto.tile<vec, 16x32xi32>) -> !pto.tile<vec, 16x32xi32>
  %tile = pto.bitcast %bits : !pto.tile<vec, 16x32xi32> -> !pto.tile<vec, 16x32xf32>
  pto.tstore ins(%tile : !pto.tile<vec, 16x32xf32>) outs(%y_all : !pto.partition_tensor_view<16x32xf32>)
  return
}

// Shifts of words that hold two lanes each.

// CHECK-LABEL: func.func @words(
// CHECK: [[TILE:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<vec, 16x32xbf16>
// CHECK-NEXT: [[V1:%\w+]] = dsv4.swap_pairs [[TILE]] : !pto.tile<vec, 16x32xbf16> -> !pto.tile<vec, 16x32xbf16>
// CHECK-NEXT: pto.tstore ins([[V1]] : !pto.tile<vec, 16x32xbf16>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xbf16>)
// REMARK: remark: 'pto.reinterpret' -> the pairs of %tile exchanged; every stored lane is proved equal; saves 1 tor, 1 tshls, 1 tshrs; adds 1 dsv4.swap_pairs

func.func @words(%x: !pto.ptr<bf16>, %y: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<vec, 16x32xbf16>
  %c16_i32 = arith.constant 16 : i32
  %words = pto.reinterpret %tile : !pto.tile<vec, 16x32xbf16> -> !pto.tile<vec, 4x64xui32>
  %up = pto.tshls ins(%words, %c16_i32 : !pto.tile<vec, 4x64xui32>, i32) -> !pto.tile<vec, 4x64xui32>
  %down = pto.tshrs ins(%words, %c16_i32 : !pto.tile<vec, 4x64xui32>, i32) -> !pto.tile<vec, 4x64xui32>
  %both = pto.tor ins(%down, %up : !pto.tile<vec, 4x64xui32>, !pto.tile<vec, 4x64xui32>) -> !pto.tile<vec, 4x64xui32>
  %swapped = pto.reinterpret %both : !pto.tile<vec, 4x64xui32> -> !pto.tile<vec, 16x32xbf16>
  pto.tstore ins(%swapped : !pto.tile<vec, 16x32xbf16>) outs(%y_all : !pto.partition_tensor_view<16x32xbf16>)
  return
}

// Columns as rows, one row after the other, and back.

// CHECK-LABEL: func.func @transposes(
// CHECK: [[E:%\w+]] = pto.tload ins(%even_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: [[O:%\w+]] = pto.tload ins(%odd_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// CHECK-NEXT: [[V2:%\w+]] = dsv4.interleave [[E]], [[O]] : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x32xf32>
// CHECK-NEXT: pto.tstore ins([[V2]] : !pto.tile<vec, 16x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xf32>)
// REMARK: remark: 'pto.ttrans' -> %e and %o interleaved; every stored lane is proved equal; saves 3 ttrans; adds 1 dsv4.interleave

func.func @transposes(%even: !pto.ptr<f32>, %odd: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %even_view = pto.make_tensor_view %even, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %even_all = pto.partition_view %even_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %odd_view = pto.make_tensor_view %odd, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %odd_all = pto.partition_view %odd_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x32xf32>
  %e = pto.tload ins(%even_all : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %o = pto.tload ins(%odd_all : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %et = pto.ttrans ins(%e : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %ot = pto.ttrans ins(%o : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %nothing = pto.undef : !pto.tile<vec, 16x32xf32>
  %one = pto.insert %et into %nothing[%c0, %c0] : !pto.tile<vec, 16x16xf32> into !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xf32>
  %two = pto.insert %ot into %one[%c0, %c16] : !pto.tile<vec, 16x16xf32> into !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xf32>
  %pairs = pto.reshape %two : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 32x16xf32>
  %tile = pto.ttrans ins(%pairs : !pto.tile<vec, 32x16xf32>) -> !pto.tile<vec, 16x32xf32>
  pto.tstore ins(%tile : !pto.tile<vec, 16x32xf32>) outs(%y_all : !pto.partition_tensor_view<16x32xf32>)
  return
}

// A table doubled row by row; as many rows are followed one by one as a tile has.

// CHECK-LABEL: func.func @rows(
// CHECK: [[TILE:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<128x16xf32>) -> !pto.tile<vec, 128x16xf32>
// CHECK-NEXT: [[C0_I32:%\w+]] = arith.constant 0 : i32
// CHECK-NEXT: [[C1_I32:%\w+]] = arith.constant 1 : i32
// CHECK-NEXT: [[COUNT:%\w+]] = pto.tci ins([[C0_I32]] : i32) -> !pto.tile<vec, 1x32xi32>
// CHECK-NEXT: [[INDEX:%\w+]] = pto.tshrs ins([[COUNT]], [[C1_I32]] : !pto.tile<vec, 1x32xi32>, i32) -> !pto.tile<vec, 1x32xi32>
// CHECK-NEXT: [[V3:%\w+]] = dsv4.interleave [[TILE]], [[TILE]] : !pto.tile<vec, 128x16xf32>, !pto.tile<vec, 128x16xf32> -> !pto.tile<vec, 128x32xf32>
// CHECK-NEXT: pto.tstore ins([[V3]] : !pto.tile<vec, 128x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<128x32xf32>)
// REMARK: remark: 'scf.for' -> %tile and %tile interleaved; every stored lane is proved equal; saves 1 tgather (index); adds 1 dsv4.interleave

func.func @rows(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %c128 = arith.constant 128 : index
  %x_view = pto.make_tensor_view %x, shape = [%c128, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c128, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<128x16xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c128, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c128, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<128x32xf32>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<128x16xf32>) -> !pto.tile<vec, 128x16xf32>
  %c0_i32 = arith.constant 0 : i32
  %c1_i32 = arith.constant 1 : i32
  %count = pto.tci ins(%c0_i32 : i32) -> !pto.tile<vec, 1x32xi32>
  %index = pto.tshrs ins(%count, %c1_i32 : !pto.tile<vec, 1x32xi32>, i32) -> !pto.tile<vec, 1x32xi32>
  %nothing = pto.undef : !pto.tile<vec, 128x32xf32>
  %doubled = scf.for %i = %c0 to %c128 step %c1 iter_args(%done = %nothing) -> (!pto.tile<vec, 128x32xf32>) {
  %row = pto.subview %tile[%i, %c0] sizes [1, 16] : !pto.tile<vec, 128x16xf32> -> !pto.tile<vec, 1x16xf32>
  %twice = pto.tgather ins(%row, %index : !pto.tile<vec, 1x16xf32>, !pto.tile<vec, 1x32xi32>) -> !pto.tile<vec, 1x32xf32>
  %more = pto.insert %twice into %done[%i, %c0] : !pto.tile<vec, 1x32xf32> into !pto.tile<vec, 128x32xf32> -> !pto.tile<vec, 128x32xf32>
  scf.yield %more : !pto.tile<vec, 128x32xf32>
  }
  pto.tstore ins(%doubled : !pto.tile<vec, 128x32xf32>) outs(%y_all : !pto.partition_tensor_view<128x32xf32>)
  return
}

// A gather that moves lanes, but not in pairs, stays and is named.

// CHECK-LABEL: func.func @shifted_index(
// CHECK: [[TILE:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<1x64xf32>) -> !pto.tile<vec, 1x64xf32>
// CHECK-NEXT: [[C3_I32:%\w+]] = arith.constant 3 : i32
// CHECK-NEXT: [[INDEX:%\w+]] = pto.tci ins([[C3_I32]] : i32) -> !pto.tile<vec, 1x32xi32>
// CHECK-NEXT: [[T:%\w+]] = pto.tgather ins([[TILE]], [[INDEX]] : !pto.tile<vec, 1x64xf32>, !pto.tile<vec, 1x32xi32>) -> !pto.tile<vec, 1x32xf32>
// CHECK-NEXT: pto.tstore ins([[T]] : !pto.tile<vec, 1x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<1x32xf32>)
// REMARK: remark: 'pto.tgather' of 1x32 stays: it picks lanes 3-34 of 64, not even/odd, of %tile

func.func @shifted_index(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %x_view = pto.make_tensor_view %x, shape = [%c1, %c64], strides = [%c64, %c1] : !pto.tensor_view<?x?xf32>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c1, %c64] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<1x64xf32>
  %y_view = pto.make_tensor_view %y, shape = [%c1, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c1, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<1x32xf32>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<1x64xf32>) -> !pto.tile<vec, 1x64xf32>
  %c3_i32 = arith.constant 3 : i32
  %index = pto.tci ins(%c3_i32 : i32) -> !pto.tile<vec, 1x32xi32>
  %t = pto.tgather ins(%tile, %index : !pto.tile<vec, 1x64xf32>, !pto.tile<vec, 1x32xi32>) -> !pto.tile<vec, 1x32xf32>
  pto.tstore ins(%t : !pto.tile<vec, 1x32xf32>) outs(%y_all : !pto.partition_tensor_view<1x32xf32>)
  return
}
