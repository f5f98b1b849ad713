// Every location that MLIR writes is read and written back.
// RUN: dsv4-opt %s | filecheck %s
// RUN: dsv4-opt %s | dsv4-opt -f mlir | filecheck %s
// RUN: dsv4-opt %s --print-op-generic | dsv4-opt -f mlir | filecheck %s

#loc1 = loc(fused<"X">["a.py":1:1 to 2:3, callsite("f"("b.py":2:2 to :7) at unknown)])

func.func @f(%a: i32 loc("q.py":1:2 to :5)) {
  // CHECK: arith.addi %a, %a : i32 loc("a.py":1:2 to :5)
  %b = arith.addi %a, %a : i32 loc("a.py":1:2 to :5)
  // CHECK: arith.addi %a, %b : i32 loc("a.py":1:2 to 3:4)
  %c = arith.addi %a, %b : i32 loc("a.py":1:2 to 3:4)
  // CHECK: arith.addi %c, %b : i32 loc(fused<"X">["a.py":1:1 to 2:3, callsite("f"("b.py":2:2 to :7) at unknown)])
  %d = arith.addi %c, %b : i32 loc(#loc1)
  // CHECK: arith.addi %d, %b : i32 loc(fused<"CSE">["a.py":1:1, "b.py":2:2])
  %e = arith.addi %d, %b : i32 loc(fused<"CSE">["a.py":1:1, "b.py":2:2])
  // CHECK: arith.addi %e, %b : i32 loc(fused["a.py":1:2])
  %g = arith.addi %e, %b : i32 loc(fused["a.py":1:2])
  return
}
