// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 8x64xf32>
!b_i32 = !pto.tile_buf<vec, 8x64xi32>
!b_i16 = !pto.tile_buf<vec, 8x64xi16>
!b_f16 = !pto.tile_buf<vec, 8x64xf16>
!t = !pto.tile<vec, 8x64xf32, valid=?x?>
!t_full = !pto.tile<vec, 8x64xf32>
!t_f16 = !pto.tile<vec, 8x64xf16>

func.func @floats(%a: !b, %b: !b, %tmp: !b, %d: !b, %s: f32, %h: !b_f16, %hs: f16) {
  pto.tadd ins(%a, %b : !b, !b) outs(%d : !b)
  // CHECK: pto.tadd ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tsub ins(%a, %b : !b, !b) outs(%d : !b)
  // CHECK: pto.tsub ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tmul ins(%a, %b : !b, !b) outs(%d : !b) {note = "kept"}
  // CHECK: pto.tmul ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>) {note = "kept"}
  pto.tdiv ins(%a, %b : !b, !b) outs(%d : !b) {precisionType = #pto<div_precision high_precision>}
  // CHECK: pto.tdiv ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>) {precisionType = #pto<div_precision high_precision>}
  pto.tmax ins(%a, %b : !b, !b) outs(%d : !b)
  // CHECK: pto.tmax ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tmin ins(%a, %b : !b, !b) outs(%d : !b)
  // CHECK: pto.tmin ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tfmod ins(%a, %b : !b, !b) outs(%d : !b)
  // CHECK: pto.tfmod ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trem ins(%a, %b : !b, !b) outs(%d : !b)
  // CHECK: pto.trem ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trem ins(%a, %b, %tmp : !b, !b, !b) outs(%d : !b)
  // CHECK: pto.trem ins(%a, %b, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tpow ins(%a, %b, %tmp : !b, !b, !b) outs(%d : !b)
  // CHECK: pto.tpow ins(%a, %b, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tprelu ins(%a, %b, %tmp : !b, !b, !b) outs(%d : !b)
  // CHECK: pto.tprelu ins(%a, %b, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.taddrelu ins(%a, %b : !b, !b) outs(%d : !b)
  // CHECK: pto.taddrelu ins(%a, %b : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tadds ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.tadds ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tsubs ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.tsubs ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tmuls ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.tmuls ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tmaxs ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.tmaxs ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tmins ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.tmins ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tfmods ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.tfmods ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trems ins(%a, %s, %tmp : !b, f32, !b) outs(%d : !b)
  // CHECK: pto.trems ins(%a, %s, %tmp : !pto.tile_buf<vec, 8x64xf32>, f32, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tpows ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.tpows ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tlrelu ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.tlrelu ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tdivs ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.tdivs ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tdivs ins(%s, %a : f32, !b) outs(%d : !b)
  // CHECK: pto.tdivs ins(%s, %a : f32, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tneg ins(%a : !b) outs(%d : !b)
  // CHECK: pto.tneg ins(%a : !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tabs ins(%a : !b) outs(%d : !b)
  // CHECK: pto.tabs ins(%a : !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.texp ins(%a : !b) outs(%d : !b)
  // CHECK: pto.texp ins(%a : !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tlog ins(%a : !b) outs(%d : !b)
  // CHECK: pto.tlog ins(%a : !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tsqrt ins(%a : !b) outs(%d : !b)
  // CHECK: pto.tsqrt ins(%a : !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trsqrt ins(%a, %tmp : !b, !b) outs(%d : !b)
  // CHECK: pto.trsqrt ins(%a, %tmp : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trecip ins(%a : !b) outs(%d : !b)
  // CHECK: pto.trecip ins(%a : !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.trelu ins(%a : !b) outs(%d : !b)
  // CHECK: pto.trelu ins(%a : !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.taddc ins(%a, %b, %a : !b, !b, !b) outs(%d : !b)
  // CHECK: pto.taddc ins(%a, %b, %a : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tsubc ins(%a, %b, %a : !b, !b, !b) outs(%d : !b)
  // CHECK: pto.tsubc ins(%a, %b, %a : !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.taddsc ins(%a, %s, %b : !b, f32, !b) outs(%d : !b)
  // CHECK: pto.taddsc ins(%a, %s, %b : !pto.tile_buf<vec, 8x64xf32>, f32, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.tsubsc ins(%a, %s, %b : !b, f32, !b) outs(%d : !b)
  // CHECK: pto.tsubsc ins(%a, %s, %b : !pto.tile_buf<vec, 8x64xf32>, f32, !pto.tile_buf<vec, 8x64xf32>) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.taxpy ins(%a, %s : !b, f32) outs(%d : !b)
  // CHECK: pto.taxpy ins(%a, %s : !pto.tile_buf<vec, 8x64xf32>, f32) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  pto.taxpy ins(%h, %hs : !b_f16, f16) outs(%d : !b)
  // CHECK: pto.taxpy ins(%h, %hs : !pto.tile_buf<vec, 8x64xf16>, f16) outs(%d : !pto.tile_buf<vec, 8x64xf32>)
  func.return
}

func.func @integers(%a: !b_i32, %d: !b_i32, %h: !b_i16, %n: i32, %m: i16) {
  pto.tand ins(%a, %a : !b_i32, !b_i32) outs(%d : !b_i32)
  // CHECK: pto.tand ins(%a, %a : !pto.tile_buf<vec, 8x64xi32>, !pto.tile_buf<vec, 8x64xi32>) outs(%d : !pto.tile_buf<vec, 8x64xi32>)
  pto.tor ins(%a, %a : !b_i32, !b_i32) outs(%d : !b_i32)
  // CHECK: pto.tor ins(%a, %a : !pto.tile_buf<vec, 8x64xi32>, !pto.tile_buf<vec, 8x64xi32>) outs(%d : !pto.tile_buf<vec, 8x64xi32>)
  pto.txor ins(%a, %a, %a : !b_i32, !b_i32, !b_i32) outs(%d : !b_i32)
  // CHECK: pto.txor ins(%a, %a, %a : !pto.tile_buf<vec, 8x64xi32>, !pto.tile_buf<vec, 8x64xi32>, !pto.tile_buf<vec, 8x64xi32>) outs(%d : !pto.tile_buf<vec, 8x64xi32>)
  pto.tshl ins(%a, %a : !b_i32, !b_i32) outs(%d : !b_i32)
  // CHECK: pto.tshl ins(%a, %a : !pto.tile_buf<vec, 8x64xi32>, !pto.tile_buf<vec, 8x64xi32>) outs(%d : !pto.tile_buf<vec, 8x64xi32>)
  pto.tshr ins(%a, %a : !b_i32, !b_i32) outs(%d : !b_i32)
  // CHECK: pto.tshr ins(%a, %a : !pto.tile_buf<vec, 8x64xi32>, !pto.tile_buf<vec, 8x64xi32>) outs(%d : !pto.tile_buf<vec, 8x64xi32>)
  pto.tshls ins(%a, %n : !b_i32, i32) outs(%d : !b_i32)
  // CHECK: pto.tshls ins(%a, %n : !pto.tile_buf<vec, 8x64xi32>, i32) outs(%d : !pto.tile_buf<vec, 8x64xi32>)
  pto.tshrs ins(%a, %n : !b_i32, i32) outs(%d : !b_i32)
  // CHECK: pto.tshrs ins(%a, %n : !pto.tile_buf<vec, 8x64xi32>, i32) outs(%d : !pto.tile_buf<vec, 8x64xi32>)
  pto.tands ins(%h, %m : !b_i16, i16) outs(%h : !b_i16)
  // CHECK: pto.tands ins(%h, %m : !pto.tile_buf<vec, 8x64xi16>, i16) outs(%h : !pto.tile_buf<vec, 8x64xi16>)
  pto.tors ins(%h, %m : !b_i16, i16) outs(%h : !b_i16)
  // CHECK: pto.tors ins(%h, %m : !pto.tile_buf<vec, 8x64xi16>, i16) outs(%h : !pto.tile_buf<vec, 8x64xi16>)
  pto.txors ins(%h, %m, %h : !b_i16, i16, !b_i16) outs(%h : !b_i16)
  // CHECK: pto.txors ins(%h, %m, %h : !pto.tile_buf<vec, 8x64xi16>, i16, !pto.tile_buf<vec, 8x64xi16>) outs(%h : !pto.tile_buf<vec, 8x64xi16>)
  pto.tnot ins(%h : !b_i16) outs(%h : !b_i16)
  // CHECK: pto.tnot ins(%h : !pto.tile_buf<vec, 8x64xi16>) outs(%h : !pto.tile_buf<vec, 8x64xi16>)
  func.return
}

func.func @values(%a: !t, %f: !t_full, %old: !t_full, %h: !t_f16, %s: f32, %hs: f16, %r: index, %c: index) {
  %sum = pto.tadd ins(%a, %a : !t, !t) valid [%r, %c] -> !t
  // CHECK: %sum = pto.tadd ins(%a, %a : !pto.tile<vec, 8x64xf32, valid=?x?>, !pto.tile<vec, 8x64xf32, valid=?x?>) valid [%r, %c] -> !pto.tile<vec, 8x64xf32, valid=?x?>
  %rest = pto.trem ins(%a, %a, %f : !t, !t, !t_full) valid [%r, %c] -> !t {note = "kept"}
  // CHECK: %rest = pto.trem ins(%a, %a, %f : !pto.tile<vec, 8x64xf32, valid=?x?>, !pto.tile<vec, 8x64xf32, valid=?x?>, !pto.tile<vec, 8x64xf32>) valid [%r, %c] -> !pto.tile<vec, 8x64xf32, valid=?x?> {note = "kept"}
  %scaled = pto.tmuls ins(%sum, %s : !t, f32) valid [%r, %c] -> !t
  // CHECK: %scaled = pto.tmuls ins(%sum, %s : !pto.tile<vec, 8x64xf32, valid=?x?>, f32) valid [%r, %c] -> !pto.tile<vec, 8x64xf32, valid=?x?>
  %part = pto.tdivs ins(%s, %f : f32, !t_full) -> !t_full
  // CHECK: %part = pto.tdivs ins(%s, %f : f32, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  %root = pto.trsqrt ins(%f, %old : !t_full, !t_full) -> !t_full
  // CHECK: %root = pto.trsqrt ins(%f, %old : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  %three = pto.taddsc ins(%f, %s, %f : !t_full, f32, !t_full) -> !t_full
  // CHECK: %three = pto.taddsc ins(%f, %s, %f : !pto.tile<vec, 8x64xf32>, f32, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  %added = pto.taxpy ins(%h, %hs, %old : !t_f16, f16, !t_full) -> !t_full
  // CHECK: %added = pto.taxpy ins(%h, %hs, %old : !pto.tile<vec, 8x64xf16>, f16, !pto.tile<vec, 8x64xf32>) -> !pto.tile<vec, 8x64xf32>
  func.return
}
