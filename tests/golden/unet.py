import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["UNet"]


def crop_like(x: Tensor, like: Tensor) -> Tensor:
    """The centre of `x`, as large as `like`."""
    for axis in range(2, x.dim()):
        size = like.shape[axis]
        x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
    return x


class Double(nn.Module):
    """The block `double`, used 9 times."""

    def __init__(self, in_channels: int, out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out, 3)
        self.conv2 = nn.Conv2d(out, out, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x), inplace=True)
        return F.relu(self.conv2(x), inplace=True)


class UNet(nn.Module):
    """U-Net: Convolutional Networks for Biomedical Image Segmentation.
    Ronneberger, Fischer, Brox. MICCAI 2015. arXiv:1505.04597

    Input: 1 x 572 x 572.
    31,030,658 parameters, 150,428,424,448 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.down0 = Double(1, 64)
        self.down1 = Double(64, 128)
        self.down2 = Double(128, 256)
        self.down3 = Double(256, 512)
        self.bottom = Double(512, 1024)
        self.upconv3 = nn.ConvTranspose2d(1024, 512, 2, stride=2)
        self.up3 = Double(1024, 512)
        self.upconv2 = nn.ConvTranspose2d(512, 256, 2, stride=2)
        self.up2 = Double(512, 256)
        self.upconv1 = nn.ConvTranspose2d(256, 128, 2, stride=2)
        self.up1 = Double(256, 128)
        self.upconv0 = nn.ConvTranspose2d(128, 64, 2, stride=2)
        self.up0 = Double(128, 64)
        self.head = nn.Conv2d(64, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        down0 = self.down0(image)  # 64 x 568 x 568
        x = F.max_pool2d(down0, 2)  # 64 x 284 x 284
        down1 = self.down1(x)  # 128 x 280 x 280
        x = F.max_pool2d(down1, 2)  # 128 x 140 x 140
        down2 = self.down2(x)  # 256 x 136 x 136
        x = F.max_pool2d(down2, 2)  # 256 x 68 x 68
        down3 = self.down3(x)  # 512 x 64 x 64
        x = F.dropout(down3, 0.5, training=self.training)  # 512 x 64 x 64
        x = F.max_pool2d(x, 2)  # 512 x 32 x 32
        x = F.dropout(self.bottom(x), 0.5, training=self.training)  # 1024 x 28 x 28
        upconv3 = self.upconv3(x)  # 512 x 56 x 56
        x = torch.cat([crop_like(down3, upconv3), upconv3], 1)  # 1024 x 56 x 56
        x = self.up3(x)  # 512 x 52 x 52
        upconv2 = self.upconv2(x)  # 256 x 104 x 104
        x = torch.cat([crop_like(down2, upconv2), upconv2], 1)  # 512 x 104 x 104
        x = self.up2(x)  # 256 x 100 x 100
        upconv1 = self.upconv1(x)  # 128 x 200 x 200
        x = torch.cat([crop_like(down1, upconv1), upconv1], 1)  # 256 x 200 x 200
        x = self.up1(x)  # 128 x 196 x 196
        upconv0 = self.upconv0(x)  # 64 x 392 x 392
        x = torch.cat([crop_like(down0, upconv0), upconv0], 1)  # 128 x 392 x 392
        x = self.up0(x)  # 64 x 388 x 388
        logits: Tensor = self.head(x)  # classes x 388 x 388
        return logits
