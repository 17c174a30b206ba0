import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["NiNImageNet"]


class CR(nn.Sequential):
    """The block `cr`, used 12 times."""

    def __init__(
        self, in_channels: int, window: int, out: int, pad: int, stride: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out, window, stride=stride, padding=pad),
            nn.ReLU(inplace=True),
        )


class MLPConv(nn.Sequential):
    """The block `mlpconv`, used 4 times."""

    def __init__(
        self,
        in_channels: int,
        window: int,
        width: int,
        hidden: int,
        out: int,
        pad: int,
        stride: int = 1,
    ) -> None:
        super().__init__(
            CR(in_channels, window, width, pad, stride=stride),
            CR(width, 1, hidden, 0),
            CR(hidden, 1, out, 0),
        )


class NiNImageNet(nn.Module):
    """Network In Network. Lin, Chen, Yan. ICLR 2014. arXiv:1312.4400

    The paper prints no widths; they are those of the authors' configurations for Caffe,
    in which the second pooling for CIFAR averages.

    Input: 3 x 224 x 224.
    7,595,176 parameters, 1,100,188,800 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.mlpconv1 = MLPConv(3, 11, 96, 96, 96, 0, stride=4)
        self.mlpconv2 = MLPConv(96, 5, 256, 256, 256, 2)
        self.mlpconv3 = MLPConv(256, 3, 384, 384, 384, 1)
        self.mlpconv4 = MLPConv(384, 3, 1024, 1024, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = self.mlpconv1(image)  # 96 x 54 x 54
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)  # 96 x 27 x 27
        x = self.mlpconv2(x)  # 256 x 27 x 27
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)  # 256 x 13 x 13
        x = self.mlpconv3(x)  # 384 x 13 x 13
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)  # 384 x 6 x 6
        x = F.dropout(x, 0.5, training=self.training)  # 384 x 6 x 6
        x = self.mlpconv4(x)  # classes x 6 x 6
        return torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)  # classes
