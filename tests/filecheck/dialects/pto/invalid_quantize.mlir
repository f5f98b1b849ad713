// RUN: xdsl-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file | filecheck %s

!b = !pto.tile_buf<vec, 32x32xf32>
!b_ui8 = !pto.tile_buf<vec, 32x32xui8>
// CHECK: expects an offset operand for INT8_ASYM, found none
func.func @f(%x: !b, %d: !b_ui8) {
  pto.tquant ins(%x, %x : !b, !b) outs(%d : !b_ui8) {quant_type = #pto<quant_type INT8_ASYM>}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 32x32xf32>
!b_i8 = !pto.tile_buf<vec, 32x32xi8>
// CHECK: expects a destination of ui8 for INT8_ASYM, found i8
func.func @f(%x: !b, %d: !b_i8) {
  pto.tquant ins(%x, %x, %x : !b, !b, !b) outs(%d : !b_i8) {quant_type = #pto<quant_type INT8_ASYM>}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 32x32xf32>
!b_i8 = !pto.tile_buf<vec, 32x32xi8>
// CHECK: expects no offset operand for INT8_SYM, found one
func.func @f(%x: !b, %d: !b_i8) {
  pto.tquant ins(%x, %x, %x, %x : !b, !b, !b, !b) outs(%d : !b_i8) {quant_type = #pto<quant_type INT8_SYM>}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 32x32xf32>
!b_i8 = !pto.tile_buf<vec, 32x32xi8>
// CHECK: expects quant_type to be INT8_SYM or INT8_ASYM, found MXFP8
func.func @f(%x: !b, %d: !b_i8) {
  pto.tquant ins(%x, %x : !b, !b) outs(%d : !b_i8) {quant_type = #pto<quant_type MXFP8>}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 32x32xf32>
!b_ui8_part = !pto.tile_buf<vec, 32x32xui8, valid=16x32>
// CHECK: expects the valid rows of the destination to be 32, found 16
func.func @f(%x: !b, %d: !b_ui8_part) {
  pto.tquant ins(%x, %x : !b, !b) outs(%d : !b_ui8_part) {quant_type = #pto<quant_type INT8_SYM>}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 32x32xf32>
// CHECK: exists on a5 only, found a2a3
func.func @a3(%x: !b) {
  pto.tquant.mx ins(%x : !b) outs(%x, %x, %x, %x : !b, !b, !b, !b) {quant_type = #pto<quant_type MXFP8>}
  func.return
}

// -----

!b = !pto.tile_buf<vec, 32x32xf32>
// CHECK: expects an i8 or i16 source, found f32
func.func @f(%x: !b) {
  pto.tdequant ins(%x, %x, %x : !b, !b, !b) outs(%x : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 32x32xf32>
!b_f16 = !pto.tile_buf<vec, 32x32xf16>
!b_i8 = !pto.tile_buf<vec, 32x32xi8>
// CHECK: expects f32 elements for scale, found f16
func.func @f(%x: !b_i8, %y: !b_f16, %z: !b) {
  pto.tdequant ins(%x, %y, %z : !b_i8, !b_f16, !b) outs(%z : !b)
  func.return
}

// -----

!b = !pto.tile_buf<vec, 32x32xf32>
// CHECK: expects a destination in scaling memory, found vec
func.func @f(%x: !b) {
  pto.tget_scale_addr ins(%x : !b) outs(%x : !b)
  func.return
}

// -----

!b_small = !pto.tile_buf<vec, 8x32xf32>
!b = !pto.tile_buf<vec, 32x32xf32>
!b_i8 = !pto.tile_buf<vec, 32x32xi8>
// CHECK: expects 32x32 scratch memory on a2a3, found 8x32
func.func @f(%x: !b, %small: !b_small, %d: !b_i8) {
  pto.tquant ins(%x, %x, %small : !b, !b, !b_small) outs(%d : !b_i8) {quant_type = #pto<quant_type INT8_SYM>}
  func.return
}
