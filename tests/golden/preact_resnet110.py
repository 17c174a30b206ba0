import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["PreactResNet110"]


class PreactBasic(nn.Module):
    """The block `preact_basic`, used 54 times."""

    def __init__(
        self, in_channels: int, width: int, stride: int = 1, active: bool = False
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.width = width
        self.stride = stride
        self.active = active
        if not self.active:
            self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(
            in_channels, width, 3, stride=stride, padding=1, bias=False
        )
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x if self.active else F.relu(self.bn1(x), inplace=True)
        out = F.relu(self.bn2(self.conv1(out)), inplace=True)
        out = self.conv2(out)
        if self.in_channels != self.width:
            y = x[:, :, :: self.stride, :: self.stride]
            x = F.pad(y, (0, 0, 0, 0, 0, self.width - self.in_channels))
        out += x
        return out


class PreactResNet110(nn.Module):
    """Deep Residual Learning for Image Recognition.
    He, Zhang, Ren, Sun. CVPR 2016. arXiv:1512.03385

    Section 4.2: ResNets of 6n+2 layers for CIFAR-10. `preact_resnet*` and
    `resnet110_shortcut_*` are from: Identity Mappings in Deep Residual Networks. He,
    Zhang, Ren, Sun. ECCV 2016. arXiv:1603.05027

    `*_sd` are from: Deep Networks with Stochastic Depth. Huang, Sun, Liu, Sedra,
    Weinberger. ECCV 2016. arXiv:1603.09382. Here a unit is dropped for each image,
    there for a batch; here what stays is scaled up in training, there down in
    evaluation.

    Input: 3 x 32 x 32.
    1,727,962 parameters, 252,887,680 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(
            PreactBasic(16, 16, active=True), *(PreactBasic(16, 16) for _ in range(17))
        )
        self.layer2 = nn.Sequential(
            PreactBasic(16, 32, stride=2), *(PreactBasic(32, 32) for _ in range(17))
        )
        self.layer3 = nn.Sequential(
            PreactBasic(32, 64, stride=2), *(PreactBasic(64, 64) for _ in range(17))
        )
        self.bn2 = nn.BatchNorm2d(64)
        self.fc = nn.Linear(64, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(image)), inplace=True)  # 16 x 32 x 32
        x = self.layer1(x)  # 16 x 32 x 32
        x = self.layer2(x)  # 32 x 16 x 16
        x = F.relu(self.bn2(self.layer3(x)), inplace=True)  # 64 x 8 x 8
        x = F.adaptive_avg_pool2d(x, 1)  # 64 x 1 x 1
        logits: Tensor = self.fc(torch.flatten(x, 1))  # classes
        return logits
