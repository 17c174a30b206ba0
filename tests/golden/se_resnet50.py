import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["SEResNet50"]


class Stem7(nn.Module):
    """The block `stem7`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn1(self.conv1(x)), inplace=True)  # 64 x 112 x 112


class SqueezeExcite(nn.Module):
    """The block `squeeze_excite`, used 16 times."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(in_channels, in_channels // 16, 1)
        self.fc2 = nn.Conv2d(in_channels // 16, in_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = F.adaptive_avg_pool2d(x, 1)  # in_channels x 1 x 1
        out = F.relu(self.fc1(out), inplace=True)  # (in_channels // 16) x 1 x 1
        return x * torch.sigmoid(self.fc2(out))


class SEBottleneck(nn.Module):
    """The block `se_bottleneck`, used 16 times."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.se_module = SqueezeExcite(4 * width)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or in_channels != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * width, 1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * width),
            )

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = F.relu(self.bn2(self.conv2(out)), inplace=True)
        out = self.bn3(self.conv3(out))
        out = self.se_module(out)
        out += self.downsample(x)
        return F.relu(out, inplace=True)


class SEResNet50(nn.Module):
    """Squeeze-and-Excitation Networks. Hu, Shen, Sun. CVPR 2018. arXiv:1709.01507
    With Albanie and Wu: IEEE TPAMI 2020.

    The residual nets are as the authors released them and timm's `legacy_*` models name
    them: a gate's fully connected layers are 1x1 convolutions, a ResNet's stride is in
    the first 1x1 of a stage, and the max pool rounds up.

    Input: 3 x 224 x 224.
    28,088,024 parameters, 3,860,488,192 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.layer0 = Stem7()
        self.pool0 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.layer1 = nn.Sequential(
            SEBottleneck(64, 64), *(SEBottleneck(256, 64) for _ in range(2))
        )
        self.layer2 = nn.Sequential(
            SEBottleneck(256, 128, stride=2),
            *(SEBottleneck(512, 128) for _ in range(3)),
        )
        self.layer3 = nn.Sequential(
            SEBottleneck(512, 256, stride=2),
            *(SEBottleneck(1024, 256) for _ in range(5)),
        )
        self.layer4 = nn.Sequential(
            SEBottleneck(1024, 512, stride=2),
            *(SEBottleneck(2048, 512) for _ in range(2)),
        )
        self.last_linear = nn.Linear(2048, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.layer0(image)  # 64 x 112 x 112
        x = self.pool0(x)  # 64 x 56 x 56
        x = self.layer1(x)  # 256 x 56 x 56
        x = self.layer2(x)  # 512 x 28 x 28
        x = self.layer3(x)  # 1024 x 14 x 14
        x = self.layer4(x)  # 2048 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 2048 x 1 x 1
        logits: Tensor = self.last_linear(torch.flatten(x, 1))  # classes
        return logits
