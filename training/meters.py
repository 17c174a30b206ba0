"""Losses, logits and labels of batches in; the metrics of an epoch, over all processes, out."""

from __future__ import annotations

from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import MulticlassAccuracy

TOPS = (1, 5)


def tops_of(classes: int) -> list[int]:
    """All of so few classes would be among the best five: that is not measured."""
    return [top for top in TOPS if top < classes]


def names_of(split: str, classes: int) -> list[str]:
    """`train_loss`, `train_top1` and `train_top5`, as `take` gives them."""
    return [f"{split}_loss", *(f"{split}_top{top}" for top in tops_of(classes))]


class Meters(nn.Module):
    """What is measured of a split."""

    def __init__(self, split: str, classes: int) -> None:
        super().__init__()
        self.split = split
        self.loss = MeanMetric(nan_strategy="disable")  # else it would leave out what is not finite
        tops = tops_of(classes)
        self.tops = nn.ModuleList(
            MulticlassAccuracy(classes, top_k=top, average="micro", validate_args=False) for top in tops
        )  # labels were checked when the data were opened; asking again makes a GPU wait in every step
        self.names = names_of(split, classes)

    @property
    def all(self) -> list[Metric]:
        return [module for module in self.modules() if isinstance(module, Metric)]

    def update(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """`loss` is the mean over a batch, `logits` its N x K, `labels` int64 of N."""
        self.loss.update(loss.float().expand(len(labels)))  # so configured, torchmetrics ignores weights
        for meter in self.tops:
            meter.update(logits.float(), labels)  # type: ignore[operator]

    def state(self) -> list[dict[str, Tensor]]:
        """What this process has measured since it was last taken: sums."""
        return [{name: sum_.cpu() for name, sum_ in sums_of(meter).items()} for meter in self.all]

    def add(self, state: list[dict[str, Tensor]]) -> None:
        """What was measured before, by this process or another."""
        for meter, sums in zip(self.all, state, strict=True):
            for name, sum_ in sums_of(meter).items():
                setattr(meter, name, sum_ + sums[name].to(sum_.device))
            meter._update_count += 1

    def take(self) -> dict[str, float]:
        """`train_loss`, `train_top1` and `train_top5` (in percent) since they were last taken."""
        values = [float(meter.compute()) for meter in self.all]
        for meter in self.all:
            meter.reset()
        loss, *parts = values
        return dict(zip(self.names, [loss, *(100 * part for part in parts)], strict=True))


def sums_of(meter: Metric) -> dict[str, Tensor]:
    return {name: value for name, value in meter.metric_state.items() if isinstance(value, Tensor)}
