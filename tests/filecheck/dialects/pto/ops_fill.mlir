// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

!b = !pto.tile_buf<vec, 16x64xf32, valid=?x?>
!b_padded = !pto.tile_buf<vec, 16x64xf32, pad=3>
!b_i32 = !pto.tile_buf<vec, 32x32xi32>
!t = !pto.tile<vec, 16x64xf32, valid=?x?>
!t_padded = !pto.tile<vec, 16x64xf32, pad=3>
!t_i32 = !pto.tile<vec, 32x32xi32>

func.func @buffer(%x: !b, %padded: !b_padded, %mask: !b_i32, %diagonal: i32) {
  pto.tfillpad ins(%x : !b) outs(%padded : !b_padded)
  // CHECK: pto.tfillpad ins(%x : !pto.tile_buf<vec, 16x64xf32, valid=?x?>) outs(%padded : !pto.tile_buf<vec, 16x64xf32, pad=3>)
  pto.ttri ins(%diagonal : i32) outs(%mask : !b_i32)
  // CHECK: pto.ttri ins(%diagonal : i32) outs(%mask : !pto.tile_buf<vec, 32x32xi32>)
  pto.ttri ins(%diagonal {upperOrLower = 1 : i32} : i32) outs(%mask : !b_i32)
  // CHECK: pto.ttri ins(%diagonal {upperOrLower = 1 : i32} : i32) outs(%mask : !pto.tile_buf<vec, 32x32xi32>)
  func.return
}

func.func @value(%x: !t, %diagonal: i32) {
  %padded = pto.tfillpad ins(%x : !t) -> !t_padded
  // CHECK: %padded = pto.tfillpad ins(%x : !pto.tile<vec, 16x64xf32, valid=?x?>) -> !pto.tile<vec, 16x64xf32, pad=3>
  %mask = pto.ttri ins(%diagonal {upperOrLower = 1 : i32} : i32) -> !t_i32
  // CHECK: %mask = pto.ttri ins(%diagonal {upperOrLower = 1 : i32} : i32) -> !pto.tile<vec, 32x32xi32>
  func.return
}

builtin.module attributes {pto.target_arch = "a5"} {
  func.func @random(%k: i32, %bits: !pto.tile_buf<vec, 4x256xui32>) {
    pto.trandom ins(%k, %k, %k, %k, %k, %k {rounds = 7 : i32} : i32, i32, i32, i32, i32, i32) outs(%bits : !pto.tile_buf<vec, 4x256xui32>)
    // CHECK: pto.trandom ins(%k, %k, %k, %k, %k, %k {rounds = 7 : i32} : i32, i32, i32, i32, i32, i32) outs(%bits : !pto.tile_buf<vec, 4x256xui32>)
    func.return
  }
}
