func.func @k(%arg0: !pto.ptr<f32>, %arg1: !pto.ptr<f32>, %__pypto_spmd_block_idx: i32) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c32 = arith.constant 32 : index
    %x_view = pto.make_tensor_view %arg0, shape = [%c8, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
    %x_part = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c8, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x32xf32>
    %y_view = pto.make_tensor_view %arg1, shape = [%c8, %c32], strides = [%c32, %c1] : !pto.tensor_view<?x?xf32>
    %y_part = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c8, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x32xf32>
    %n = arith.index_cast %__pypto_spmd_block_idx : i32 to index
%x_rows = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%n, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x32xf32>
%x_rowsf = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c8, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x32xf32>
%y_rows = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c8, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x32xf32>
%x = pto.tload ins(%x_rowsf : !pto.partition_tensor_view<8x32xf32>) -> !pto.tile<vec, 8x32xf32>
%r = pto.tneg ins(%x : !pto.tile<vec, 8x32xf32>) -> !pto.tile<vec, 8x32xf32>
pto.tstore ins(%r : !pto.tile<vec, 8x32xf32>) outs(%y_rows : !pto.partition_tensor_view<8x32xf32>)
    return
}
