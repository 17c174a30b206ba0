from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["DenseNet121"]


class DenseLayer(nn.Module):
    """The block `dense_layer`, used 58 times."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, 128, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(x), inplace=True)
        x = F.relu(self.norm2(self.conv1(x)), inplace=True)
        out: Tensor = self.conv2(x)
        return out


class DenseBlock(nn.ModuleDict):
    """The part `denseblock`, used 4 times."""

    def __init__(self, in_channels: int, n: int) -> None:
        super().__init__()
        for j in range(n):
            self[f"denselayer{j + 1}"] = DenseLayer(in_channels + 32 * j)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.values():
            x = torch.cat([x, layer(x)], 1)
        return x


class TransitionLayer(nn.Module):
    """The block `transition_layer`, used 3 times."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, in_channels // 2, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(x), inplace=True)
        x = self.conv(x)
        out: Tensor = self.pool(x)
        return out


class DenseNet121(nn.Module):
    """Densely Connected Convolutional Networks.
    Huang, Liu, van der Maaten, Weinberger. CVPR 2017. arXiv:1608.06993

    Table 1: DenseNet-BC, with growth rate k and compression theta.

    Input: 3 x 224 x 224.
    7,978,856 parameters, 2,834,161,664 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                [
                    ("conv0", nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)),
                    ("norm0", nn.BatchNorm2d(64)),
                    ("2", nn.ReLU(inplace=True)),
                    ("pool0", nn.MaxPool2d(3, stride=2, padding=1)),
                    ("denseblock1", DenseBlock(64, 6)),
                    ("transition1", TransitionLayer(256)),
                    ("denseblock2", DenseBlock(128, 12)),
                    ("transition2", TransitionLayer(512)),
                    ("denseblock3", DenseBlock(256, 24)),
                    ("transition3", TransitionLayer(1024)),
                    ("denseblock4", DenseBlock(512, 16)),
                    ("norm5", nn.BatchNorm2d(1024)),
                ],
            ),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1024, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.features(image), inplace=True)  # 1024 x 7 x 7
        x = self.avgpool(x)  # 1024 x 1 x 1
        logits: Tensor = self.classifier(torch.flatten(x, 1))  # classes
        return logits
