from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["DPN92"]


class BNConv(nn.Module):
    """The block `bn_conv`, used 94 times."""

    def __init__(
        self, in_channels: int, window: int, out: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(in_channels, eps=0.001)
        self.conv = nn.Conv2d(
            in_channels,
            out,
            window,
            stride=stride,
            padding=(window - 1) // 2,
            groups=groups,
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(x), inplace=True)
        out: Tensor = self.conv(x)
        return out


class DualPath(nn.Module):
    """The block `dual_path`, used 27 times."""

    def __init__(
        self, in_channels: int, inner: int, width: int, k: int, first: bool = False
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.width = width
        self.k = k
        self.first = first
        if first:
            self.c1x1_w_s1 = BNConv(in_channels, 1, width + 2 * k)
        self.c1x1_a = BNConv(in_channels, 1, inner)
        self.c3x3_b = BNConv(inner, 3, inner, groups=32)
        self.c1x1_c = BNConv(inner, 1, width + k)

    def forward(self, x: Tensor) -> Tensor:
        c1x1_w_s1 = self.c1x1_w_s1(x) if self.first else x
        residual, grown = c1x1_w_s1.split_with_sizes(
            (self.width, 2 * self.k if self.first else self.in_channels - self.width), 1
        )
        x = self.c1x1_a(x)
        x = self.c3x3_b(x)
        x = self.c1x1_c(x)
        more, new = x.split_with_sizes((self.width, self.k), 1)
        return torch.cat([residual + more, grown, new], 1)


class DualPath2(nn.Module):
    """The block `dual_path`, used 3 times."""

    def __init__(self, in_channels: int, inner: int, width: int, k: int) -> None:
        super().__init__()
        self.width = width
        self.k = k
        self.c1x1_w_s2 = BNConv(in_channels, 1, width + 2 * k, stride=2)
        self.c1x1_a = BNConv(in_channels, 1, inner)
        self.c3x3_b = BNConv(inner, 3, inner, stride=2, groups=32)
        self.c1x1_c = BNConv(inner, 1, width + k)

    def forward(self, x: Tensor) -> Tensor:
        out = self.c1x1_w_s2(x)
        residual, grown = out.split_with_sizes((self.width, 2 * self.k), 1)
        x = self.c1x1_a(x)
        x = self.c3x3_b(x)
        x = self.c1x1_c(x)
        more, new = x.split_with_sizes((self.width, self.k), 1)
        return torch.cat([residual + more, grown, new], 1)


class DPN92(nn.Module):
    """Dual Path Networks. Chen, Li, Xiao, Jin, Yan, Feng. NIPS 2017. arXiv:1707.01629

    Table 1 and figure 2e, as timm has them.

    Input: 3 x 224 x 224.
    37,668,392 parameters, 6,501,684,224 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, stem: int = 64, classes: int = 1000) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["conv1_1"] = nn.Sequential(
            OrderedDict(
                [
                    ("conv", nn.Conv2d(3, stem, 7, stride=2, padding=3, bias=False)),
                    ("bn", nn.BatchNorm2d(stem, eps=0.001)),
                    ("2", nn.ReLU(inplace=True)),
                ],
            ),
        )
        layers["conv1_pool"] = nn.MaxPool2d(3, stride=2, padding=1)
        layers["conv2_1"] = DualPath(stem, 96, 256, 16, first=True)
        layers["conv2_2"] = DualPath(304, 96, 256, 16)
        layers["conv2_3"] = DualPath(320, 96, 256, 16)
        layers["conv3_1"] = DualPath2(336, 192, 512, 32)
        for j in range(3):
            layers[f"conv3_{j + 2}"] = DualPath(32 * j + 608, 192, 512, 32)
        layers["conv4_1"] = DualPath2(704, 384, 1024, 24)
        for j in range(19):
            layers[f"conv4_{j + 2}"] = DualPath(24 * j + 1096, 384, 1024, 24)
        layers["conv5_1"] = DualPath2(1552, 768, 2048, 128)
        layers["conv5_2"] = DualPath(2432, 768, 2048, 128)
        layers["conv5_3"] = DualPath(2560, 768, 2048, 128)
        layers["conv5_bn_ac"] = nn.Sequential(
            OrderedDict(
                [("bn", nn.BatchNorm2d(2688, eps=0.001)), ("1", nn.ReLU(inplace=True))]
            ),
        )
        self.features = nn.Sequential(layers)
        self.classifier = nn.Conv2d(2688, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = self.features(image)  # 2688 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 2688 x 1 x 1
        return torch.flatten(self.classifier(x), 1)  # classes
