import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["GhostNet"]


def divisible(value: float, by: int) -> int:
    """The nearest multiple of `by` that is not below 90 % of `value`."""
    rounded = max(by, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded


class Ghost(nn.Module):
    """The block `ghost` with `act=relu`, used 16 times."""

    def __init__(self, in_channels: int, out: int) -> None:
        super().__init__()
        self.primary_conv = nn.Sequential(
            nn.Conv2d(in_channels, out // 2, 1, bias=False),
            nn.BatchNorm2d(out // 2),
            nn.ReLU(inplace=True),
        )
        self.cheap_operation = nn.Sequential(
            nn.Conv2d(out // 2, out // 2, 3, padding=1, groups=out // 2, bias=False),
            nn.BatchNorm2d(out // 2),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        primary_conv = self.primary_conv(x)
        return torch.cat([primary_conv, self.cheap_operation(primary_conv)], 1)


class Ghost2(nn.Module):
    """The block `ghost` with `act=id`, used 16 times."""

    def __init__(self, in_channels: int, out: int) -> None:
        super().__init__()
        self.primary_conv = nn.Sequential(
            nn.Conv2d(in_channels, out // 2, 1, bias=False), nn.BatchNorm2d(out // 2)
        )
        self.cheap_operation = nn.Sequential(
            nn.Conv2d(out // 2, out // 2, 3, padding=1, groups=out // 2, bias=False),
            nn.BatchNorm2d(out // 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        primary_conv = self.primary_conv(x)
        return torch.cat([primary_conv, self.cheap_operation(primary_conv)], 1)


class SqueezeExcite(nn.Module):
    """The block `squeeze_excite`, used 7 times."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(in_channels, width, 1)
        self.conv_expand = nn.Conv2d(width, in_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = F.adaptive_avg_pool2d(x, 1)  # in_channels x 1 x 1
        out = F.relu(self.conv_reduce(out), inplace=True)  # width x 1 x 1
        return x * F.hardsigmoid(self.conv_expand(out), inplace=True)


class Bottleneck(nn.Module):
    """The block `bottleneck`, used 16 times."""

    def __init__(
        self,
        in_channels: int,
        window: int,
        exp: int,
        out: int,
        gated: bool,
        stride: int,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.ghost1 = Ghost(in_channels, exp)
        if stride > 1:
            self.conv_dw = nn.Conv2d(
                exp,
                exp,
                window,
                stride=stride,
                padding=(window - 1) // 2,
                groups=exp,
                bias=False,
            )
            self.bn_dw = nn.BatchNorm2d(exp)
        self.gated = gated
        if self.gated:
            self.se = SqueezeExcite(exp, divisible(exp / 4, 4))
        self.ghost2 = Ghost2(exp, out)
        layers: list[nn.Module] = []
        if stride != 1 or in_channels != out:
            layers += [
                nn.Conv2d(
                    in_channels,
                    in_channels,
                    window,
                    stride=stride,
                    padding=(window - 1) // 2,
                    groups=in_channels,
                    bias=False,
                ),
                nn.BatchNorm2d(in_channels),
                nn.Conv2d(in_channels, out, 1, bias=False),
                nn.BatchNorm2d(out),
            ]
        self.shortcut = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.ghost1(x)
        if self.stride > 1:
            out = self.bn_dw(self.conv_dw(out))
        if self.gated:
            out = self.se(out)
        out = self.ghost2(out)
        out += self.shortcut(x)
        return out


class ConvBNAct(nn.Module):
    """The block `conv_bn_act`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(160, 960, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(960)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn1(self.conv(x)), inplace=True)  # 960 x 7 x 7


class GhostNet(nn.Module):
    """GhostNet: More Features from Cheap Operations.
    Han, Wang, Tian, Guo, Xu, Xu. CVPR 2020. arXiv:1911.11907

    Modules are named as in timm's `ghostnet_100`.

    Input: 3 x 224 x 224.
    5,182,508 parameters, 141,150,512 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.blocks = nn.Sequential(
            nn.Sequential(Bottleneck(16, 3, 16, 16, False, 1)),
            nn.Sequential(Bottleneck(16, 3, 48, 24, False, 2)),
            nn.Sequential(Bottleneck(24, 3, 72, 24, False, 1)),
            nn.Sequential(Bottleneck(24, 5, 72, 40, True, 2)),
            nn.Sequential(Bottleneck(40, 5, 120, 40, True, 1)),
            nn.Sequential(Bottleneck(40, 3, 240, 80, False, 2)),
            nn.Sequential(
                Bottleneck(80, 3, 200, 80, False, 1),
                *(Bottleneck(80, 3, 184, 80, False, 1) for _ in range(2)),
                Bottleneck(80, 3, 480, 112, True, 1),
                Bottleneck(112, 3, 672, 112, True, 1),
            ),
            nn.Sequential(Bottleneck(112, 5, 672, 160, True, 2)),
            nn.Sequential(
                Bottleneck(160, 5, 960, 160, False, 1),
                Bottleneck(160, 5, 960, 160, True, 1),
                Bottleneck(160, 5, 960, 160, False, 1),
                Bottleneck(160, 5, 960, 160, True, 1),
            ),
            nn.Sequential(ConvBNAct()),
        )
        self.conv_head = nn.Conv2d(960, 1280, 1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv_stem(image)), inplace=True)  # 16 x 112 x 112
        x = self.blocks(x)  # 960 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 960 x 1 x 1
        x = F.relu(self.conv_head(x), inplace=True)  # 1280 x 1 x 1
        logits: Tensor = self.classifier(
            torch.flatten(F.dropout(x, 0.2, training=self.training), 1)
        )  # classes
        return logits
