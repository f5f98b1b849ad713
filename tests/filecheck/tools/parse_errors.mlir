// The place of an error is that of the text at fault, chunks of a split file included.
// RUN: dsv4-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

// An undefined value is reported where it is first used, not at the end of the file.
// CHECK: parse_errors.mlir:7:17: error: use of undeclared SSA value %b
%a = arith.constant 1 : i32
%c = arith.addi %b, %a : i32
%d = arith.addi %b, %c : i32

// -----

// CHECK: parse_errors.mlir:13:1: error: unknown operation 'tadd2'
tadd2 ins() outs()

// -----

// CHECK: parse_errors.mlir:18:36: error: expected fractal to be one of 32, 512, 1024, found 3
%t = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32, fractal=3>

// -----

// CHECK: parse_errors.mlir:23:6: error: operation name expected
%a = )

// -----

// CHECK: parse_errors.mlir:28:1: error: expected an operation, found '}'
}

// -----

// CHECK: parse_errors.mlir:33:21: error: End of file reached before closing string literal.
"test.op"() {name = "abc} : () -> ()

// -----

// CHECK: parse_errors.mlir:40:3: error: 'arith.addi' op operand #1 (%later) does not dominate this use
func.func @use_before_definition(%a: i32) {
  %c = arith.constant 2 : i32
  %b = arith.addi %a, %later : i32
  %later = arith.addi %a, %c : i32
  func.return
}

// -----

// CHECK: parse_errors.mlir:50:1: error: 'pto.tadd' op expects 2 operands in ins(…), found 1
%t = pto.alloc_tile : !pto.tile_buf<vec, 8x64xf32>
// A comment, so that the line is another one than the operation before.
pto.tadd ins(%t : !pto.tile_buf<vec, 8x64xf32>) outs(%t : !pto.tile_buf<vec, 8x64xf32>)

// -----

// CHECK: parse_errors.mlir:55:26: error: hexadecimal elements of a dense float literal are not supported
%m = arith.constant dense<0xFF800000> : tensor<4xf32>
