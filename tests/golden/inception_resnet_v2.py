import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["InceptionResNetV2"]


class Basic(nn.Module):
    """The block `basic`, used 204 times."""

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


class Mixed5b(nn.Module):
    """The block `mixed_5b`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = Basic(192, 1, 96, 0)
        self.branch1 = nn.Sequential(Basic(192, 1, 48, 0), Basic(48, 5, 64, 2))
        self.branch2 = nn.Sequential(
            Basic(192, 1, 64, 0), Basic(64, 3, 96, 1), Basic(96, 3, 96, 1)
        )
        self.branch3 = nn.Sequential(
            nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
            Basic(192, 1, 64, 0),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], 1
        )  # 320 x 35 x 35


class InceptionResNetA(nn.Module):
    """The block `inception_resnet_a`, used 10 times."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = Basic(320, 1, 32, 0)
        self.branch1 = nn.Sequential(Basic(320, 1, 32, 0), Basic(32, 3, 32, 1))
        self.branch2 = nn.Sequential(
            Basic(320, 1, 32, 0), Basic(32, 3, 48, 1), Basic(48, 3, 64, 1)
        )
        self.conv2d = nn.Conv2d(128, 320, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = torch.cat([self.branch0(x), self.branch1(x), self.branch2(x)], 1)
        return F.relu(self.conv2d(out) * 0.17 + x, inplace=True)  # 320 x 35 x 35


class ReductionA(nn.Module):
    """The block `reduction_a`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = Basic(320, 3, 384, 0, stride=2)
        self.branch1 = nn.Sequential(
            Basic(320, 1, 256, 0),
            Basic(256, 3, 256, 1),
            Basic(256, 3, 384, 0, stride=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch0(x), self.branch1(x), F.max_pool2d(x, 3, stride=2)], 1
        )  # 1088 x 17 x 17


class InceptionResNetB(nn.Module):
    """The block `inception_resnet_b`, used 20 times."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = Basic(1088, 1, 192, 0)
        self.branch1 = nn.Sequential(
            Basic(1088, 1, 128, 0),
            Basic(128, (1, 7), 160, (0, 3)),
            Basic(160, (7, 1), 192, (3, 0)),
        )
        self.conv2d = nn.Conv2d(384, 1088, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = torch.cat([self.branch0(x), self.branch1(x)], 1)  # 384 x 17 x 17
        return F.relu(self.conv2d(out) * 0.1 + x, inplace=True)  # 1088 x 17 x 17


class ReductionB(nn.Module):
    """The block `reduction_b`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(
            Basic(1088, 1, 256, 0), Basic(256, 3, 384, 0, stride=2)
        )
        self.branch1 = nn.Sequential(
            Basic(1088, 1, 256, 0), Basic(256, 3, 288, 0, stride=2)
        )
        self.branch2 = nn.Sequential(
            Basic(1088, 1, 256, 0),
            Basic(256, 3, 288, 1),
            Basic(288, 3, 320, 0, stride=2),
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
        )  # 2080 x 8 x 8


class InceptionResNetC(nn.Module):
    """The block `inception_resnet_c`, used 10 times."""

    def __init__(self, last: bool = False) -> None:
        super().__init__()
        self.last = last
        self.branch0 = Basic(2080, 1, 192, 0)
        self.branch1 = nn.Sequential(
            Basic(2080, 1, 192, 0),
            Basic(192, (1, 3), 224, (0, 1)),
            Basic(224, (3, 1), 256, (1, 0)),
        )
        self.conv2d = nn.Conv2d(448, 2080, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = torch.cat([self.branch0(x), self.branch1(x)], 1)  # 448 x 8 x 8
        x = self.conv2d(out) * (1 if self.last else 0.2) + x  # 2080 x 8 x 8
        if not self.last:
            x = F.relu(x, inplace=True)  # 2080 x 8 x 8
        return x


class InceptionResNetV2(nn.Module):
    """Inception-v4, Inception-ResNet and the Impact of Residual Connections on
    Learning. Szegedy, Ioffe, Vanhoucke, Alemi. AAAI 2017. arXiv:1602.07261

    Inception-ResNet-v1 by its figures, 10 to 15; v2 as the authors released it and timm
    has it: it starts as Inception-v3 does, repeats its modules more often, and ends in
    a 1x1. The factors on the residuals are the released ones: the paper says 0.1 to
    0.3.

    Input: 3 x 299 x 299.
    55,843,464 parameters, 13,155,794,016 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv2d_1a = Basic(3, 3, 32, 0, stride=2)
        self.conv2d_2a = Basic(32, 3, 32, 0)
        self.conv2d_2b = Basic(32, 3, 64, 1)
        self.maxpool_3a = nn.MaxPool2d(3, stride=2)
        self.conv2d_3b = Basic(64, 1, 80, 0)
        self.conv2d_4a = Basic(80, 3, 192, 0)
        self.maxpool_5a = nn.MaxPool2d(3, stride=2)
        self.mixed_5b = Mixed5b()
        self.repeat = nn.Sequential(*(InceptionResNetA() for _ in range(10)))
        self.mixed_6a = ReductionA()
        self.repeat_1 = nn.Sequential(*(InceptionResNetB() for _ in range(20)))
        self.mixed_7a = ReductionB()
        self.repeat_2 = nn.Sequential(*(InceptionResNetC() for _ in range(9)))
        self.block8 = InceptionResNetC(last=True)
        self.conv2d_7b = Basic(2080, 1, 1536, 0)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.head_drop = nn.Dropout(0.2)
        self.classif = nn.Linear(1536, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv2d_1a(image)  # 32 x 149 x 149
        x = self.conv2d_2a(x)  # 32 x 147 x 147
        x = self.conv2d_2b(x)  # 64 x 147 x 147
        x = self.maxpool_3a(x)  # 64 x 73 x 73
        x = self.conv2d_3b(x)  # 80 x 73 x 73
        x = self.conv2d_4a(x)  # 192 x 71 x 71
        x = self.maxpool_5a(x)  # 192 x 35 x 35
        x = self.mixed_5b(x)  # 320 x 35 x 35
        x = self.repeat(x)  # 320 x 35 x 35
        x = self.mixed_6a(x)  # 1088 x 17 x 17
        x = self.repeat_1(x)  # 1088 x 17 x 17
        x = self.mixed_7a(x)  # 2080 x 8 x 8
        x = self.repeat_2(x)  # 2080 x 8 x 8
        x = self.block8(x)  # 2080 x 8 x 8
        x = self.conv2d_7b(x)  # 1536 x 8 x 8
        x = self.head_drop(self.global_pool(x))  # 1536 x 1 x 1
        logits: Tensor = self.classif(torch.flatten(x, 1))  # classes
        return logits
