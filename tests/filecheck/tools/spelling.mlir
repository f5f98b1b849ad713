// What the input wrote comes back: numbers as names, numeric endings, float literals, locations; what it did
// not name gets names that are free.
// RUN: dsv4-opt %s | filecheck %s --strict-whitespace --match-full-lines

func.func @f(%27: f32, %x_1 : f32) -> f32 {
  %1 = arith.constant 1.00000000000000000e+00 : f32
  %inf = arith.constant 0xFF800000 : f32
  %x = "arith.addf"(%27, %x_1) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32 loc("model.py":12:3)
  %c = arith.constant true
  %0 = scf.if %c -> (f32) {
    %same = arith.mulf %x, %1 : f32 loc("mul")
    scf.yield %same : f32
  } else {
    %same = arith.mulf %x, %inf : f32 loc(#loc1)
    scf.yield %same : f32
  }
  func.return %0 : f32
}
#loc1 = loc("model.py":14:7)

//      CHECK:builtin.module {
// CHECK-NEXT:  func.func @f(%27: f32, %x_1: f32) -> f32 {
// CHECK-NEXT:    %1 = arith.constant 1.00000000000000000e+00 : f32
// CHECK-NEXT:    %inf = arith.constant 0xFF800000 : f32
// CHECK-NEXT:    %x = arith.addf %27, %x_1 : f32 loc("model.py":12:3)
// CHECK-NEXT:    %c = arith.constant true
// CHECK-NEXT:    %0 = scf.if %c -> (f32) {
// CHECK-NEXT:      %same = arith.mulf %x, %1 : f32 loc("mul")
// CHECK-NEXT:      scf.yield %same : f32
// CHECK-NEXT:    } else {
// CHECK-NEXT:      %same = arith.mulf %x, %inf : f32 loc("model.py":14:7)
// CHECK-NEXT:      scf.yield %same : f32
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return %0 : f32
// CHECK-NEXT:  }
// CHECK-NEXT:}
