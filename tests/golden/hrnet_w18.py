import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["HRNetW18"]


class Bottleneck(nn.Module):
    """The block `bottleneck`, used 8 times."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample: nn.Module = nn.Identity()
        if in_channels != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * width, 1, bias=False),
                nn.BatchNorm2d(4 * width),
            )

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = F.relu(self.bn2(self.conv2(out)), inplace=True)
        out = self.bn3(self.conv3(out))
        out += self.downsample(x)
        return F.relu(out, inplace=True)


class CBR(nn.Sequential):
    """The block `cbr`, used 20 times."""

    def __init__(self, in_channels: int, out: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        )


class Transition1(nn.ModuleList):
    """The part `transition1`, used once."""

    def __init__(self) -> None:
        super().__init__([CBR(256, 18), nn.Sequential(CBR(256, 36, stride=2))])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        out = self[0](x)  # 18 x 56 x 56
        return out, self[1](x)


class Basic(nn.Module):
    """The block `basic`, used 104 times."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        out += x
        return F.relu(out, inplace=True)


class Branches(nn.ModuleList):
    """The part `branches`, used once."""

    def __init__(self) -> None:
        super().__init__(
            [
                nn.Sequential(*(Basic(18, 18) for _ in range(4))),
                nn.Sequential(*(Basic(36, 36) for _ in range(4))),
            ],
        )

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        x = self[0](a)  # 18 x 56 x 56
        return x, self[1](b)


class CB(nn.Sequential):
    """The block `cb`, used 31 times."""

    def __init__(self, in_channels: int, out: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )


class Fuse(nn.Sequential):
    """The block `fuse`, used 88 times."""

    def __init__(self, in_channels: int, out: int, n: int) -> None:
        layers: list[nn.Module] = []
        if n > 0:
            for _ in range(n - 1):
                layers.append(CBR(in_channels, in_channels, stride=2))
            layers.append(CB(in_channels, out))
        if n < 0:
            layers += [
                nn.Conv2d(out if n > 0 else in_channels, out, 1, bias=False),
                nn.BatchNorm2d(out),
                nn.Upsample(scale_factor=2**-n),
            ]
        super().__init__(*layers)


class FuseLayersAdd(nn.ModuleList):
    """A part of `exchange_2`, used twice."""

    def __init__(self, i: int) -> None:
        super().__init__([Fuse(18, 18 * 2**i, i), Fuse(36, 18 * 2**i, i - 1)])

    def forward(self, x1: Tensor, x: Tensor) -> Tensor:
        out: Tensor = self[0](x1) + self[1](x)
        return out


class FuseLayers(nn.ModuleList):
    """The part `fuse_layers`, used once."""

    def __init__(self) -> None:
        super().__init__([FuseLayersAdd(0), FuseLayersAdd(1)])

    def forward(self, x1: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        out = self[0](x1, x)  # 18 x 56 x 56
        return out, self[1](x1, x)


class Exchange2(nn.Module):
    """The block `exchange_2`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = Branches()
        self.fuse_layers = FuseLayers()

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        x, out = self.branches(a, b)
        x, out = self.fuse_layers(x, out)
        x = F.relu(x, inplace=True)  # 18 x 56 x 56
        return x, F.relu(out, inplace=True)


class Stage2(nn.ModuleList):
    """The part `stage2`, used once."""

    def __init__(self) -> None:
        super().__init__([Exchange2()])

    def forward(self, x1: Tensor, transition1: Tensor) -> tuple[Tensor, Tensor]:
        x, out = self[0](x1, transition1)
        return x, out


class Branches2(nn.ModuleList):
    """The part `branches`, used 4 times."""

    def __init__(self) -> None:
        super().__init__(
            [
                nn.Sequential(*(Basic(18, 18) for _ in range(4))),
                nn.Sequential(*(Basic(36, 36) for _ in range(4))),
                nn.Sequential(*(Basic(72, 72) for _ in range(4))),
            ],
        )

    def forward(self, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self[0](a)  # 18 x 56 x 56
        out = self[1](b)  # 36 x 28 x 28
        return x, out, self[2](c)


class FuseLayersAdd2(nn.ModuleList):
    """A part of `exchange_3`, used 12 times."""

    def __init__(self, i: int) -> None:
        super().__init__(
            [
                Fuse(18, 18 * 2**i, i),
                Fuse(36, 18 * 2**i, i - 1),
                Fuse(72, 18 * 2**i, i - 2),
            ],
        )

    def forward(self, x1: Tensor, x2: Tensor, x: Tensor) -> Tensor:
        out: Tensor = self[0](x1) + self[1](x2) + self[2](x)
        return out


class FuseLayers2(nn.ModuleList):
    """The part `fuse_layers`, used 4 times."""

    def __init__(self) -> None:
        super().__init__([FuseLayersAdd2(0), FuseLayersAdd2(1), FuseLayersAdd2(2)])

    def forward(
        self, x1: Tensor, x2: Tensor, x: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        out = self[0](x1, x2, x)  # 18 x 56 x 56
        y = self[1](x1, x2, x)  # 36 x 28 x 28
        return out, y, self[2](x1, x2, x)


class Exchange3(nn.Module):
    """The block `exchange_3`, used 4 times."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = Branches2()
        self.fuse_layers = FuseLayers2()

    def forward(self, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, out, y = self.branches(a, b, c)
        x, out, y = self.fuse_layers(x, out, y)
        x = F.relu(x, inplace=True)  # 18 x 56 x 56
        out = F.relu(out, inplace=True)  # 36 x 28 x 28
        return x, out, F.relu(y, inplace=True)


class Stage3(nn.ModuleList):
    """The part `stage3`, used once."""

    def __init__(self) -> None:
        super().__init__([*(Exchange3() for _ in range(4))])

    def forward(
        self, a2: Tensor, b2: Tensor, transition2: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        a, b, c = self[0](a2, b2, transition2)
        a, b, c = self[1](a, b, c)
        a, b, c = self[2](a, b, c)
        x, out, y = self[3](a, b, c)
        return x, out, y


class Branches3(nn.ModuleList):
    """The part `branches`, used 3 times."""

    def __init__(self) -> None:
        super().__init__(
            [
                nn.Sequential(*(Basic(18, 18) for _ in range(4))),
                nn.Sequential(*(Basic(36, 36) for _ in range(4))),
                nn.Sequential(*(Basic(72, 72) for _ in range(4))),
                nn.Sequential(*(Basic(144, 144) for _ in range(4))),
            ],
        )

    def forward(
        self, a: Tensor, b: Tensor, c: Tensor, d: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self[0](a)  # 18 x 56 x 56
        out = self[1](b)  # 36 x 28 x 28
        y = self[2](c)  # 72 x 14 x 14
        return x, out, y, self[3](d)


class FuseLayersAdd3(nn.ModuleList):
    """A part of `exchange_4`, used 12 times."""

    def __init__(self, i: int) -> None:
        super().__init__(
            [
                Fuse(18, 18 * 2**i, i),
                Fuse(36, 18 * 2**i, i - 1),
                Fuse(72, 18 * 2**i, i - 2),
                Fuse(144, 18 * 2**i, i - 3),
            ],
        )

    def forward(self, x1: Tensor, x2: Tensor, x3: Tensor, x: Tensor) -> Tensor:
        out: Tensor = self[0](x1) + self[1](x2) + self[2](x3) + self[3](x)
        return out


class FuseLayers3(nn.ModuleList):
    """The part `fuse_layers`, used 3 times."""

    def __init__(self) -> None:
        super().__init__(
            [FuseLayersAdd3(0), FuseLayersAdd3(1), FuseLayersAdd3(2), FuseLayersAdd3(3)]
        )

    def forward(
        self, x1: Tensor, x2: Tensor, x3: Tensor, x: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        out = self[0](x1, x2, x3, x)  # 18 x 56 x 56
        y = self[1](x1, x2, x3, x)  # 36 x 28 x 28
        z = self[2](x1, x2, x3, x)  # 72 x 14 x 14
        return out, y, z, self[3](x1, x2, x3, x)


class Exchange4(nn.Module):
    """The block `exchange_4`, used 3 times."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = Branches3()
        self.fuse_layers = FuseLayers3()

    def forward(
        self, a: Tensor, b: Tensor, c: Tensor, d: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x, out, y, z = self.branches(a, b, c, d)
        x, out, y, z = self.fuse_layers(x, out, y, z)
        x = F.relu(x, inplace=True)  # 18 x 56 x 56
        out = F.relu(out, inplace=True)  # 36 x 28 x 28
        y = F.relu(y, inplace=True)  # 72 x 14 x 14
        return x, out, y, F.relu(z, inplace=True)


class Stage4(nn.ModuleList):
    """The part `stage4`, used once."""

    def __init__(self) -> None:
        super().__init__([*(Exchange4() for _ in range(3))])

    def forward(
        self, a3: Tensor, b3: Tensor, c3: Tensor, transition3: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        a, b, c, d = self[0](a3, b3, c3, transition3)
        a, b, c, d = self[1](a, b, c, d)
        x, out, y, z = self[2](a, b, c, d)
        return x, out, y, z


class IncreModules(nn.ModuleList):
    """The part `incre_modules`, used once."""

    def __init__(self) -> None:
        super().__init__(
            [
                nn.Sequential(Bottleneck(18, 32)),
                nn.Sequential(Bottleneck(36, 64)),
                nn.Sequential(Bottleneck(72, 128)),
                nn.Sequential(Bottleneck(144, 256)),
            ],
        )

    def forward(
        self, a4: Tensor, b4: Tensor, c4: Tensor, d4: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self[0](a4)  # 128 x 56 x 56
        out = self[1](b4)  # 256 x 28 x 28
        y = self[2](c4)  # 512 x 14 x 14
        return x, out, y, self[3](d4)


class HRNetW18(nn.Module):
    """Deep High-Resolution Representation Learning for Visual Recognition. Wang, Sun,
    Cheng, Jiang, Deng, Zhao, Liu, Mu, Tan, Wang, Liu, Xiao. TPAMI 2020.
    arXiv:1908.07919

    HRNet-W18-C, with its classification head, as timm has it.

    Input: 3 x 224 x 224.
    21,299,004 parameters, 4,283,537,072 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64), *(Bottleneck(256, 64) for _ in range(3))
        )
        self.transition1 = Transition1()
        self.stage2 = Stage2()
        self.transition2 = CBR(36, 72, stride=2)
        self.stage3 = Stage3()
        self.transition3 = CBR(72, 144, stride=2)
        self.stage4 = Stage4()
        self.incre_modules = IncreModules()
        self.downsamp_modules0 = nn.Sequential(
            nn.Conv2d(128, 256, 3, stride=2, padding=1),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
        )
        self.downsamp_modules1 = nn.Sequential(
            nn.Conv2d(256, 512, 3, stride=2, padding=1),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
        )
        self.downsamp_modules2 = nn.Sequential(
            nn.Conv2d(512, 1024, 3, stride=2, padding=1),
            nn.BatchNorm2d(1024),
            nn.ReLU(inplace=True),
        )
        self.final_layer = nn.Sequential(
            nn.Conv2d(1024, 2048, 1), nn.BatchNorm2d(2048), nn.ReLU(inplace=True)
        )
        self.classifier = nn.Linear(2048, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(image)), inplace=True)  # 64 x 112 x 112
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)  # 64 x 56 x 56
        x = self.layer1(x)  # 256 x 56 x 56
        x, out = self.transition1(x)
        a2, b2 = self.stage2(x, out)
        a3, b3, c3 = self.stage3(a2, b2, self.transition2(b2))
        a4, b4, c4, d4 = self.stage4(a3, b3, c3, self.transition3(c3))
        x, out, y, z = self.incre_modules(a4, b4, c4, d4)
        out = out + self.downsamp_modules0(x)  # 256 x 28 x 28
        y = y + self.downsamp_modules1(out)  # 512 x 14 x 14
        z = z + self.downsamp_modules2(y)  # 1024 x 7 x 7
        z = self.final_layer(z)  # 2048 x 7 x 7
        z = F.adaptive_avg_pool2d(z, 1)  # 2048 x 1 x 1
        logits: Tensor = self.classifier(torch.flatten(z, 1))  # classes
        return logits
