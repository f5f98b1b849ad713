// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!tv = !pto.tensor_view<?x?xf32>
!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects to load from a partition_tensor_view, found !pto.tensor_view<?x?xf32>
func.func @f(%v: !tv, %x: !b) {
  pto.tload ins(%v : !tv) outs(%x : !b)
  func.return
}

// -----

!ptv = !pto.partition_tensor_view<8x64xf32>
!left = !pto.tile_buf<left, 16x64xf32, slayout=row_major>
// CHECK: expects to load into vec or mat memory, found left
func.func @f(%v: !ptv, %x: !left) {
  pto.tload ins(%v : !ptv) outs(%x : !left)
  func.return
}

// -----

!ptv_f16 = !pto.partition_tensor_view<8x64xf16>
!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects elements of one width, found f16 in GM and f32 in the tile
func.func @f(%v: !ptv_f16, %x: !b) {
  pto.tload ins(%v : !ptv_f16) outs(%x : !b)
  func.return
}

// -----

!ptv = !pto.partition_tensor_view<8x64xf32>
!b_small = !pto.tile_buf<vec, 4x64xf32>
// CHECK: expects as many valid elements as the view has, found 256 in the tile and 512 in GM
func.func @f(%v: !ptv, %x: !b_small) {
  pto.tstore ins(%x : !b_small) outs(%v : !ptv)
  func.return
}

// -----

!ptv = !pto.partition_tensor_view<8x64xf32>
!mat = !pto.tile_buf<mat, 16x64xf32, blayout=col_major, slayout=row_major>
// CHECK: cannot store from mat memory on a5
builtin.module attributes {pto.target_arch = "a5"} {
  func.func @a5(%v: !ptv, %x: !mat) {
    pto.tstore ins(%x : !mat) outs(%v : !ptv)
    func.return
  }
}

// -----

!ptv = !pto.partition_tensor_view<8x64xf32>
// CHECK: expects to store a tile, found !pto.partition_tensor_view<8x64xf32>
func.func @f(%v: !ptv) {
  pto.tstore ins(%v : !ptv) outs(%v : !ptv)
  func.return
}

// -----

!tv = !pto.tensor_view<?x?xf32>
// CHECK: expects a view of f16 elements, found f32
func.func @f(%p: !pto.ptr<f16>, %n: index) {
  %v = pto.make_tensor_view %p, shape = [%n, %n], strides = [%n, %n] : !tv
  func.return
}

// -----

!tv = !pto.tensor_view<?x?xf32>
// CHECK: expects 2 extents and 2 strides for its result type, found 1 and 2
func.func @f(%p: !pto.ptr<f32>, %n: index) {
  %v = pto.make_tensor_view %p, shape = [%n], strides = [%n, %n] : !tv
  func.return
}

// -----

!ptv = !pto.partition_tensor_view<8x64xf32>
!tv = !pto.tensor_view<?x?xf32>
// CHECK: expects size 0 to be 8 as in its result type, found 4
func.func @f(%v: !tv, %n: index) {
  %c4 = arith.constant 4 : index
  %p = pto.partition_view %v, offsets = [%n, %n], sizes = [%c4, %n] : !tv -> !ptv
  func.return
}

// -----

!ptv = !pto.partition_tensor_view<8x64xf32>
!b = !pto.tile_buf<vec, 8x64xf32>
!idx = !pto.tile_buf<vec, 1x8xi32>
// CHECK: expects attribute coalesce, found none
func.func @f(%v: !ptv, %x: !b, %i: !idx) {
  pto.mgather ins(%v, %i : !ptv, !idx) outs(%x : !b)
  func.return
}

// -----

!ptv_f16 = !pto.partition_tensor_view<8x64xf16>
!b = !pto.tile_buf<vec, 8x64xf32>
!idx = !pto.tile_buf<vec, 1x8xi32>
// CHECK: expects a destination of f16 elements, found f32
func.func @f(%v: !ptv_f16, %x: !b, %i: !idx) {
  pto.mgather ins(%v, %i : !ptv_f16, !idx) outs(%x : !b) {coalesce = #pto<coalesce row>}
  func.return
}

// -----

!ptv = !pto.partition_tensor_view<8x64xf32>
!b = !pto.tile_buf<vec, 8x64xf32>
// CHECK: expects an i32 index, found f32
func.func @f(%v: !ptv, %x: !b) {
  pto.mscatter ins(%x, %x : !b, !b) outs(%v : !ptv) {coalesce = #pto<coalesce row>}
  func.return
}

// -----

// CHECK: expects a value of type f32, found i32
func.func @f(%p: !pto.ptr<f32>, %n: index) {
  %v = pto.load_scalar %p[%n] : !pto.ptr<f32> -> i32
  func.return
}

// -----

// CHECK: expects a value of type f32, found f16
func.func @f(%p: !pto.ptr<f32>, %n: index, %x: f16) {
  pto.store_scalar %x, %p[%n] : !pto.ptr<f32>, f16
  func.return
}

// -----

// CHECK: expects a pointer to gm memory, found vec
func.func @f(%p: !pto.ptr<f32>) {
  %q = pto.castptr %p : !pto.ptr<f32> -> !pto.ptr<f32, ub>
  func.return
}
