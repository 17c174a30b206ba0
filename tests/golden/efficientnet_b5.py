import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["EfficientNetB5"]


class DropPath(nn.Module):
    """In training zeroes samples with probability `p`, and divides others by 1 - p."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        luck = torch.rand(x.shape[0], *(1,) * (x.dim() - 1), device=x.device)
        return x * ((luck >= self.p).to(x.dtype) / (1 - self.p))


class CBA(nn.Sequential):
    """The block `cba`, used 38 times."""

    def __init__(
        self, in_channels: int, window: int, out: int, stride: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels,
                out,
                window,
                stride=stride,
                padding=(window - 1) // 2,
                bias=False,
            ),
            nn.BatchNorm2d(out, eps=0.001, momentum=0.01),
            nn.SiLU(inplace=True),
        )


class SqueezeExcite(nn.Module):
    """The block `squeeze_excite`, used 39 times."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(in_channels, width, 1)
        self.fc2 = nn.Conv2d(width, in_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = F.adaptive_avg_pool2d(x, 1)  # in_channels x 1 x 1
        out = F.silu(self.fc1(out), inplace=True)  # width x 1 x 1
        return x * torch.sigmoid(self.fc2(out))


class CB(nn.Sequential):
    """The block `cb`, used 39 times."""

    def __init__(self, in_channels: int, out: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out, 1, bias=False),
            nn.BatchNorm2d(out, eps=0.001, momentum=0.01),
        )


class MBConv(nn.Module):
    """The block `mbconv`, used 39 times."""

    def __init__(
        self,
        in_channels: int,
        t: int,
        window: int,
        out: int,
        stride: int = 1,
        drop: float = 0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if t > 1:
            layers.append(CBA(in_channels, 1, t * in_channels))
        layers += [
            nn.Sequential(
                nn.Conv2d(
                    t * in_channels,
                    t * in_channels,
                    window,
                    stride=stride,
                    padding=(window - 1) // 2,
                    groups=t * in_channels,
                    bias=False,
                ),
                nn.BatchNorm2d(t * in_channels, eps=0.001, momentum=0.01),
                nn.SiLU(inplace=True),
            ),
            SqueezeExcite(t * in_channels, in_channels // 4),
            CB(t * in_channels, out),
        ]
        self.block = nn.Sequential(*layers)
        self.skips = stride == 1 and in_channels == out
        if self.skips:
            self.stochastic_depth = DropPath(drop)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.block(x)
        if self.skips:
            out = self.stochastic_depth(out)
            out = out + x
        return out


class EfficientNetB5(nn.Module):
    """EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks.
    Tan, Le. ICML 2019. arXiv:1905.11946

    With torchvision's settings of batch norm: B5 to B7 have TensorFlow's.

    Input: 3 x 456 x 456.
    30,389,784 parameters, 10,266,384,752 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            CBA(3, 3, 48, stride=2),
            nn.Sequential(
                MBConv(48, 1, 3, 24),
                MBConv(24, 1, 3, 24, drop=0.2 / 39),
                MBConv(24, 1, 3, 24, drop=0.2 * 2 / 39),
            ),
            nn.Sequential(
                MBConv(24, 6, 3, 40, stride=2),
                *(MBConv(40, 6, 3, 40, drop=0.2 * j / 39) for j in range(4, 8)),
            ),
            nn.Sequential(
                MBConv(40, 6, 5, 64, stride=2),
                *(MBConv(64, 6, 5, 64, drop=0.2 * j / 39) for j in range(9, 13)),
            ),
            nn.Sequential(
                MBConv(64, 6, 3, 128, stride=2),
                *(MBConv(128, 6, 3, 128, drop=0.2 * j / 39) for j in range(14, 20)),
            ),
            nn.Sequential(
                MBConv(128, 6, 5, 176),
                *(MBConv(176, 6, 5, 176, drop=0.2 * j / 39) for j in range(21, 27)),
            ),
            nn.Sequential(
                MBConv(176, 6, 5, 304, stride=2),
                *(MBConv(304, 6, 5, 304, drop=0.2 * j / 39) for j in range(28, 36)),
            ),
            nn.Sequential(
                MBConv(304, 6, 3, 512),
                MBConv(512, 6, 3, 512, drop=0.2 * 37 / 39),
                MBConv(512, 6, 3, 512, drop=0.2 * 38 / 39),
            ),
            CBA(512, 1, 2048),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.4), nn.Linear(2048, classes))

    def forward(self, image: Tensor) -> Tensor:
        x = self.features(image)  # 2048 x 15 x 15
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)  # 2048
        logits: Tensor = self.classifier(x)  # classes
        return logits
