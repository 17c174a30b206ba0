import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["PyramidNet200A240"]


class Bottleneck(nn.Module):
    """The block `bottleneck`, used 66 times."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.width = width
        self.stride = stride
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn4 = nn.BatchNorm2d(4 * width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn1(x)
        out = F.relu(self.bn2(self.conv1(out)), inplace=True)
        out = F.relu(self.bn3(self.conv2(out)), inplace=True)
        out = self.bn4(self.conv3(out))
        if self.stride > 1:
            x = F.avg_pool2d(x, 2)
        x = F.pad(x, (0, 0, 0, 0, 0, 4 * self.width - self.in_channels))
        out += x
        return out


class PyramidNet200A240(nn.Module):
    """Deep Pyramidal Residual Networks. Han, Kim, Kim. CVPR 2017. arXiv:1610.02915

    Figures 1, 2 and 6(d), and Table 1: each unit is wider than the one before by
    alpha/N. The shortcut pads with zeros; where a stage begins it averages, as in the
    authors' code.

    Input: 3 x 32 x 32.
    26,617,000 parameters, 4,484,789,888 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(
            Bottleneck(16, 19),
            *(
                Bottleneck(4 * (240 * j // 66 + 16), 240 * (j + 1) // 66 + 16)
                for j in range(1, 22)
            ),
        )
        self.layer2 = nn.Sequential(
            *(
                Bottleneck(
                    4 * (240 * j // 66 + 16),
                    240 * (j + 1) // 66 + 16,
                    stride=2 if j == 22 else 1,
                )
                for j in range(22, 44)
            ),
        )
        self.layer3 = nn.Sequential(
            *(
                Bottleneck(
                    4 * (240 * j // 66 + 16),
                    240 * (j + 1) // 66 + 16,
                    stride=2 if j == 44 else 1,
                )
                for j in range(44, 66)
            ),
        )
        self.bn_final = nn.BatchNorm2d(1024)
        self.fc = nn.Linear(1024, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.bn1(self.conv1(image))  # 16 x 32 x 32
        x = self.layer1(x)  # 384 x 32 x 32
        x = self.layer2(x)  # 704 x 16 x 16
        x = F.relu(self.bn_final(self.layer3(x)), inplace=True)  # 1024 x 8 x 8
        x = F.adaptive_avg_pool2d(x, 1)  # 1024 x 1 x 1
        logits: Tensor = self.fc(torch.flatten(x, 1))  # classes
        return logits
