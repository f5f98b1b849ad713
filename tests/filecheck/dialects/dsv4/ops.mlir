// RUN: dsv4-opt %s | dsv4-opt -f mlir | filecheck %s

// CHECK: func.func @k(%x: !pto.ptr<f32> {dsv4.name = "x", dsv4.direction = #dsv4.direction<in>, dsv4.tensor = tensor<?x64xf32>, dsv4.dims = ["N", ""]}
func.func @k(
  %x: !pto.ptr<f32> {dsv4.name = "x", dsv4.direction = #dsv4.direction<in>, dsv4.tensor = tensor<?x64xf32>, dsv4.dims = ["N", ""]},
  %s: !pto.ptr<bf16> {dsv4.name = "s", dsv4.direction = #dsv4.direction<in>, dsv4.tensor = tensor<64x32xbf16>, dsv4.selector = #dsv4.selector<even>},
  %i: !pto.ptr<i32> {dsv4.name = "i", dsv4.direction = #dsv4.direction<in>, dsv4.tensor = tensor<1x32xi32>, dsv4.table = #dsv4.table<swap>},
  %y: !pto.ptr<f32> {dsv4.name = "y", dsv4.direction = #dsv4.direction<out>, dsv4.tensor = tensor<4x64xf32>},
  %n: index {dsv4.name = "n"},
  %N: index {dsv4.name = "N", dsv4.hidden = "dim"}
) -> index attributes {dsv4.role = "kernel", dsv4.returns = array<i64: 0, 1>} {
  // CHECK: %t = pto.undef : !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
  %t = pto.undef : !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>
  // CHECK-NEXT: %v = dsv4.move %t : !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024> -> !pto.tile<vec, 16x16xf32>
  %v = dsv4.move %t : !pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024> -> !pto.tile<vec, 16x16xf32>
  // CHECK-NEXT: %w = dsv4.opaque "pl.tile.sort({0}, {{.*}}attrs={{.*}})" as "pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec]"(%v) : (!pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  %w = dsv4.opaque "pl.tile.sort({0}, attrs={{'a': 1}})" as "pl.Tile[[16, 16], pl.FP32, pl.Mem.Vec]"(%v) : (!pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  // CHECK-NEXT: %o = dsv4.opaque "pl.thing({0})" as "pl.Thing"(%n) : (index) -> !dsv4.text<"pl.Thing">
  %o = dsv4.opaque "pl.thing({0})" as "pl.Thing"(%n) : (index) -> !dsv4.text<"pl.Thing">
  func.return %n : index
}

// CHECK: dsv4.wrapper @k_spmd runs @k blocks(4)
dsv4.wrapper @k_spmd runs @k blocks(4)
// CHECK: dsv4.wrapper @k_many runs @k blocks("n // 8") {dsv4.decorator = "type=pl.FunctionType.Spmd"}
dsv4.wrapper @k_many runs @k blocks("n // 8") {dsv4.decorator = "type=pl.FunctionType.Spmd"}

func.func @main(%x: tensor<?x64xf32>, %s: tensor<64x32xbf16>, %i: tensor<1x32xi32>) attributes {dsv4.role = "orchestration", dsv4.returns = array<i64>} {
  // CHECK: %n = dsv4.dim %x, 0 : tensor<?x64xf32>
  %n = dsv4.dim %x, 0 : tensor<?x64xf32>
  // CHECK-NEXT: %m = dsv4.dim %x, 0 symbol "N" : tensor<?x64xf32>
  %m = dsv4.dim %x, 0 symbol "N" : tensor<?x64xf32>
  // CHECK-NEXT: %y = dsv4.create : tensor<4x64xf32>
  %y = dsv4.create : tensor<4x64xf32>
  // CHECK-NEXT: %z = dsv4.create[%n] layout "NZ" : tensor<?x64xf32>
  %z = dsv4.create [%n] layout "NZ" : tensor<?x64xf32>
  // CHECK-NEXT: %0, %1 = dsv4.launch @k blocks(4) via @k_spmd (%x, %s, %i, %y, %n : tensor<?x64xf32>, tensor<64x32xbf16>, tensor<1x32xi32>, tensor<4x64xf32>, index) -> (tensor<4x64xf32>, index)
  %0, %1 = dsv4.launch @k blocks(4) via @k_spmd (%x, %s, %i, %y, %n : tensor<?x64xf32>, tensor<64x32xbf16>, tensor<1x32xi32>, tensor<4x64xf32>, index) -> (tensor<4x64xf32>, index)
  // CHECK-NEXT: %2, %3 = dsv4.launch @k blocks("n // 8") (%z, %s, %i, %0, %1 : {{.*}}) -> (tensor<4x64xf32>, index)
  %2, %3 = dsv4.launch @k blocks("n // 8") (%z, %s, %i, %0, %1 : tensor<?x64xf32>, tensor<64x32xbf16>, tensor<1x32xi32>, tensor<4x64xf32>, index) -> (tensor<4x64xf32>, index)
  // CHECK-NEXT: %r = dsv4.reshape %2 : tensor<4x64xf32> -> tensor<8x32xf32>
  %r = dsv4.reshape %2 : tensor<4x64xf32> -> tensor<8x32xf32>
  // CHECK-NEXT: %p = dsv4.slice %r[%n, %3] : tensor<8x32xf32> -> tensor<1x32xf32>
  %p = dsv4.slice %r[%n, %3] : tensor<8x32xf32> -> tensor<1x32xf32>
  // CHECK-NEXT: %q = dsv4.slice %r[%n, %n] sizes{{ ?}}[%n] : tensor<8x32xf32> -> tensor<?x32xf32>
  %q = dsv4.slice %r[%n, %n] sizes [%n] : tensor<8x32xf32> -> tensor<?x32xf32>
  // CHECK-NEXT: %a = dsv4.assemble %p into %r[%n, %n] : tensor<1x32xf32> into tensor<8x32xf32> -> tensor<8x32xf32>
  %a = dsv4.assemble %p into %r[%n, %n] : tensor<1x32xf32> into tensor<8x32xf32> -> tensor<8x32xf32>
  // CHECK-NEXT: %u = dsv4.update %2 from %a : tensor<4x64xf32> from tensor<8x32xf32> -> tensor<4x64xf32>
  %u = dsv4.update %2 from %a : tensor<4x64xf32> from tensor<8x32xf32> -> tensor<4x64xf32>
  // CHECK-NEXT: %e = dsv4.read %i[%n, %n] : tensor<1x32xi32> -> i32
  %e = dsv4.read %i[%n, %n] : tensor<1x32xi32> -> i32
  // CHECK-NEXT: %f = dsv4.write %e into %i[%n, %n] : i32 into tensor<1x32xi32> -> tensor<1x32xi32>
  %f = dsv4.write %e into %i[%n, %n] : i32 into tensor<1x32xi32> -> tensor<1x32xi32>
  // CHECK: } {dsv4.loop = #dsv4.loop<parallel>}
  scf.for %j = %n to %m step %n {
  } {dsv4.loop = #dsv4.loop<parallel>}
  func.return
}

// CHECK: dsv4.source "k" "0123" "def k():\0A"
dsv4.source "k" "0123" "def k():\0A"
