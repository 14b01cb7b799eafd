"""How many windows go over the pixels of an axis, and what is padded before: one rule for all.

TFLM: tensorflow/lite/kernels/padding.h.
"""

from __future__ import annotations


def windows(pixels: int, reach: int, stride: int, padding: str) -> tuple[int, int]:
    """Windows along an axis, and padded pixels before the first; ``padding``: SAME or VALID.

    ``reach`` is what a window spans, dilation counted in. Below 1 where none fits.
    """
    if padding == "SAME":
        count = -(-pixels // stride)
    else:
        count = (pixels + stride - reach) // stride
    return count, max(0, (count - 1) * stride + reach - pixels) // 2
