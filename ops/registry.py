"""`LAYERS`: every layer that a text can name, by its name, family by family."""

from __future__ import annotations

from .activation import (
    Elu,
    Gelu,
    Hsigmoid,
    Hswish,
    Leaky,
    Maxout,
    Prelu,
    Relu,
    Relu6,
    Sigmoid,
    Softmax,
    Swish,
    Tanh,
)
from .base import Op
from .convolution import Conv, DwConv, UpConv
from .dense import Embed, Fc, Flatten
from .elementwise import Add, Concat, Max, Mean, Mul, Scale, Shift
from .entry import Input
from .normalisation import Bn, Gn, Ln, Lrn
from .pooling import Adaptive, AvgPool, Gap, Gmp, MaxPool
from .regularisation import Dropout, DropPath
from .shape import Channels, Crop, Pad, PadChannels, Reshape, Resize, Shuffle, Split, Subsample

CLASSES: tuple[type[Op], ...] = (
    *(Conv, DwConv, UpConv),
    *(MaxPool, AvgPool, Gap, Gmp, Adaptive),
    *(Fc, Embed, Flatten),
    *(Bn, Lrn, Ln, Gn),
    *(Relu, Relu6, Prelu, Leaky, Elu, Gelu, Sigmoid, Tanh, Softmax, Swish, Hswish, Hsigmoid, Maxout),
    *(Dropout, DropPath),
    *(Crop, Pad, Resize, Channels, PadChannels, Subsample, Split, Shuffle, Reshape),
    *(Scale, Shift, Add, Mul, Max, Mean, Concat),
)

LAYERS: dict[str, type[Op]] = {cls.name: cls for cls in CLASSES}

__all__ = ["LAYERS", "Input"]
