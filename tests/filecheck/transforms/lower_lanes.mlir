// Each lane operation takes the form that costs least on the chip.
//
// RUN: dsv4-opt %s -p 'dsv4-lower-lanes{chip=a3}' 2> %t.a3 | filecheck %s --check-prefix=A3
// RUN: filecheck %s --check-prefix=A3-REMARK < %t.a3
// RUN: dsv4-opt %s -p 'dsv4-lower-lanes{chip=a5}' 2> %t.a5 | filecheck %s --check-prefix=A5
// RUN: filecheck %s --check-prefix=A5-REMARK < %t.a5

// bf16 lanes are taken apart as halves of words.

// A3-LABEL: func.func @apart(
// A3: [[TILE:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<vec, 16x32xbf16>
// A3-NEXT: [[TILE_1:%\w+]] = pto.reinterpret [[TILE]] : !pto.tile<vec, 16x32xbf16> -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[C16_I32:%\w+]] = arith.constant 16 : i32
// A3-NEXT: [[V0:%\w+]] = pto.tshls ins([[TILE_1]], [[C16_I32]] : !pto.tile<vec, 4x64xui32>, i32) -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[MASK:%\w+]] = arith.constant -65536 : i32
// A3-NEXT: [[MASK_1:%\w+]] = pto.texpands ins([[MASK]] : i32) -> !pto.tile<vec, 4x64xi32>
// A3-NEXT: [[MASK_2:%\w+]] = pto.reinterpret [[MASK_1]] : !pto.tile<vec, 4x64xi32> -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[V1:%\w+]] = pto.tand ins([[TILE_1]], [[MASK_2]] : !pto.tile<vec, 4x64xui32>, !pto.tile<vec, 4x64xui32>) -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[V2:%\w+]] = pto.reinterpret [[V0]] : !pto.tile<vec, 4x64xui32> -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[E_1:%\w+]] = pto.tcvt ins([[V2]] {rmode = #pto<round_mode RINT>} : !pto.tile<vec, 4x64xf32>) -> !pto.tile<vec, 4x64xbf16>
// A3-NEXT: [[E_2:%\w+]] = pto.reshape [[E_1]] : !pto.tile<vec, 4x64xbf16> -> !pto.tile<vec, 16x16xbf16>
// A3-NEXT: [[V3:%\w+]] = pto.reinterpret [[V1]] : !pto.tile<vec, 4x64xui32> -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[O_1:%\w+]] = pto.tcvt ins([[V3]] {rmode = #pto<round_mode RINT>} : !pto.tile<vec, 4x64xf32>) -> !pto.tile<vec, 4x64xbf16>
// A3-NEXT: [[O_2:%\w+]] = pto.reshape [[O_1]] : !pto.tile<vec, 4x64xbf16> -> !pto.tile<vec, 16x16xbf16>
// A3-NEXT: pto.tstore ins([[E_2]] : !pto.tile<vec, 16x16xbf16>) outs(%even_all{{.*}} : !pto.partition_tensor_view<16x16xbf16>)
// A3-NEXT: pto.tstore ins([[O_2]] : !pto.tile<vec, 16x16xbf16>) outs(%odd_all{{.*}} : !pto.partition_tensor_view<16x16xbf16>)
// A3-REMARK: remark: 'dsv4.deinterleave' of 16x32xbf16 -> bit-pack, {{.*}} cycles by the model; every stored lane is proved equal

func.func @apart(%x: !pto.ptr<bf16>, %even: !pto.ptr<bf16>, %odd: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %even_view = pto.make_tensor_view %even, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %even_all = pto.partition_view %even_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %odd_view = pto.make_tensor_view %odd, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_all = pto.partition_view %odd_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<vec, 16x32xbf16>
  %e, %o = dsv4.deinterleave %tile : !pto.tile<vec, 16x32xbf16> -> !pto.tile<vec, 16x16xbf16>, !pto.tile<vec, 16x16xbf16>
  pto.tstore ins(%e : !pto.tile<vec, 16x16xbf16>) outs(%even_all : !pto.partition_tensor_view<16x16xbf16>)
  pto.tstore ins(%o : !pto.tile<vec, 16x16xbf16>) outs(%odd_all : !pto.partition_tensor_view<16x16xbf16>)
  return
}

// bf16 lanes are put together as halves of words: widening puts a number into the high half.

// A3-LABEL: func.func @together(
// A3: [[E:%\w+]] = pto.tload ins(%even_all{{.*}} : !pto.partition_tensor_view<16x16xbf16>) -> !pto.tile<vec, 16x16xbf16>
// A3-NEXT: [[O:%\w+]] = pto.tload ins(%odd_all{{.*}} : !pto.partition_tensor_view<16x16xbf16>) -> !pto.tile<vec, 16x16xbf16>
// A3-NEXT: [[C16_I32:%\w+]] = arith.constant 16 : i32
// A3-NEXT: [[V4:%\w+]] = pto.undef : !pto.tile<vec, 32x16xbf16>
// A3-NEXT: [[V5:%\w+]] = pto.insert [[E]] into [[V4]][%c0{{[^ ,\]]*}}, %c0{{[^ ,\]]*}}] : !pto.tile<vec, 16x16xbf16> into !pto.tile<vec, 32x16xbf16> -> !pto.tile<vec, 32x16xbf16>
// A3-NEXT: [[V6:%\w+]] = pto.insert [[O]] into [[V5]][%c16{{[^ ,\]]*}}, %c0{{[^ ,\]]*}}] : !pto.tile<vec, 16x16xbf16> into !pto.tile<vec, 32x16xbf16> -> !pto.tile<vec, 32x16xbf16>
// A3-NEXT: [[E_1:%\w+]] = pto.reshape [[V6]] : !pto.tile<vec, 32x16xbf16> -> !pto.tile<vec, 8x64xbf16>
// A3-NEXT: [[E_2:%\w+]] = pto.tcvt ins([[E_1]] {rmode = #pto<round_mode RINT>} : !pto.tile<vec, 8x64xbf16>) -> !pto.tile<vec, 8x64xf32>
// A3-NEXT: [[E_3:%\w+]] = pto.reinterpret [[E_2]] : !pto.tile<vec, 8x64xf32> -> !pto.tile<vec, 8x64xui32>
// A3-NEXT: [[E_4:%\w+]] = pto.subview [[E_3]][%c0{{[^ ,\]]*}}, %c0{{[^ ,\]]*}}] sizes [4, 64] : !pto.tile<vec, 8x64xui32> -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[C4_INDEX:%\w+]] = arith.constant 4 : index
// A3-NEXT: [[O_1:%\w+]] = pto.subview [[E_3]][[[C4_INDEX]], %c0{{[^ ,\]]*}}] sizes [4, 64] : !pto.tile<vec, 8x64xui32> -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[V7:%\w+]] = pto.tshrs ins([[E_4]], [[C16_I32]] : !pto.tile<vec, 4x64xui32>, i32) -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[V8:%\w+]] = pto.tor ins([[V7]], [[O_1]] : !pto.tile<vec, 4x64xui32>, !pto.tile<vec, 4x64xui32>) -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[TILE_1:%\w+]] = pto.reinterpret [[V8]] : !pto.tile<vec, 4x64xui32> -> !pto.tile<vec, 16x32xbf16>
// A3-NEXT: pto.tstore ins([[TILE_1]] : !pto.tile<vec, 16x32xbf16>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xbf16>)
// A3-REMARK: remark: 'dsv4.interleave' of 16x32xbf16 -> bit-pack, {{.*}} cycles by the model; every stored lane is proved equal

func.func @together(%even: !pto.ptr<bf16>, %odd: !pto.ptr<bf16>, %y: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %even_view = pto.make_tensor_view %even, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %even_all = pto.partition_view %even_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %odd_view = pto.make_tensor_view %odd, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %odd_all = pto.partition_view %odd_view, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x16xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %e = pto.tload ins(%even_all : !pto.partition_tensor_view<16x16xbf16>) -> !pto.tile<vec, 16x16xbf16>
  %o = pto.tload ins(%odd_all : !pto.partition_tensor_view<16x16xbf16>) -> !pto.tile<vec, 16x16xbf16>
  %tile = dsv4.interleave %e, %o : !pto.tile<vec, 16x16xbf16>, !pto.tile<vec, 16x16xbf16> -> !pto.tile<vec, 16x32xbf16>
  pto.tstore ins(%tile : !pto.tile<vec, 16x32xbf16>) outs(%y_all : !pto.partition_tensor_view<16x32xbf16>)
  return
}

// Pairs of bf16 lanes are exchanged by shifting words both ways.

// A3-LABEL: func.func @swap(
// A3: [[TILE:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<vec, 16x32xbf16>
// A3-NEXT: [[TILE_1:%\w+]] = pto.reinterpret [[TILE]] : !pto.tile<vec, 16x32xbf16> -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[C16_I32:%\w+]] = arith.constant 16 : i32
// A3-NEXT: [[V9:%\w+]] = pto.tshls ins([[TILE_1]], [[C16_I32]] : !pto.tile<vec, 4x64xui32>, i32) -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[V10:%\w+]] = pto.tshrs ins([[TILE_1]], [[C16_I32]] : !pto.tile<vec, 4x64xui32>, i32) -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[V11:%\w+]] = pto.tor ins([[V10]], [[V9]] : !pto.tile<vec, 4x64xui32>, !pto.tile<vec, 4x64xui32>) -> !pto.tile<vec, 4x64xui32>
// A3-NEXT: [[S_1:%\w+]] = pto.reinterpret [[V11]] : !pto.tile<vec, 4x64xui32> -> !pto.tile<vec, 16x32xbf16>
// A3-NEXT: pto.tstore ins([[S_1]] : !pto.tile<vec, 16x32xbf16>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xbf16>)
// A3-REMARK: remark: 'dsv4.swap_pairs' of 16x32xbf16 -> bit-swap, {{.*}} cycles by the model; every stored lane is proved equal

// A5-LABEL: func.func @swap(
// A5: [[TILE:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<vec, 16x32xbf16>
// A5-NEXT: [[TILE_1:%\w+]] = pto.reinterpret [[TILE]] : !pto.tile<vec, 16x32xbf16> -> !pto.tile<vec, 4x64xui32>
// A5-NEXT: [[C16_I32:%\w+]] = arith.constant 16 : i32
// A5-NEXT: [[V9:%\w+]] = pto.tshls ins([[TILE_1]], [[C16_I32]] : !pto.tile<vec, 4x64xui32>, i32) -> !pto.tile<vec, 4x64xui32>
// A5-NEXT: [[V10:%\w+]] = pto.tshrs ins([[TILE_1]], [[C16_I32]] : !pto.tile<vec, 4x64xui32>, i32) -> !pto.tile<vec, 4x64xui32>
// A5-NEXT: [[V11:%\w+]] = pto.tor ins([[V10]], [[V9]] : !pto.tile<vec, 4x64xui32>, !pto.tile<vec, 4x64xui32>) -> !pto.tile<vec, 4x64xui32>
// A5-NEXT: [[S_1:%\w+]] = pto.reinterpret [[V11]] : !pto.tile<vec, 4x64xui32> -> !pto.tile<vec, 16x32xbf16>
// A5-NEXT: pto.tstore ins([[S_1]] : !pto.tile<vec, 16x32xbf16>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xbf16>)
// A5-REMARK: remark: 'dsv4.swap_pairs' of 16x32xbf16 -> bit-swap, {{.*}} cycles by the model; every stored lane is proved equal

func.func @swap(%x: !pto.ptr<bf16>, %y: !pto.ptr<bf16>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c32] : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %tile = pto.tload ins(%x_all : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<vec, 16x32xbf16>
  %s = dsv4.swap_pairs %tile : !pto.tile<vec, 16x32xbf16> -> !pto.tile<vec, 16x32xbf16>
  pto.tstore ins(%s : !pto.tile<vec, 16x32xbf16>) outs(%y_all : !pto.partition_tensor_view<16x32xbf16>)
  return
}

// f32 lanes are put together by transposes where the chip has them, by scatters where those are vector instructions.

// A3-LABEL: func.func @together_f32(
// A3: [[E:%\w+]] = pto.tload ins(%even_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[O:%\w+]] = pto.tload ins(%odd_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V12:%\w+]] = pto.ttrans ins([[E]] : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V13:%\w+]] = pto.undef : !pto.tile<vec, 16x32xf32>
// A3-NEXT: [[V14:%\w+]] = pto.insert [[V12]] into [[V13]][%c0{{[^ ,\]]*}}, %c0{{[^ ,\]]*}}] : !pto.tile<vec, 16x16xf32> into !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xf32>
// A3-NEXT: [[V15:%\w+]] = pto.ttrans ins([[O]] : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V16:%\w+]] = pto.insert [[V15]] into [[V14]][%c0{{[^ ,\]]*}}, %c16{{[^ ,\]]*}}] : !pto.tile<vec, 16x16xf32> into !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xf32>
// A3-NEXT: [[V17:%\w+]] = pto.reshape [[V16]] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 32x16xf32>
// A3-NEXT: [[TILE_1:%\w+]] = pto.ttrans ins([[V17]] : !pto.tile<vec, 32x16xf32>) -> !pto.tile<vec, 16x32xf32>
// A3-NEXT: pto.tstore ins([[TILE_1]] : !pto.tile<vec, 16x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xf32>)
// A3-REMARK: remark: 'dsv4.interleave' of 16x32xf32 -> transpose, {{.*}} cycles by the model; every stored lane is proved equal

// A5-LABEL: func.func @together_f32(
// A5: [[E:%\w+]] = pto.tload ins(%even_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A5-NEXT: [[O:%\w+]] = pto.tload ins(%odd_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A5-NEXT: [[V12:%\w+]] = pto.tscatter ins([[E]], {maskPattern = #pto.mask_pattern<P0101>} : !pto.tile<vec, 16x16xf32>, "row") -> !pto.tile<vec, 16x32xf32>
// A5-NEXT: [[V13:%\w+]] = pto.tscatter ins([[O]], {maskPattern = #pto.mask_pattern<P1010>} : !pto.tile<vec, 16x16xf32>, "row") -> !pto.tile<vec, 16x32xf32>
// A5-NEXT: [[V14:%\w+]] = pto.bitcast [[V12]] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xi32>
// A5-NEXT: [[V15:%\w+]] = pto.bitcast [[V13]] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xi32>
// A5-NEXT: [[V16:%\w+]] = pto.reshape [[V14]] : !pto.tile<vec, 16x32xi32> -> !pto.tile<vec, 8x64xi32>
// A5-NEXT: [[V17:%\w+]] = pto.reshape [[V15]] : !pto.tile<vec, 16x32xi32> -> !pto.tile<vec, 8x64xi32>
// A5-NEXT: [[V18:%\w+]] = pto.tor ins([[V16]], [[V17]] : !pto.tile<vec, 8x64xi32>, !pto.tile<vec, 8x64xi32>) -> !pto.tile<vec, 8x64xi32>
// A5-NEXT: [[V19:%\w+]] = pto.reshape [[V18]] : !pto.tile<vec, 8x64xi32> -> !pto.tile<vec, 16x32xi32>
// A5-NEXT: [[TILE_1:%\w+]] = pto.bitcast [[V19]] : !pto.tile<vec, 16x32xi32> -> !pto.tile<vec, 16x32xf32>
// A5-NEXT: pto.tstore ins([[TILE_1]] : !pto.tile<vec, 16x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xf32>)
// A5-REMARK: remark: 'dsv4.interleave' of 16x32xf32 -> scatter-pair, {{.*}} cycles by the model; every stored lane is proved equal

func.func @together_f32(%even: !pto.ptr<f32>, %odd: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
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
  %tile = dsv4.interleave %e, %o : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x32xf32>
  pto.tstore ins(%tile : !pto.tile<vec, 16x32xf32>) outs(%y_all : !pto.partition_tensor_view<16x32xf32>)
  return
}

// A rotation takes pairs apart, works on both halves in full rows, and puts them together.

// A3-LABEL: func.func @rotate(
// A3: [[TILE:%\w+]] = pto.tload ins(%x_all{{.*}} : !pto.partition_tensor_view<16x32xf32>) -> !pto.tile<vec, 16x32xf32>
// A3-NEXT: [[C:%\w+]] = pto.tload ins(%cos_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[S:%\w+]] = pto.tload ins(%sin_all{{.*}} : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V18:%\w+]] = pto.ttrans ins([[TILE]] : !pto.tile<vec, 16x32xf32>) -> !pto.tile<vec, 32x16xf32>
// A3-NEXT: [[V19:%\w+]] = pto.reshape [[V18]] : !pto.tile<vec, 32x16xf32> -> !pto.tile<vec, 16x32xf32>
// A3-NEXT: [[V20:%\w+]] = pto.subview [[V19]][%c0{{[^ ,\]]*}}, %c0{{[^ ,\]]*}}] sizes [16, 16] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V21:%\w+]] = pto.ttrans ins([[V20]] : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V22:%\w+]] = pto.subview [[V19]][%c0{{[^ ,\]]*}}, %c16{{[^ ,\]]*}}] sizes [16, 16] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V23:%\w+]] = pto.ttrans ins([[V22]] : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V24:%\w+]] = pto.reshape [[V21]] : !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[C_1:%\w+]] = pto.reshape [[C]] : !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[V25:%\w+]] = pto.tmul ins([[V24]], [[C_1]] : !pto.tile<vec, 4x64xf32>, !pto.tile<vec, 4x64xf32>) -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[V26:%\w+]] = pto.reshape [[V23]] : !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[S_1:%\w+]] = pto.reshape [[S]] : !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[V27:%\w+]] = pto.tmul ins([[V26]], [[S_1]] : !pto.tile<vec, 4x64xf32>, !pto.tile<vec, 4x64xf32>) -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[V28:%\w+]] = pto.tsub ins([[V25]], [[V27]] : !pto.tile<vec, 4x64xf32>, !pto.tile<vec, 4x64xf32>) -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[V29:%\w+]] = pto.reshape [[V28]] : !pto.tile<vec, 4x64xf32> -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V30:%\w+]] = pto.tmul ins([[V26]], [[C_1]] : !pto.tile<vec, 4x64xf32>, !pto.tile<vec, 4x64xf32>) -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[V31:%\w+]] = pto.tmul ins([[V24]], [[S_1]] : !pto.tile<vec, 4x64xf32>, !pto.tile<vec, 4x64xf32>) -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[V32:%\w+]] = pto.tadd ins([[V30]], [[V31]] : !pto.tile<vec, 4x64xf32>, !pto.tile<vec, 4x64xf32>) -> !pto.tile<vec, 4x64xf32>
// A3-NEXT: [[V33:%\w+]] = pto.reshape [[V32]] : !pto.tile<vec, 4x64xf32> -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V34:%\w+]] = pto.ttrans ins([[V29]] : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V35:%\w+]] = pto.undef : !pto.tile<vec, 16x32xf32>
// A3-NEXT: [[V36:%\w+]] = pto.insert [[V34]] into [[V35]][%c0{{[^ ,\]]*}}, %c0{{[^ ,\]]*}}] : !pto.tile<vec, 16x16xf32> into !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xf32>
// A3-NEXT: [[V37:%\w+]] = pto.ttrans ins([[V33]] : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
// A3-NEXT: [[V38:%\w+]] = pto.insert [[V37]] into [[V36]][%c0{{[^ ,\]]*}}, %c16{{[^ ,\]]*}}] : !pto.tile<vec, 16x16xf32> into !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x32xf32>
// A3-NEXT: [[V39:%\w+]] = pto.reshape [[V38]] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 32x16xf32>
// A3-NEXT: [[R:%\w+]] = pto.ttrans ins([[V39]] : !pto.tile<vec, 32x16xf32>) -> !pto.tile<vec, 16x32xf32>
// A3-NEXT: pto.tstore ins([[R]] : !pto.tile<vec, 16x32xf32>) outs(%y_all{{.*}} : !pto.partition_tensor_view<16x32xf32>)
// A3-REMARK: remark: 'dsv4.deinterleave' of 16x32xf32 (forward rotation) -> transpose, {{.*}} cycles by the model; every stored lane is proved equal
// A3-REMARK: remark: 'dsv4.interleave' of 16x32xf32 (forward rotation) -> transpose, {{.*}} cycles by the model; every stored lane is proved equal

func.func @rotate(%x: !pto.ptr<f32>, %cos: !pto.ptr<f32>, %sin: !pto.ptr<f32>, %y: !pto.ptr<f32>) attributes {pto.kernel_kind = #pto.kernel_kind<vector>} {
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
  %r = dsv4.rotate_pairs %tile, %c, %s : !pto.tile<vec, 16x32xf32>, !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32> -> !pto.tile<vec, 16x32xf32>
  pto.tstore ins(%r : !pto.tile<vec, 16x32xf32>) outs(%y_all : !pto.partition_tensor_view<16x32xf32>)
  return
}
