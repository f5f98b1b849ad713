// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

func.func @cores(%t: !pto.tile_buf<vec, 8x16xf32>, %acc: !pto.tile_buf<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>, %gm: !pto.partition_tensor_view<16x16xf32>, %x: f32) {
  %block = pto.get_block_idx
  // CHECK: %block = pto.get_block_idx
  %blocks = pto.get_block_num
  // CHECK: %blocks = pto.get_block_num
  %core = pto.get_subblock_idx
  // CHECK: %core = pto.get_subblock_idx
  %cores = pto.get_subblock_num
  // CHECK: %cores = pto.get_subblock_num
  pto.tprint ins(%t : !pto.tile_buf<vec, 8x16xf32>)
  // CHECK: pto.tprint ins(%t : !pto.tile_buf<vec, 8x16xf32>)
  pto.tprint ins(%acc, %gm : !pto.tile_buf<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>, !pto.partition_tensor_view<16x16xf32>) {printFormat = #pto<print_format width8_precision4>}
  // CHECK: pto.tprint ins(%acc, %gm : !pto.tile_buf<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>, !pto.partition_tensor_view<16x16xf32>) {printFormat = #pto<print_format width8_precision4>}
  pto.tprint ins(%gm : !pto.partition_tensor_view<16x16xf32>)
  // CHECK: pto.tprint ins(%gm : !pto.partition_tensor_view<16x16xf32>)
  pto.print ins("x = %f", %x : f32)
  // CHECK: pto.print ins("x = %f", %x : f32)
  pto.section.vector {
  // CHECK: pto.section.vector {
    pto.trap
    // CHECK: pto.trap
  }
  pto.section.cube {
  // CHECK: pto.section.cube {
    pto.barrier <PIPE_M>
    // CHECK: pto.barrier <PIPE_M>
  }
  func.return
}
