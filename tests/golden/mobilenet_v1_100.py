import torch
from torch import Tensor, nn

__all__ = ["MobileNetV1x100"]


class CBR(nn.Sequential):
    """The block `cbr`, used once."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
        )


class Separable(nn.Module):
    """The block `separable`, used 13 times."""

    def __init__(self, in_channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.dw = nn.Sequential(
            nn.Conv2d(
                in_channels,
                in_channels,
                3,
                stride=stride,
                padding=1,
                groups=in_channels,
                bias=False,
            ),
            nn.BatchNorm2d(in_channels),
            nn.ReLU(inplace=True),
        )
        self.pw = nn.Sequential(
            nn.Conv2d(in_channels, out, 1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw(x)
        out: Tensor = self.pw(x)
        return out


class MobileNetV1x100(nn.Module):
    """MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications. Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam.
    2017. arXiv:1704.04861

    Input: 3 x 224 x 224.
    4,231,976 parameters, 568,740,352 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = CBR()
        self.unit1 = Separable(32, 64)
        self.unit2 = Separable(64, 128, stride=2)
        self.unit3 = Separable(128, 128)
        self.unit4 = Separable(128, 256, stride=2)
        self.unit5 = Separable(256, 256)
        self.unit6 = Separable(256, 512, stride=2)
        self.unit7 = Separable(512, 512)
        self.unit8 = Separable(512, 512)
        self.unit9 = Separable(512, 512)
        self.unit10 = Separable(512, 512)
        self.unit11 = Separable(512, 512)
        self.unit12 = Separable(512, 1024, stride=2)
        self.unit13 = Separable(1024, 1024)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(1024, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv1(image)  # 32 x 112 x 112
        x = self.unit1(x)  # 64 x 112 x 112
        x = self.unit2(x)  # 128 x 56 x 56
        x = self.unit3(x)  # 128 x 56 x 56
        x = self.unit4(x)  # 256 x 28 x 28
        x = self.unit5(x)  # 256 x 28 x 28
        x = self.unit6(x)  # 512 x 14 x 14
        x = self.unit7(x)  # 512 x 14 x 14
        x = self.unit8(x)  # 512 x 14 x 14
        x = self.unit9(x)  # 512 x 14 x 14
        x = self.unit10(x)  # 512 x 14 x 14
        x = self.unit11(x)  # 512 x 14 x 14
        x = self.unit12(x)  # 1024 x 7 x 7
        x = self.unit13(x)  # 1024 x 7 x 7
        x = self.avgpool(x)  # 1024 x 1 x 1
        logits: Tensor = self.fc(torch.flatten(x, 1))  # classes
        return logits
