from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["GoogLeNet", "GoogLeNetTrainingOutputs"]


class GoogLeNetTrainingOutputs(NamedTuple):
    """What the net returns in training: its outputs, then the auxiliary heads."""

    logits: Tensor
    aux1: Tensor
    aux2: Tensor


class CR(nn.Sequential):
    """The block `cr`, used 59 times."""

    def __init__(
        self, in_channels: int, window: int, out: int, stride: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels, out, window, stride=stride, padding=(window - 1) // 2
            ),
            nn.ReLU(inplace=True),
        )


class Inception(nn.Module):
    """The block `inception`, used 9 times."""

    def __init__(
        self, in_channels: int, c1: int, c3r: int, c3: int, c5r: int, c5: int, pool: int
    ) -> None:
        super().__init__()
        self.conv1 = CR(in_channels, 1, c1)
        self.reduce3 = CR(in_channels, 1, c3r)
        self.conv3 = CR(c3r, 3, c3)
        self.reduce5 = CR(in_channels, 1, c5r)
        self.conv5 = CR(c5r, 5, c5)
        self.proj = CR(in_channels, 1, pool)

    def forward(self, x: Tensor) -> Tensor:
        out = self.reduce3(x)
        y = self.reduce5(x)
        z = F.max_pool2d(x, 3, stride=1, padding=1)
        return torch.cat(
            [self.conv1(x), self.conv3(out), self.conv5(y), self.proj(z)], 1
        )


class Head(nn.Module):
    """The block `head`, used twice."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(5, stride=3)
        self.conv = CR(in_channels, 1, 128)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x)  # in_channels x 4 x 4
        x = self.conv(x)  # 128 x 4 x 4
        x = F.relu(self.fc1(torch.flatten(x, 1)), inplace=True)  # 1024
        x = F.dropout(x, 0.7, training=self.training)  # 1024
        out: Tensor = self.fc2(x)  # classes
        return out


class GoogLeNet(nn.Module):
    """Going Deeper with Convolutions.
    Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich.
    CVPR 2015. arXiv:1409.4842

    Input: 3 x 224 x 224.
    6,998,552 parameters, 1,582,671,872 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    aux_weights = (0.3, 0.3)

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = CR(3, 7, 64, stride=2)
        self.pool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.norm1 = nn.LocalResponseNorm(5, k=2.0)
        self.conv2 = nn.Sequential(CR(64, 1, 64), CR(64, 3, 192))
        self.norm2 = nn.LocalResponseNorm(5, k=2.0)
        self.pool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.pool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.aux1 = Head(512, classes)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.aux2 = Head(528, classes)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.pool4 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.4)
        self.linear = nn.Linear(1024, classes)

    def forward(self, image: Tensor) -> Tensor | GoogLeNetTrainingOutputs:
        x = self.conv1(image)  # 64 x 112 x 112
        x = self.norm1(self.pool1(x))  # 64 x 56 x 56
        x = self.norm2(self.conv2(x))  # 192 x 56 x 56
        x = self.pool2(x)  # 192 x 28 x 28
        x = self.inception3a(x)  # 256 x 28 x 28
        x = self.inception3b(x)  # 480 x 28 x 28
        x = self.pool3(x)  # 480 x 14 x 14
        inception4a = self.inception4a(x)  # 512 x 14 x 14
        x = self.inception4b(inception4a)  # 512 x 14 x 14
        x = self.inception4c(x)  # 512 x 14 x 14
        inception4d = self.inception4d(x)  # 528 x 14 x 14
        x = self.inception4e(inception4d)  # 832 x 14 x 14
        x = self.pool4(x)  # 832 x 7 x 7
        x = self.inception5a(x)  # 832 x 7 x 7
        x = self.inception5b(x)  # 1024 x 7 x 7
        x = self.dropout(self.avgpool(x))  # 1024 x 1 x 1
        logits: Tensor = self.linear(torch.flatten(x, 1))  # classes
        if self.training:
            return GoogLeNetTrainingOutputs(
                logits, self.aux1(inception4a), self.aux2(inception4d)
            )
        return logits
