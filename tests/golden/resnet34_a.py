import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ResNet34A"]


class Basic(nn.Module):
    """The block `basic`, used 16 times."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.width = width
        self.stride = stride
        self.conv1 = nn.Conv2d(
            in_channels, width, 3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        if self.stride != 1 or self.in_channels != self.width:
            y = x[:, :, :: self.stride, :: self.stride]
            x = F.pad(y, (0, 0, 0, 0, 0, self.width - self.in_channels))
        out += x
        return F.relu(out, inplace=True)


class ResNet34A(nn.Module):
    """Deep Residual Learning for Image Recognition.
    He, Zhang, Ren, Sun. CVPR 2016. arXiv:1512.03385

    Figure 5 and Table 1. `resnet200` is from: Identity Mappings in Deep Residual
    Networks. He, Zhang, Ren, Sun. ECCV 2016. arXiv:1603.05027

    Input: 3 x 224 x 224.
    21,623,848 parameters, 3,644,493,824 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(*(Basic(64, 64) for _ in range(3)))
        self.layer2 = nn.Sequential(
            Basic(64, 128, stride=2), *(Basic(128, 128) for _ in range(3))
        )
        self.layer3 = nn.Sequential(
            Basic(128, 256, stride=2), *(Basic(256, 256) for _ in range(5))
        )
        self.layer4 = nn.Sequential(
            Basic(256, 512, stride=2), *(Basic(512, 512) for _ in range(2))
        )
        self.fc = nn.Linear(512, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(image)), inplace=True)  # 64 x 112 x 112
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # 64 x 56 x 56
        x = self.layer1(x)  # 64 x 56 x 56
        x = self.layer2(x)  # 128 x 28 x 28
        x = self.layer3(x)  # 256 x 14 x 14
        x = self.layer4(x)  # 512 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 512 x 1 x 1
        logits: Tensor = self.fc(torch.flatten(x, 1))  # classes
        return logits
