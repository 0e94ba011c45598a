"""OpenCV's bilinear resize of uint8 pictures as ONNX nodes, equal to the last bit.

OpenCV computes with integers: weights of 11 bits, sums of a row shortened by 4 bits,
those of two rows by 16 and, rounded, by 2. The training's pictures are made by it, so a
resize in floating point would give the network other pixels (by up to one level).
At the left and right edge the outermost pixel gets the whole weight; at the upper and
lower one both rows are the outermost, each with its weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocec.export.onnx_metadata import INSTALL

if TYPE_CHECKING:
    import onnx

PREFIX = 'resize/'
LEVELS = 2048
#: ScatterElements with a reduction
MIN_OPSET = 16

# One vector holds what belongs to the W columns and then to the H rows, so that each
# step is one node. Positions are double, then float, and Round is to even, as OpenCV
# has it; the two weights of a position add up to 2048. Rows are a product with a matrix
# of two weights in each column. Integers are held by floats, and each product, quotient
# and sum is exact: integer division is not vectorised.
MODEL = """
<ir_version: 8, opset_import: ["" : {opset}]>
resize ({dtype}[{batch}, height, width, 3] images)
    => (float[{batch}, 3, {H}, {W}] pixels)
<double one = {{1}}, double half = {{0.5}}, double[2] wanted = {{{W}, {H}}},
 int64[2] width_height = {{1, 0}}, int64[{P}] axis_of = {{{axis_of}}},
 double[{P}] centres = {{{centres}}}, float levels = {{2048}},
 float[2,{P}] signs = {{{signs}}}, float[2,{P}] starts = {{{starts}}},
 int64 zero = {{0}}, int64 one_i64 = {{1}}, int64[2,1] offsets = {{0, 1}},
 int64[2] parts = {{{W}, {H}}}, int64[1] first = {{0}}, int64[2] halves = {{1, 1}},
  int64[1] columns = {{{W}}},
 int64[4] y_shape = {{2, 1, {H}, 1}}, int64[4] pixels_shape = {{-1, 3, {H}, {W}}},
 float two = {{2}}, float two_bits = {{0.25}}, float low = {{0}}, float high = {{255}}>
{{
{whole}
    lengths_hw = Shape <start = 1, end = 3> (images)
    lengths = Gather (lengths_hw, width_height)
    lengths_f64 = Cast <to = 11> (lengths)
    inverses = Div (wanted, lengths_f64)
    scales_each = Div (one, inverses)
    scales = Gather (scales_each, axis_of)
    scaled = Mul (centres, scales)
    shifted = Sub (scaled, half)
    positions = Cast <to = 1> (shifted)
    floors = Floor (positions)
    fractions = Sub (positions, floors)
    levels_each = Mul (fractions, levels)
    weights = Round (levels_each)
    signed = Mul (weights, signs)
    both_weights = Add (signed, starts)
    x_weights, y_weights_2H = Split <axis = 1> (both_weights, parts)
    y_weights_f32 = Reshape (y_weights_2H, y_shape)
    y_weights = Cast <to = 11> (y_weights_f32)

    firsts = Cast <to = 7> (floors)
    pairs = Add (firsts, offsets)
    lasts_each = Sub (lengths, one_i64)
    lasts = Gather (lasts_each, axis_of)
    pairs_low = Max (pairs, zero)
    pairs_inside = Min (pairs_low, lasts)
    x_indices, y_indices = Split <axis = 1> (pairs_inside, parts)

    width_only = Gather (lengths, first)
    matrix_shape = Concat <axis = 0> (width_only, columns)
    no_weights = ConstantOfShape (matrix_shape)
    x_matrix = ScatterElements <axis = 0, reduction = "add">
        (no_weights, x_indices, x_weights)

    rows_N2HwC = Gather <axis = 1> (whole, y_indices)
    rows_N2CHw = Transpose <perm = [0, 1, 4, 2, 3]> (rows_N2HwC)
    rows = Cast <to = 1> (rows_N2CHw)
    sums = MatMul (rows, x_matrix)
    sums_short = Floor (sums)
    sums_f64 = Cast <to = 11> (sums_short)
    sums_weighted = Mul (sums_f64, y_weights)
    sums_high_f64 = Floor (sums_weighted)
    sums_high = Cast <to = 1> (sums_high_f64)
    uppers, lowers = Split <axis = 1> (sums_high, halves)
    totals_free = Add (uppers, lowers)
    totals_rounded = Add (totals_free, two)
    totals_divided = Mul (totals_rounded, two_bits)
    totals = Floor (totals_divided)
    pixels = Reshape (totals, pixels_shape)
}}
"""

#: type of the pictures to the nodes that make whole pixels of them
WHOLE = {
    'uint8': '    whole = Identity (images)',
    'float32': """
    rounded = Round (images)
    whole = Clip (rounded, low, high)""",
}


def resize_model(
    image_size: tuple[int, int],
    *,
    opset: int,
    batch: int | None = None,
    dtype: str = 'uint8',
) -> onnx.ModelProto:
    """Build the resize alone.

    Args:
        image_size: (H, W) of the result in pixels.
        opset: of the graph, >= 16.
        batch: images of a call; None for any number.
        dtype: of the pictures, ``uint8`` or ``float32``; floats are rounded to whole
            pixels in [0, 255] first.

    Returns:
        A model from ``images``, (B, h, w, 3) of any size, to ``pixels``,
        (B, 3, H, W) float32 whole numbers in [0, 255], equal to
        ``cv2.resize(image, (W, H), interpolation=cv2.INTER_LINEAR)``.

    Raises:
        ImportError: onnx is not installed.
        ValueError: an opset that lacks an operator.

    Source:
        OpenCV, ``resize.cpp``, INTER_LINEAR of 8-bit pictures.
    """
    try:
        from onnx import parser
    except ImportError as error:
        raise ImportError(INSTALL) from error
    if opset < MIN_OPSET:
        raise ValueError(
            f'a resize in the graph needs opset >= {MIN_OPSET}, got {opset}'
        )
    height, width = image_size
    centres = [place + 0.5 for length in (width, height) for place in range(length)]
    # the weights' units, with the bits that are cut off after each product
    units = [2**-4] * width + [2**-16] * height
    signs = [*(-unit for unit in units), *units]
    starts = [*(LEVELS * unit for unit in units), *([0] * len(units))]
    text = MODEL.format(
        opset=opset,
        batch='batch' if batch is None else batch,
        dtype='uint8' if dtype == 'uint8' else 'float',
        whole=WHOLE[dtype],
        H=height,
        W=width,
        P=width + height,
        axis_of=_listed([0] * width + [1] * height),
        centres=_listed(centres),
        signs=_listed(signs),
        starts=_listed(starts),
    )
    return parser.parse_model(text)


def prepend_resize(
    model: onnx.ModelProto, image_size: tuple[int, int], *, dtype: str = 'uint8'
) -> onnx.ModelProto:
    """Put the resize before a network.

    Args:
        model: from ``images``, (B, 3, H, W) float32 in [0, 255].
        image_size: (H, W) of the network in pixels.
        dtype: of the pictures, as in :func:`resize_model`.

    Returns:
        A new model from ``images``, (B, h, w, 3) of any size; fp16 and int8
        networks keep their types.

    Raises:
        ImportError: onnx is not installed.
        ValueError: the opset of the model is too old.
    """
    try:
        from onnx import compose
    except ImportError as error:
        raise ImportError(INSTALL) from error
    [opset] = [entry.version for entry in model.opset_import if not entry.domain]
    axis = model.graph.input[0].type.tensor_type.shape.dim[0]
    resize = resize_model(
        image_size, opset=opset, batch=axis.dim_value or None, dtype=dtype
    )
    resize.ir_version = model.ir_version
    resize.opset_import.extend(e for e in model.opset_import if e.domain)
    resize = compose.add_prefix(
        resize, PREFIX, rename_inputs=False, rename_outputs=False
    )
    network = compose.add_prefix(
        model, 'net/', rename_edges=False, rename_outputs=False, rename_inputs=True
    )
    return compose.merge_models(
        resize, network, io_map=[('pixels', network.graph.input[0].name)]
    )


def _listed(numbers: list) -> str:
    # the parser knows no exponents
    return ', '.join(f'{number:.20f}'.rstrip('0').rstrip('.') for number in numbers)
