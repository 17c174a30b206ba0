import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ResNet200"]


class Preact(nn.Module):
    """The block `preact`, used 66 times."""

    def __init__(
        self, in_channels: int, width: int, stride: int = 1, active: bool = False
    ) -> None:
        super().__init__()
        self.active = active
        if not self.active:
            self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.has_downsample = stride != 1 or in_channels != 4 * width
        if self.has_downsample:
            self.downsample = nn.Conv2d(
                in_channels, 4 * width, 1, stride=stride, bias=False
            )

    def forward(self, x: Tensor) -> Tensor:
        out = x if self.active else F.relu(self.bn1(x), inplace=True)
        y: Tensor = F.relu(self.bn2(self.conv1(out)), inplace=True)
        y = F.relu(self.bn3(self.conv2(y)), inplace=True)
        y = self.conv3(y)
        if self.has_downsample:
            x = self.downsample(out)
        y += x
        return y


class ResNet200(nn.Module):
    """Deep Residual Learning for Image Recognition.
    He, Zhang, Ren, Sun. CVPR 2016. arXiv:1512.03385

    Figure 5 and Table 1. `resnet200` is from: Identity Mappings in Deep Residual
    Networks. He, Zhang, Ren, Sun. ECCV 2016. arXiv:1603.05027

    Input: 3 x 224 x 224.
    64,666,152 parameters, 15,007,481,856 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Preact(64, 64, active=True), *(Preact(256, 64) for _ in range(2))
        )
        self.layer2 = nn.Sequential(
            Preact(256, 128, stride=2), *(Preact(512, 128) for _ in range(23))
        )
        self.layer3 = nn.Sequential(
            Preact(512, 256, stride=2), *(Preact(1024, 256) for _ in range(35))
        )
        self.layer4 = nn.Sequential(
            Preact(1024, 512, stride=2), *(Preact(2048, 512) for _ in range(2))
        )
        self.bn2 = nn.BatchNorm2d(2048)
        self.fc = nn.Linear(2048, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(image)), inplace=True)  # 64 x 112 x 112
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # 64 x 56 x 56
        x = self.layer1(x)  # 256 x 56 x 56
        x = self.layer2(x)  # 512 x 28 x 28
        x = self.layer3(x)  # 1024 x 14 x 14
        x = F.relu(self.bn2(self.layer4(x)), inplace=True)  # 2048 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 2048 x 1 x 1
        logits: Tensor = self.fc(torch.flatten(x, 1))  # classes
        return logits
