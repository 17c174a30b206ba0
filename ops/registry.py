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
from .adaptive import Adaptive, Gap, Gmp
from .attention import Mha
from .base import Op
from .channels import Channels, PadChannels, Shuffle, Split
from .constant import Scale, Shift
from .convolution import Conv, DwConv
from .dense import Embed, Fc, Flatten, Linear
from .entry import Input
from .learned import LayerScale, PosEmbed, PrependTokens
from .merge import Add, Concat, Max, Mean, Mul
from .normalisation import Bn, Gn, Ln, Lrn
from .pooling import AvgPool, MaxPool
from .regularisation import Dropout, DropPath
from .resize import Crop, Resize
from .shape import Pad, Reshape, Subsample
from .tokens import ChannelsFirst, ChannelsLast, Token, Tokens
from .upconv import UpConv

CLASSES: tuple[type[Op], ...] = (
    *(Conv, DwConv, UpConv),
    *(MaxPool, AvgPool, Gap, Gmp, Adaptive),
    *(Fc, Linear, Mha, Embed, Flatten),
    *(Bn, Lrn, Ln, Gn),
    *(Relu, Relu6, Prelu, Leaky, Elu, Gelu, Sigmoid, Tanh, Softmax, Swish, Hswish, Hsigmoid, Maxout),
    *(Dropout, DropPath),
    *(Crop, Pad, Resize, Channels, PadChannels, Subsample, Split, Shuffle, Reshape),
    *(ChannelsLast, ChannelsFirst, Tokens, Token, PrependTokens),
    *(Scale, Shift, LayerScale, PosEmbed, Add, Mul, Max, Mean, Concat),
)

LAYERS: dict[str, type[Op]] = {cls.name: cls for cls in CLASSES}

__all__ = ["LAYERS", "Input"]
