"""The schema of .tflite files as data: what fields are called, where they are, their types.

Facts of tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3, as the PyPI package tflite
2.18.0 has them; tests/unit/tflite compares these tables with it where it is installed. A field is
``name:type`` or ``name:type=default``; its number is its place, or the number before a "!".
"""

from __future__ import annotations

from typing import Final

#: Operators by builtin code. Codes behind it are StableHLO's, which no microcontroller runtime has.
OPERATORS: Final = tuple(
    """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
    EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D
    LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1
    RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM
    CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND
    SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
    BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM
    CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT
    SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT
    SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND
    LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE
    RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL
    REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE
    MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5
    SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM
    CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND
    HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
    ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL
    GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX
    UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT
    """.split()  # noqa: SIM905
)

CUSTOM: Final = "CUSTOM"

#: Types of tensors by number.
TYPES: Final = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8",
    "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4",
    "bfloat16",
)  # fmt: skip

#: Values of enums by number.
ENUMS: Final = {
    "padding": ("SAME", "VALID"),
    "activation": ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"),
    "weights_format": ("DEFAULT", "SHUFFLED4x16INT8"),
    "lstm_kernel": ("FULL", "BASIC"),
    "mirror_pad": ("REFLECT", "SYMMETRIC"),
    "type": tuple(name.upper() for name in TYPES),
}

#: Fields of the options of an operator, by the number of their table in the union BuiltinOptions.
OPTIONS: Final = {
    1: (  # Conv2DOptions
        "padding:padding stride_w:int stride_h:int fused_activation_function:activation "
        "dilation_w_factor:int=1 dilation_h_factor:int=1 quantized_bias_type:type"
    ),
    2: (  # DepthwiseConv2DOptions
        "padding:padding stride_w:int stride_h:int depth_multiplier:int "
        "fused_activation_function:activation dilation_w_factor:int=1 dilation_h_factor:int=1"
    ),
    5: (  # Pool2DOptions
        "padding:padding stride_w:int stride_h:int filter_width:int filter_height:int "
        "fused_activation_function:activation"
    ),
    6: (  # SVDFOptions
        "rank:int fused_activation_function:activation asymmetric_quantize_inputs:bool"
    ),
    8: (  # FullyConnectedOptions
        "fused_activation_function:activation weights_format:weights_format "
        "keep_num_dims:bool asymmetric_quantize_inputs:bool quantized_bias_type:type"
    ),
    9: "beta:float",  # SoftmaxOptions
    10: "axis:int fused_activation_function:activation",  # ConcatenationOptions
    11: "fused_activation_function:activation pot_scale_int16:bool=1",  # AddOptions
    12: "fused_activation_function:activation",  # L2NormOptions
    14: (  # LSTMOptions
        "fused_activation_function:activation cell_clip:float proj_clip:float "
        "kernel_type:lstm_kernel asymmetric_quantize_inputs:bool"
    ),
    15: "2!align_corners:bool 3!half_pixel_centers:bool",  # ResizeBilinearOptions
    16: "subgraph:uint",  # CallOptions
    17: "new_shape:ints",  # ReshapeOptions
    19: "block_size:int",  # SpaceToDepthOptions
    21: "fused_activation_function:activation",  # MulOptions
    23: "axis:int batch_dims:int",  # GatherOptions
    27: "keep_dims:bool",  # ReducerOptions
    28: "fused_activation_function:activation pot_scale_int16:bool=1",  # SubOptions
    29: "fused_activation_function:activation",  # DivOptions
    30: "squeeze_dims:ints",  # SqueezeOptions
    32: (  # StridedSliceOptions
        "begin_mask:int end_mask:int ellipsis_mask:int new_axis_mask:int shrink_axis_mask:int "
        "offset:bool"
    ),
    35: "num_splits:int",  # SplitOptions
    37: "in_data_type:type out_data_type:type",  # CastOptions
    40: "output_type:type",  # ArgMaxOptions
    49: (  # TransposeConvOptions
        "padding:padding stride_w:int stride_h:int fused_activation_function:activation "
        "quantized_bias_type:type"
    ),
    57: "output_type:type",  # ArgMinOptions
    59: "values_count:int axis:int",  # PackOptions
    64: "num:int axis:int",  # UnpackOptions
    71: (  # UnidirectionalSequenceLSTMOptions
        "fused_activation_function:activation cell_clip:float proj_clip:float time_major:bool "
        "asymmetric_quantize_inputs:bool diagonal_recurrent_tensors:bool"
    ),
    74: "align_corners:bool half_pixel_centers:bool",  # ResizeNearestNeighborOptions
    75: "alpha:float",  # LeakyReluOptions
    77: "mode:mirror_pad",  # MirrorPadOptions
    79: "num_splits:int",  # SplitVOptions
    92: "then_subgraph_index:int else_subgraph_index:int",  # IfOptions
    93: "cond_subgraph_index:int body_subgraph_index:int",  # WhileOptions
    94: "block_size:int",  # DepthToSpaceOptions
    101: "adj_x:bool adj_y:bool asymmetric_quantize_inputs:bool",  # BatchMatMulOptions
    102: "exclusive:bool reverse:bool",  # CumsumOptions
    103: "init_subgraph_index:int",  # CallOnceOptions
    111: "container:text shared_name:text",  # VarHandleOptions
    116: "approximate:bool",  # GeluOptions
}
