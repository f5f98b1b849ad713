// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!ptv = !pto.partition_tensor_view<8x64xf32>
!tv = !pto.tensor_view<?x?xf32>
!b = !pto.tile_buf<vec, 8x64xf32>
!t = !pto.tile<vec, 8x64xf32>
!acc = !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>
!fp = !pto.tile_buf<scaling, 1x64xui64>
!ptv_i8 = !pto.partition_tensor_view<16x64xi8>

func.func @views(%p: !pto.ptr<f32>, %x: index, %axis: index) {
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %v = pto.make_tensor_view %p, shape = [%c8, %c64], strides = [%c64, %axis] : !tv
  // CHECK: %v = pto.make_tensor_view %p, shape = [%c8, %c64], strides = [%c64, %axis] : !pto.tensor_view<?x?xf32>
  %dn = pto.make_tensor_view %p, shape = [%c8, %c64], strides = [%axis, %c8] {layout = #pto.layout<dn>, note = "kept"} : !tv
  // CHECK: %dn = pto.make_tensor_view %p, shape = [%c8, %c64], strides = [%axis, %c8] {layout = #pto.layout<dn>, note = "kept"} : !pto.tensor_view<?x?xf32>
  %box = pto.partition_view %v, offsets = [%x, %x], sizes = [%c8, %c64] : !tv -> !ptv
  // CHECK: %box = pto.partition_view %v, offsets = [%x, %x], sizes = [%c8, %c64] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x64xf32>
  %inferred = pto.partition_view %v, offsets = [%x, %x], sizes = [%c8, %x] : !tv
  // CHECK: %inferred = pto.partition_view %v, offsets = [%x, %x], sizes = [%c8, %x] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x?xf32>
  %dim = pto.get_tensor_view_dim %v, %axis : !tv -> index
  // CHECK: %dim = pto.get_tensor_view_dim %v, %axis : !pto.tensor_view<?x?xf32> -> index
  %stride = pto.get_tensor_view_stride %box, %axis : !ptv -> index
  // CHECK: %stride = pto.get_tensor_view_stride %box, %axis : !pto.partition_tensor_view<8x64xf32> -> index
  func.return
}

func.func @buffer(%v: !ptv, %x: !b, %acc: !acc, %fp: !fp, %q: i64, %out: !ptv_i8, %idx: !pto.tile_buf<vec, 1x8xi32>) {
  pto.tload ins(%v : !ptv) outs(%x : !b)
  // CHECK: pto.tload ins(%v : !pto.partition_tensor_view<8x64xf32>) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  pto.tload ins(%v : !ptv) outs(%x : !b) {layout = #pto.layout<nd>}
  // CHECK: pto.tload ins(%v : !pto.partition_tensor_view<8x64xf32>) outs(%x : !pto.tile_buf<vec, 8x64xf32>) {layout = #pto.layout<nd>}
  pto.tprefetch ins(%v : !ptv) outs(%x : !b)
  // CHECK: pto.tprefetch ins(%v : !pto.partition_tensor_view<8x64xf32>) outs(%x : !pto.tile_buf<vec, 8x64xf32>)
  pto.tstore ins(%x : !b) outs(%v : !ptv)
  // CHECK: pto.tstore ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%v : !pto.partition_tensor_view<8x64xf32>)
  pto.tstore ins(%x : !b) outs(%v : !ptv) {atomicType = #pto<atomic_type atomic_add>}
  // CHECK: pto.tstore ins(%x : !pto.tile_buf<vec, 8x64xf32>) outs(%v : !pto.partition_tensor_view<8x64xf32>) {atomicType = #pto<atomic_type atomic_add>}
  pto.tstore ins(%acc : !acc fp %fp : !fp) outs(%out : !ptv_i8)
  // CHECK: pto.tstore ins(%acc : !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024> fp %fp : !pto.tile_buf<scaling, 1x64xui64>) outs(%out : !pto.partition_tensor_view<16x64xi8>)
  pto.tstore ins(%acc : !acc, %q : i64) outs(%out : !ptv_i8) {stPhase = #pto<st_phase final>}
  // CHECK: pto.tstore ins(%acc : !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>, %q : i64) outs(%out : !pto.partition_tensor_view<16x64xi8>) {stPhase = #pto<st_phase final>}
  pto.mgather ins(%v, %idx : !ptv, !pto.tile_buf<vec, 1x8xi32>) outs(%x : !b) {coalesce = #pto<coalesce row>}
  // CHECK: pto.mgather ins(%v, %idx : !pto.partition_tensor_view<8x64xf32>, !pto.tile_buf<vec, 1x8xi32>) outs(%x : !pto.tile_buf<vec, 8x64xf32>) {coalesce = #pto<coalesce row>}
  pto.mscatter ins(%x, %idx : !b, !pto.tile_buf<vec, 1x8xi32>) outs(%v : !ptv) {coalesce = #pto<coalesce row>, scatterAtomicOp = #pto<scatter_atomic_op add>}
  // CHECK: pto.mscatter ins(%x, %idx : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 1x8xi32>) outs(%v : !pto.partition_tensor_view<8x64xf32>) {coalesce = #pto<coalesce row>, scatterAtomicOp = #pto<scatter_atomic_op add>}
  func.return
}

func.func @value(%v: !ptv, %idx: !pto.tile<vec, 1x8xi32>) {
  %x = pto.tload ins(%v : !ptv) -> !t
  // CHECK: %x = pto.tload ins(%v : !pto.partition_tensor_view<8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  %y = pto.mgather ins(%v, %idx : !ptv, !pto.tile<vec, 1x8xi32>) -> !t {coalesce = #pto<coalesce row>}
  // CHECK: %y = pto.mgather ins(%v, %idx : !pto.partition_tensor_view<8x64xf32>, !pto.tile<vec, 1x8xi32>) -> !pto.tile<vec, 8x64xf32> {coalesce = #pto<coalesce row>}
  pto.tstore ins(%x : !t) outs(%v : !ptv)
  // CHECK: pto.tstore ins(%x : !pto.tile<vec, 8x64xf32>) outs(%v : !pto.partition_tensor_view<8x64xf32>)
  pto.mscatter ins(%y, %idx : !t, !pto.tile<vec, 1x8xi32>) outs(%v : !ptv) {coalesce = #pto<coalesce row>}
  // CHECK: pto.mscatter ins(%y, %idx : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 1x8xi32>) outs(%v : !pto.partition_tensor_view<8x64xf32>) {coalesce = #pto<coalesce row>}
  func.return
}
