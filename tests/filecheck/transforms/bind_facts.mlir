// Facts from a description: by name, by glob, by position, by the view's name.
//
// RUN: echo '"even_*" = "even"' > %t.toml
// RUN: echo 'odd_select = "odd"' >> %t.toml
// RUN: echo 'arg3 = "table:swap"' >> %t.toml
// RUN: dsv4-opt %s -p 'dsv4-bind-facts{file="%t.toml"}' | filecheck %s
// RUN: echo '[facts]' > %t.table.toml
// RUN: cat %t.toml >> %t.table.toml
// RUN: echo '[other]' >> %t.table.toml
// RUN: dsv4-opt %s --facts %t.table.toml | filecheck %s
// RUN: xdsl-opt %s -p 'dsv4-bind-facts{file="%t.toml"}' | filecheck %s

// CHECK: func.func @kernel(%x: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, %odd_select: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}, %lanes: !pto.ptr<i32> {dsv4.table = #dsv4.table<swap>})
func.func @kernel(%x: !pto.ptr<bf16>, %even_select: !pto.ptr<bf16>, %odd_select: !pto.ptr<bf16>, %lanes: !pto.ptr<i32>) {
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %0 = pto.make_tensor_view %x, shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %1 = pto.make_tensor_view %even_select, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xbf16>
  %2 = pto.make_tensor_view %odd_select, shape = [%c16, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xbf16>
  %3 = pto.make_tensor_view %lanes, shape = [%c1, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xi32>
  func.return
}
