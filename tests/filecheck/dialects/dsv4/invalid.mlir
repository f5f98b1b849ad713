// RUN: dsv4-opt --split-input-file --verify-diagnostics --parsing-diagnostics %s | filecheck %s

func.func @main(%x: tensor<4x64xf32>) {
  // CHECK: error: 'dsv4.launch' op expects a function @k in its module
  %y = dsv4.launch @k (%x : tensor<4x64xf32>) -> (tensor<4x64xf32>)
  func.return
}

// -----

func.func @k(%x: !pto.ptr<f32> {dsv4.direction = #dsv4.direction<out>, dsv4.tensor = tensor<4x64xf32>}) { func.return }
func.func @main(%x: tensor<4x64xf32>) {
  // CHECK: error: 'dsv4.launch' op expects 1 arguments for @k, found 0
  %y = dsv4.launch @k () -> (tensor<4x64xf32>)
  func.return
}

// -----

func.func @k(%x: !pto.ptr<f32> {dsv4.name = "x", dsv4.direction = #dsv4.direction<out>, dsv4.tensor = tensor<4x64xf32>}) { func.return }
func.func @main(%x: tensor<4x32xf32>) {
  // CHECK: error: 'dsv4.launch' op expects tensor<4x64xf32> for 'x' of @k, found tensor<4x32xf32>
  %y = dsv4.launch @k (%x : tensor<4x32xf32>) -> (tensor<4x64xf32>)
  func.return
}

// -----

func.func @k(%x: !pto.ptr<f32> {dsv4.name = "x", dsv4.direction = #dsv4.direction<in>, dsv4.tensor = tensor<4x64xf32>}) { func.return }
func.func @main(%x: tensor<4x64xf32>) {
  // CHECK: error: 'dsv4.launch' op expects results () from @k, found (tensor<4x64xf32>)
  %y = dsv4.launch @k (%x : tensor<4x64xf32>) -> (tensor<4x64xf32>)
  func.return
}

// -----

func.func @k(%x: !pto.ptr<f32> {dsv4.name = "x", dsv4.direction = #dsv4.direction<in>, dsv4.tensor = tensor<4x64xf32>}) { func.return }
func.func @main(%x: tensor<4x64xf32>) {
  // CHECK: error: 'dsv4.launch' op expects at least one block, found 0
  dsv4.launch @k blocks(0) (%x : tensor<4x64xf32>) -> ()
  func.return
}

// -----

// CHECK: error: 'dsv4.create' op expects 1 dynamic extents, found 0
%x = dsv4.create : tensor<?x64xf32>

// -----

%x = dsv4.create : tensor<4x64xf32>
// CHECK: error: 'dsv4.reshape' op expects tensors of one element type, found tensor<4x64xf32> and tensor<8x32xbf16>
%y = dsv4.reshape %x : tensor<4x64xf32> -> tensor<8x32xbf16>

// -----

%x = dsv4.create : tensor<4x64xf32>
// CHECK: error: 'dsv4.dim' op expects an axis below 2, found 2
%y = dsv4.dim %x, 2 : tensor<4x64xf32>

// -----

%i = arith.constant 0 : index
%x = dsv4.create : tensor<4x64xf32>
// CHECK: error: 'dsv4.read' op expects 2 indices, found 1
%y = dsv4.read %x[%i] : tensor<4x64xf32> -> f32

// -----

%t = pto.undef : !pto.tile<vec, 16x16xf32>
// CHECK: error: 'dsv4.move' op expects a result of 16x16xf32, found 16x32xf32
%v = dsv4.move %t : !pto.tile<vec, 16x16xf32> -> !pto.tile<mat, 16x32xf32, blayout=col_major, slayout=row_major>

// -----

// CHECK: error: expected one of range, pipeline, parallel, unroll, found 'fast'
"test.op"() {a = #dsv4.loop<fast>} : () -> ()

// -----

// CHECK: error: expected dsv4.selector to be one of even, odd, swap, rotate, unrotate, found 'third'
"test.op"() {a = #dsv4.selector<third>} : () -> ()
