from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["NASNetAMobile"]


def same_margins(
    x: Tensor,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
) -> list[int]:
    """Padding for ceil(size / stride) outputs, as TensorFlow's SAME, for `F.pad`."""
    margins: list[int] = []
    for axis in range(x.dim() - 1, 1, -1):
        settings = (kernel, stride, dilation)
        k, s, d = (v if isinstance(v, int) else v[axis - 2] for v in settings)
        total = -x.shape[axis] % s + d * (k - 1) + 1 - s
        if d * (k - 1) + 1 < s:
            total = max(total, 0)
        margins += [total // 2, total - total // 2]
    return margins


class Conv2dSame(nn.Conv2d):
    """Convolution padded as by TensorFlow's SAME."""

    def forward(self, input: Tensor) -> Tensor:
        margins = same_margins(input, self.kernel_size, self.stride, self.dilation)
        return super().forward(F.pad(input, margins))


class Squeeze(nn.Module):
    """The block `squeeze`, used 27 times."""

    def __init__(self, in_channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out, 1, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        out: Tensor = self.bn(self.conv(x))
        return out


class Separable(nn.Module):
    """The block `separable`, used 160 times."""

    def __init__(
        self, in_channels: int, window: int, out: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.depthwise_conv2d = Conv2dSame(
            in_channels,
            in_channels,
            window,
            stride=stride,
            groups=in_channels,
            bias=False,
        )
        self.pointwise_conv2d = nn.Conv2d(in_channels, out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.depthwise_conv2d(x)
        out: Tensor = self.pointwise_conv2d(x)
        return out


class Sep(nn.Module):
    """The block `sep`, used 80 times."""

    def __init__(
        self, in_channels: int, window: int, out: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.separable_1 = Separable(in_channels, window, out, stride=stride)
        self.bn_sep_1 = nn.BatchNorm2d(out, eps=0.001)
        self.separable_2 = Separable(out, window, out)
        self.bn_sep_2 = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        x = F.relu(self.bn_sep_1(self.separable_1(x)), inplace=True)
        out: Tensor = self.bn_sep_2(self.separable_2(x))
        return out


class ReductionCell(nn.Module):
    """The block `reduction_cell`, used 3 times."""

    def __init__(
        self, prev_channels: int, cur_channels: int, f: int, fit: bool = True
    ) -> None:
        super().__init__()
        self.fit = fit
        if self.fit:
            self.conv_prev_1x1 = Squeeze(prev_channels, f)
        self.conv_1x1 = Squeeze(cur_channels, f)
        self.comb_iter_0_left = Sep(f, 5, f, stride=2)
        self.comb_iter_0_right = Sep(f if fit else prev_channels, 7, f, stride=2)
        self.comb_iter_1_right = Sep(f if fit else prev_channels, 7, f, stride=2)
        self.comb_iter_2_right = Sep(f if fit else prev_channels, 5, f, stride=2)
        self.comb_iter_4_left = Sep(f, 3, f)

    def forward(self, prev: Tensor, cur: Tensor) -> tuple[Tensor, Tensor]:
        if self.fit:
            prev = self.conv_prev_1x1(prev)
        h = self.conv_1x1(cur)
        a = self.comb_iter_0_left(h)
        a += self.comb_iter_0_right(prev)
        b = F.max_pool2d(F.pad(h, same_margins(h, 3, 2), value=float("-inf")), 3, 2)
        b += self.comb_iter_1_right(prev)
        x = F.avg_pool2d(F.pad(h, same_margins(h, 3, 2)), 3, 2)
        x += self.comb_iter_2_right(prev)
        out = F.avg_pool2d(a, 3, stride=1, padding=1, count_include_pad=False)
        out += b
        y = self.comb_iter_4_left(a)
        z = F.max_pool2d(F.pad(h, same_margins(h, 3, 2), value=float("-inf")), 3, 2)
        y += z
        return cur, torch.cat([b, x, out, y], 1)


class ReductionCell2(nn.Module):
    """The block `reduction_cell`, used once."""

    def __init__(self) -> None:
        super().__init__()
        self.path_1 = nn.Sequential(
            OrderedDict([("conv", nn.Conv2d(32, 11, 1, stride=2, bias=False))])
        )
        self.path_2 = nn.Sequential(
            OrderedDict(
                [
                    ("0", nn.ZeroPad2d((-1, 1, -1, 1))),
                    ("conv", nn.Conv2d(32, 11, 1, stride=2, bias=False)),
                ],
            ),
        )
        self.final_path_bn = nn.BatchNorm2d(22, eps=0.001)
        self.conv_1x1 = Squeeze(44, 22)
        self.comb_iter_0_left = Sep(22, 5, 22, stride=2)
        self.comb_iter_0_right = Sep(22, 7, 22, stride=2)
        self.comb_iter_1_right = Sep(22, 7, 22, stride=2)
        self.comb_iter_2_right = Sep(22, 5, 22, stride=2)
        self.comb_iter_4_left = Sep(22, 3, 22)

    def forward(self, prev: Tensor, cur: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(prev)  # 32 x 111 x 111
        p = self.final_path_bn(torch.cat([self.path_1(x), self.path_2(x)], 1))
        h = self.conv_1x1(cur)  # 22 x 56 x 56
        a = self.comb_iter_0_left(h)  # 22 x 28 x 28
        a += self.comb_iter_0_right(p)
        b = F.max_pool2d(F.pad(h, same_margins(h, 3, 2), value=float("-inf")), 3, 2)
        b += self.comb_iter_1_right(p)
        x = F.avg_pool2d(F.pad(h, same_margins(h, 3, 2)), 3, 2)  # 22 x 28 x 28
        x += self.comb_iter_2_right(p)
        out = F.avg_pool2d(a, 3, stride=1, padding=1, count_include_pad=False)
        out += b
        y = self.comb_iter_4_left(a)  # 22 x 28 x 28
        z = F.max_pool2d(F.pad(h, same_margins(h, 3, 2), value=float("-inf")), 3, 2)
        y += z
        return cur, torch.cat([b, x, out, y], 1)


class NormalCell(nn.Module):
    """The block `normal_cell`, used 3 times."""

    def __init__(self, prev_channels: int, cur_channels: int, f: int) -> None:
        super().__init__()
        self.path_1 = nn.Sequential(
            OrderedDict(
                [("conv", nn.Conv2d(prev_channels, f // 2, 1, stride=2, bias=False))]
            ),
        )
        self.path_2 = nn.Sequential(
            OrderedDict(
                [
                    ("0", nn.ZeroPad2d((-1, 1, -1, 1))),
                    ("conv", nn.Conv2d(prev_channels, f // 2, 1, stride=2, bias=False)),
                ],
            ),
        )
        self.final_path_bn = nn.BatchNorm2d(f, eps=0.001)
        self.conv_1x1 = Squeeze(cur_channels, f)
        self.comb_iter_0_left = Sep(f, 5, f)
        self.comb_iter_0_right = Sep(f, 3, f)
        self.comb_iter_1_left = Sep(f, 5, f)
        self.comb_iter_1_right = Sep(f, 3, f)
        self.comb_iter_4_left = Sep(f, 3, f)

    def forward(self, prev: Tensor, cur: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(prev)
        p = self.final_path_bn(torch.cat([self.path_1(x), self.path_2(x)], 1))
        h = self.conv_1x1(cur)
        x = self.comb_iter_0_left(h)
        x += self.comb_iter_0_right(p)
        out = self.comb_iter_1_left(p)
        out += self.comb_iter_1_right(p)
        y = F.avg_pool2d(h, 3, stride=1, padding=1, count_include_pad=False)
        y += p
        z = F.avg_pool2d(p, 3, stride=1, padding=1, count_include_pad=False)
        x2 = F.avg_pool2d(p, 3, stride=1, padding=1, count_include_pad=False)
        z += x2
        x2 = self.comb_iter_4_left(h)
        x2 += h
        return cur, torch.cat([p, x, out, y, z, x2], 1)


class NormalCell2(nn.Module):
    """The block `normal_cell`, used 9 times."""

    def __init__(self, prev_channels: int, cur_channels: int, f: int) -> None:
        super().__init__()
        self.conv_prev_1x1 = Squeeze(prev_channels, f)
        self.conv_1x1 = Squeeze(cur_channels, f)
        self.comb_iter_0_left = Sep(f, 5, f)
        self.comb_iter_0_right = Sep(f, 3, f)
        self.comb_iter_1_left = Sep(f, 5, f)
        self.comb_iter_1_right = Sep(f, 3, f)
        self.comb_iter_4_left = Sep(f, 3, f)

    def forward(self, prev: Tensor, cur: Tensor) -> tuple[Tensor, Tensor]:
        p = self.conv_prev_1x1(prev)
        h = self.conv_1x1(cur)
        x = self.comb_iter_0_left(h)
        x += self.comb_iter_0_right(p)
        out = self.comb_iter_1_left(p)
        out += self.comb_iter_1_right(p)
        y = F.avg_pool2d(h, 3, stride=1, padding=1, count_include_pad=False)
        y += p
        z = F.avg_pool2d(p, 3, stride=1, padding=1, count_include_pad=False)
        x2 = F.avg_pool2d(p, 3, stride=1, padding=1, count_include_pad=False)
        z += x2
        x2 = self.comb_iter_4_left(h)
        x2 += h
        return cur, torch.cat([p, x, out, y, z, x2], 1)


class NASNetAMobile(nn.Module):
    """Learning Transferable Architectures for Scalable Image Recognition.
    Zoph, Vasudevan, Shlens, Le. CVPR 2018. arXiv:1707.07012

    NASNet-A, figure 4, as timm has it.

    Input: 3 x 224 x 224.
    5,289,978 parameters, 563,638,816 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv0 = nn.Sequential(
            OrderedDict(
                [
                    ("conv", nn.Conv2d(3, 32, 3, stride=2, bias=False)),
                    ("bn", nn.BatchNorm2d(32, eps=0.001)),
                ],
            ),
        )
        self.cell_stem_0 = ReductionCell(32, 32, 11, fit=False)
        self.cell_stem_1 = ReductionCell2()
        self.cell_0 = NormalCell(44, 88, 44)
        self.cell_1 = NormalCell2(88, 264, 44)
        self.cell_2 = NormalCell2(264, 264, 44)
        self.cell_3 = NormalCell2(264, 264, 44)
        self.reduction_cell_0 = ReductionCell(264, 264, 88)
        self.cell_4 = NormalCell(264, 352, 88)
        self.cell_5 = NormalCell2(352, 528, 88)
        self.cell_6 = NormalCell2(528, 528, 88)
        self.cell_7 = NormalCell2(528, 528, 88)
        self.reduction_cell_1 = ReductionCell(528, 528, 176)
        self.cell_8 = NormalCell(528, 704, 176)
        self.cell_9 = NormalCell2(704, 1056, 176)
        self.cell_10 = NormalCell2(1056, 1056, 176)
        self.cell_11 = NormalCell2(1056, 1056, 176)
        self.last_linear = nn.Linear(1056, classes)

    def forward(self, image: Tensor) -> Tensor:
        conv0 = self.conv0(image)  # 32 x 111 x 111
        prev, cur = self.cell_stem_0(conv0, conv0)
        prev, cur = self.cell_stem_1(prev, cur)
        prev, cur = self.cell_0(prev, cur)
        prev, cur = self.cell_1(prev, cur)
        prev, cur = self.cell_2(prev, cur)
        prev, cur = self.cell_3(prev, cur)
        prev, cur = self.reduction_cell_0(prev, cur)
        prev, cur = self.cell_4(prev, cur)
        prev, cur = self.cell_5(prev, cur)
        prev, cur = self.cell_6(prev, cur)
        prev, cur = self.cell_7(prev, cur)
        prev, cur = self.reduction_cell_1(prev, cur)
        prev, cur = self.cell_8(prev, cur)
        prev, cur = self.cell_9(prev, cur)
        prev, cur = self.cell_10(prev, cur)
        _, cur = self.cell_11(prev, cur)
        x = F.relu(cur, inplace=True)  # 1056 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 1056 x 1 x 1
        logits: Tensor = self.last_linear(torch.flatten(x, 1))  # classes
        return logits
