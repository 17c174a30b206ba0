import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["PolyNet"]


class Basic(nn.Module):
    """The block `basic`, used 262 times."""

    def __init__(
        self,
        in_channels: int,
        window: int | tuple[int, int],
        out: int,
        pad: int | tuple[int, int],
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out, window, stride=stride, padding=pad, bias=False
        )
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Mixed3a(nn.Module):
    """The block `mixed_3a`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Basic(64, 3, 96, 0, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([F.max_pool2d(x, 3, stride=2), self.conv(x)], 1)


class Mixed4a(nn.Module):
    """The block `mixed_4a`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(Basic(160, 1, 64, 0), Basic(64, 3, 96, 0))
        self.branch1 = nn.Sequential(
            Basic(160, 1, 64, 0),
            Basic(64, (1, 7), 64, (0, 3)),
            Basic(64, (7, 1), 64, (3, 0)),
            Basic(64, 3, 96, 0),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch0(x), self.branch1(x)], 1)  # 192 x 79 x 79


class Mixed5a(nn.Module):
    """The block `mixed_5a`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Basic(192, 3, 192, 0, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(x), F.max_pool2d(x, 3, stride=2)], 1)


class CB(nn.Sequential):
    """The block `cb`, used 95 times."""

    def __init__(self, in_channels: int, out: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out, 1, bias=False), nn.BatchNorm2d(out)
        )


class ResidualA(nn.Module):
    """The block `residual_a`, used 20 times."""

    def __init__(self) -> None:
        super().__init__()
        self.path0 = nn.Sequential(
            Basic(384, 1, 32, 0), Basic(32, 3, 48, 1), Basic(48, 3, 64, 1)
        )
        self.path1 = nn.Sequential(Basic(384, 1, 32, 0), Basic(32, 3, 32, 1))
        self.path2 = Basic(384, 1, 32, 0)
        self.conv2d = CB(128, 384)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.path0(x), self.path1(x), self.path2(x)], 1)  # 128 x 39 x 39
        out: Tensor = self.conv2d(x)  # 384 x 39 x 39
        return out


class ResidualB(nn.Module):
    """The block `residual_b`, used 20 times."""

    def __init__(self) -> None:
        super().__init__()
        self.path0 = nn.Sequential(
            Basic(1152, 1, 128, 0),
            Basic(128, (1, 7), 160, (0, 3)),
            Basic(160, (7, 1), 192, (3, 0)),
        )
        self.path1 = Basic(1152, 1, 192, 0)
        self.conv2d = CB(384, 1152)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.path0(x), self.path1(x)], 1)  # 384 x 19 x 19
        out: Tensor = self.conv2d(x)  # 1152 x 19 x 19
        return out


class ResidualC(nn.Module):
    """The block `residual_c`, used 10 times."""

    def __init__(self) -> None:
        super().__init__()
        self.path0 = nn.Sequential(
            Basic(2048, 1, 192, 0),
            Basic(192, (1, 3), 224, (0, 1)),
            Basic(224, (3, 1), 256, (1, 0)),
        )
        self.path1 = Basic(2048, 1, 192, 0)
        self.conv2d = CB(448, 2048)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.path0(x), self.path1(x)], 1)  # 448 x 9 x 9
        out: Tensor = self.conv2d(x)  # 2048 x 9 x 9
        return out


class TwoWay(nn.Module):
    """The block `two_way` with `f=residual_a`, used 10 times."""

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k
        self.residual_a1 = ResidualA()
        self.residual_a2 = ResidualA()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.residual_a1(x) * self.k + self.residual_a2(x) * self.k
        return F.relu(x, inplace=True)  # 384 x 39 x 39


class TwoWay2(nn.Module):
    """The block `two_way` with `f=residual_b`, used 10 times."""

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k
        self.residual_b1 = ResidualB()
        self.residual_b2 = ResidualB()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.residual_b1(x) * self.k + self.residual_b2(x) * self.k
        return F.relu(x, inplace=True)  # 1152 x 19 x 19


class TwoWay3(nn.Module):
    """The block `two_way` with `f=residual_c`, used 5 times."""

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k
        self.residual_c1 = ResidualC()
        self.residual_c2 = ResidualC()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.residual_c1(x) * self.k + self.residual_c2(x) * self.k
        return F.relu(x, inplace=True)  # 2048 x 9 x 9


class ReductionA(nn.Module):
    """The block `reduction_a`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = Basic(384, 3, 384, 0, stride=2)
        self.branch1 = nn.Sequential(
            Basic(384, 1, 256, 0),
            Basic(256, 3, 256, 1),
            Basic(256, 3, 384, 0, stride=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch0(x), self.branch1(x), F.max_pool2d(x, 3, stride=2)], 1
        )  # 1152 x 19 x 19


class Poly3(nn.Module):
    """The block `poly_3`, used 15 times."""

    def __init__(
        self, in_channels: int, first: int, n: int, mid: int, out: int, k: float
    ) -> None:
        super().__init__()
        self.k = k
        self.conv_1x1 = nn.Conv2d(in_channels, first, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.conv_1xn = nn.Conv2d(
            first, mid, (1, n), padding=(0, (n - 1) // 2), bias=False
        )
        self.bn2 = nn.BatchNorm2d(mid)
        self.conv_nx1 = nn.Conv2d(
            mid, out, (n, 1), padding=((n - 1) // 2, 0), bias=False
        )
        self.bn3 = nn.BatchNorm2d(out)
        self.beside = nn.Conv2d(in_channels, 192, 1, bias=False)
        self.bn4 = nn.BatchNorm2d(192)
        self.power1 = CB(out + 192, in_channels)
        self.bn5 = nn.BatchNorm2d(first)
        self.bn6 = nn.BatchNorm2d(mid)
        self.bn7 = nn.BatchNorm2d(out)
        self.bn8 = nn.BatchNorm2d(192)
        self.power2 = CB(out + 192, in_channels)
        self.bn9 = nn.BatchNorm2d(first)
        self.bn10 = nn.BatchNorm2d(mid)
        self.bn11 = nn.BatchNorm2d(out)
        self.bn12 = nn.BatchNorm2d(192)
        self.power3 = CB(out + 192, in_channels)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv_1x1(x)), inplace=True)
        out = F.relu(self.bn2(self.conv_1xn(out)), inplace=True)
        out = F.relu(self.bn3(self.conv_nx1(out)), inplace=True)
        y = F.relu(self.bn4(self.beside(x)), inplace=True)
        out = torch.cat([out, y], 1)
        power1 = self.power1(out)
        out = F.relu(power1)
        y = F.relu(self.bn5(self.conv_1x1(out)), inplace=True)
        y = F.relu(self.bn6(self.conv_1xn(y)), inplace=True)
        y = F.relu(self.bn7(self.conv_nx1(y)), inplace=True)
        out = F.relu(self.bn8(self.beside(out)), inplace=True)
        y = torch.cat([y, out], 1)
        power2 = self.power2(y)
        out = F.relu(power2)
        y = F.relu(self.bn9(self.conv_1x1(out)), inplace=True)
        y = F.relu(self.bn10(self.conv_1xn(y)), inplace=True)
        y = F.relu(self.bn11(self.conv_nx1(y)), inplace=True)
        out = F.relu(self.bn12(self.beside(out)), inplace=True)
        y = torch.cat([y, out], 1)
        power3 = self.power3(y)
        x = x + power1 * self.k + power2 * self.k + power3 * self.k
        return F.relu(x, inplace=True)


class ReductionB(nn.Module):
    """The block `reduction_b`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(
            Basic(1152, 1, 256, 0), Basic(256, 3, 384, 0, stride=2)
        )
        self.branch1 = nn.Sequential(
            Basic(1152, 1, 256, 0), Basic(256, 3, 256, 0, stride=2)
        )
        self.branch2 = nn.Sequential(
            Basic(1152, 1, 256, 0),
            Basic(256, 3, 256, 1),
            Basic(256, 3, 256, 0, stride=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [
                self.branch0(x),
                self.branch1(x),
                self.branch2(x),
                F.max_pool2d(x, 3, stride=2),
            ],
            1,
        )  # 2048 x 9 x 9


class PolyNet(nn.Module):
    """PolyNet: A Pursuit of Structural Diversity in Very Deep Networks.
    Zhang, Li, Loy, Lin. CVPR 2017. arXiv:1611.05725

    Very Deep PolyNet, as the authors released it: Inception-ResNet-v2 whose modules are
    polynomials of their residual blocks.

    Input: 3 x 331 x 331.
    95,366,600 parameters, 34,699,493,472 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            Basic(3, 3, 32, 0, stride=2),
            Basic(32, 3, 32, 0),
            Basic(32, 3, 64, 1),
            Mixed3a(),
            Mixed4a(),
            Mixed5a(),
        )
        self.stage_a = nn.Sequential(*(TwoWay(1 - i / 130) for i in range(10)))
        self.reduction_a = ReductionA()
        layers: list[nn.Module] = []
        for i in range(10, 30, 2):
            layers += [
                Poly3(1152, 128, 7, 160, 192, 1 - i / 130),
                TwoWay2(1 - (i + 1) / 130),
            ]
        self.stage_b = nn.Sequential(*layers)
        self.reduction_b = ReductionB()
        layers = []
        for i in range(30, 40, 2):
            layers += [
                Poly3(2048, 192, 3, 224, 256, 1 - i / 130),
                TwoWay3(1 - (i + 1) / 130),
            ]
        self.stage_c = nn.Sequential(*layers)
        self.last_linear = nn.Linear(2048, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.stem(image)  # 384 x 39 x 39
        x = self.stage_a(x)  # 384 x 39 x 39
        x = self.reduction_a(x)  # 1152 x 19 x 19
        x = self.stage_b(x)  # 1152 x 19 x 19
        x = self.reduction_b(x)  # 2048 x 9 x 9
        x = self.stage_c(x)  # 2048 x 9 x 9
        x = F.dropout(F.adaptive_avg_pool2d(x, 1), 0.2, training=self.training)
        logits: Tensor = self.last_linear(torch.flatten(x, 1))  # classes
        return logits
