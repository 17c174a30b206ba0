"""Losses, logits and labels of batches in; the metrics of an epoch, over all processes, out."""

from __future__ import annotations

from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import MulticlassAccuracy

TOPS = (1, 5)


class Meters(nn.Module):
    """What is measured of a split. Its state is saved with the learner's: a run that stops within an epoch
    keeps what was measured of it."""

    def __init__(self, split: str, classes: int) -> None:
        super().__init__()
        self.split = split
        self.loss = MeanMetric()
        tops = [top for top in TOPS if top < classes]
        self.tops = nn.ModuleList(MulticlassAccuracy(classes, top_k=top, average="micro") for top in tops)
        self.names = [f"{split}_loss", *(f"{split}_top{top}" for top in tops)]
        for meter in self.all:
            meter.persistent(True)

    @property
    def all(self) -> list[Metric]:
        return [module for module in self.modules() if isinstance(module, Metric)]

    def update(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """`loss` is the mean over a batch, `logits` its N x K, `labels` int64 of N."""
        self.loss.update(loss.float(), len(labels))
        for meter in self.tops:
            meter.update(logits.float(), labels)  # type: ignore[operator]

    def take(self) -> dict[str, float]:
        """`train_loss`, `train_top1` and `train_top5` (in percent) since they were last taken."""
        values = [float(meter.compute()) for meter in self.all]
        for meter in self.all:
            meter.reset()
        loss, *parts = values
        return dict(zip(self.names, [loss, *(100 * part for part in parts)], strict=True))
