import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ResNet50"]


class Bottleneck(nn.Module):
    """The block `bottleneck`, used 16 times."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
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
        out += self.downsample(x)
        return F.relu(out, inplace=True)


class ResNet50(nn.Module):
    """Deep Residual Learning for Image Recognition.
    He, Zhang, Ren, Sun. CVPR 2016. arXiv:1512.03385

    Figure 5 and Table 1. `resnet200` is from: Identity Mappings in Deep Residual
    Networks. He, Zhang, Ren, Sun. ECCV 2016. arXiv:1603.05027

    Input: 3 x 224 x 224.
    25,557,032 parameters, 4,089,184,256 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64), *(Bottleneck(256, 64) for _ in range(2))
        )
        self.layer2 = nn.Sequential(
            Bottleneck(256, 128, stride=2), *(Bottleneck(512, 128) for _ in range(3))
        )
        self.layer3 = nn.Sequential(
            Bottleneck(512, 256, stride=2), *(Bottleneck(1024, 256) for _ in range(5))
        )
        self.layer4 = nn.Sequential(
            Bottleneck(1024, 512, stride=2), *(Bottleneck(2048, 512) for _ in range(2))
        )
        self.fc = nn.Linear(2048, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(image)), inplace=True)  # 64 x 112 x 112
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # 64 x 56 x 56
        x = self.layer1(x)  # 256 x 56 x 56
        x = self.layer2(x)  # 512 x 28 x 28
        x = self.layer3(x)  # 1024 x 14 x 14
        x = self.layer4(x)  # 2048 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 2048 x 1 x 1
        logits: Tensor = self.fc(torch.flatten(x, 1))  # classes
        return logits
