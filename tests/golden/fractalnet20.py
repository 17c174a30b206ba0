import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["FractalNet20"]


class DropMean(nn.Module):
    """The mean of its inputs; in training, for each sample, of those not dropped.

    Each is dropped with probability `drop`, but never all of them.
    """

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.drop = drop

    def forward(self, *inputs: Tensor) -> Tensor:
        if not self.training:
            return sum(inputs[1:], inputs[0]) / len(inputs)
        x = inputs[0]
        ones = (1,) * (x.dim() - 1)
        luck = torch.rand(len(inputs), x.shape[0], *ones, device=x.device)
        kept = ((luck >= self.drop) | (luck == luck.amax(0))).to(x.dtype)
        weights = kept / kept.sum(0)
        rest = (weights[i] * inputs[i] for i in range(1, len(inputs)))
        return sum(rest, weights[0] * x)


class Layer(nn.Sequential):
    """The block `layer`, used 35 times."""

    def __init__(self, in_channels: int, out: int, p: float) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        ]
        if p > 0:
            layers.append(nn.Dropout(p))
        super().__init__(*layers)


class Fractal(nn.Module):
    """The block `fractal`, used 10 times."""

    def __init__(self, in_channels: int, out: int, p: float) -> None:
        super().__init__()
        self.layer1 = Layer(in_channels, out, p)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer1(x)
        return out


class Fractal2(nn.Module):
    """The block `fractal`, used 5 times."""

    def __init__(self, in_channels: int, out: int, p: float, drop: float) -> None:
        super().__init__()
        self.z1 = Fractal(in_channels, out, p)
        self.layer1 = Layer(out, out, p)
        self.layer2 = Layer(in_channels, out, p)
        self.mean1 = DropMean(drop)

    def forward(self, x: Tensor) -> Tensor:
        out = self.z1(x)
        y: Tensor = self.mean1(self.layer1(out), self.layer2(x))
        return y


class Fractal3(nn.Module):
    """The block `fractal`, used 5 times."""

    def __init__(self, in_channels: int, out: int, p: float, drop: float) -> None:
        super().__init__()
        self.z2 = Fractal2(in_channels, out, p, drop)
        self.z1 = Fractal(out, out, p)
        self.layer1 = Layer(out, out, p)
        self.layer2 = Layer(out, out, p)
        self.layer3 = Layer(in_channels, out, p)
        self.mean1 = DropMean(drop)

    def forward(self, x: Tensor) -> Tensor:
        z2 = self.z2(x)
        out = self.z1(z2)
        y: Tensor = self.mean1(self.layer1(out), self.layer2(z2), self.layer3(x))
        return y


class FractalNet20(nn.Module):
    """FractalNet: Ultra-Deep Neural Networks without Residuals.
    Larsson, Maire, Shakhnarovich. ICLR 2017. arXiv:1605.07648

    Input: 3 x 32 x 32.
    33,724,618 parameters, 845,222,912 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, drop: float = 0.15, classes: int = 10) -> None:
        super().__init__()
        self.fractal0 = Fractal3(3, 64, 0, drop)
        self.fractal1 = Fractal3(64, 128, 0.1, drop)
        self.fractal2 = Fractal3(128, 256, 0.2, drop)
        self.fractal3 = Fractal3(256, 512, 0.3, drop)
        self.fractal4 = Fractal3(512, 512, 0.4, drop)
        self.fc = nn.Linear(512, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.fractal0(image)  # 64 x 32 x 32
        x = F.max_pool2d(x, 2)  # 64 x 16 x 16
        x = self.fractal1(x)  # 128 x 16 x 16
        x = F.max_pool2d(x, 2)  # 128 x 8 x 8
        x = self.fractal2(x)  # 256 x 8 x 8
        x = F.max_pool2d(x, 2)  # 256 x 4 x 4
        x = self.fractal3(x)  # 512 x 4 x 4
        x = F.max_pool2d(x, 2)  # 512 x 2 x 2
        x = self.fractal4(x)  # 512 x 2 x 2
        x = F.max_pool2d(x, 2)  # 512 x 1 x 1
        logits: Tensor = self.fc(torch.flatten(x, 1))  # classes
        return logits
