"""A recipe and its words: one class each, its fields the arguments; no text, no tensor and no torch here.

A word is written `sgd(lr=0.1, momentum=0.9)` in a `train` block and kept in a run as data
(`{"is": "sgd", "lr": 0.1, ...}`). Words of images stand in `words_of_images.py`. What a word does stands
elsewhere: `optimizers.py`, `schedules.py`, `losses.py`, `initial.py`, `stopping.py`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta, Struct

from .word import Unfit, Word, rise
from .words_of_images import Augmentation, Normalize, Preparation

Monitor = Literal["val_loss", "val_top1", "val_top5", "train_loss", "train_top1"]
"""What is watched from epoch to epoch: losses fall, accuracies rise."""

# --- optimizers: the step -------------------------------------------------------------------------

Rate = Annotated[float, Meta(gt=0, description="the learning rate, before its schedule")]
Decay = Annotated[
    float, Meta(ge=0, description="the factor of the weights in the gradient, or in the step of `adamw`")
]
Decayed = Annotated[
    Literal["all", "weights"],
    Meta(description="what decays: all parameters, or none of biases, normalisations and other vectors"),
]
Momentum = Annotated[float, Meta(ge=0, lt=1, description="how much of the last step is kept")]
Kept = Annotated[float, Meta(ge=0, lt=1)]
Betas = Annotated[tuple[Kept, Kept], Meta(description="how much of the mean and of the square is kept")]
Epsilon = Annotated[float, Meta(gt=0, description="what is added to the root of the square")]


class SGD(Word, frozen=True, tag="sgd"):
    """Stochastic gradient descent, as `torch.optim.SGD`."""

    lr: Rate
    momentum: Momentum = 0.0
    weight_decay: Decay = 0.0
    nesterov: Annotated[bool, Meta(description="whether the gradient is taken after the momentum")] = False
    decayed: Decayed = "all"


class RMSProp(Word, frozen=True, tag="rmsprop"):
    """The gradient over the root of its mean square, as `torch.optim.RMSprop`."""

    lr: Rate
    alpha: Annotated[float, Meta(ge=0, lt=1, description="how much of the mean square is kept")] = 0.99
    eps: Epsilon = 1e-8
    momentum: Momentum = 0.0
    weight_decay: Decay = 0.0
    decayed: Decayed = "all"


class Adam(Word, frozen=True, tag="adam"):
    """As `torch.optim.Adam`: weight decay is a part of the gradient."""

    lr: Rate = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0
    decayed: Decayed = "all"


class AdamW(Word, frozen=True, tag="adamw"):
    """As `torch.optim.AdamW`: weight decay stands beside the gradient."""

    lr: Rate = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.01
    decayed: Decayed = "all"


Optimizer = SGD | RMSProp | Adam | AdamW

# --- schedules: the learning rate over the epochs --------------------------------------------------

Factor = Annotated[float, Meta(gt=0, lt=1, description="by what the learning rate is multiplied")]
Floor = Annotated[float, Meta(ge=0, description="the lowest learning rate")]


class Warmup(Word, frozen=True, tag="warmup"):
    """Rises in a straight line to the optimizer's rate, step by step; what follows begins after it."""

    epochs: Annotated[float, Meta(gt=0, description="how long")]
    start: Annotated[float, Meta(ge=0, le=1, description="the first rate, as a part of the optimizer's")] = (
        0.0
    )


class Constant(Word, frozen=True, tag="constant"):
    """Stays."""


class Steps(Word, frozen=True, tag="step"):
    """Multiplied by `factor` every so many epochs."""

    every: Annotated[float, Meta(gt=0, description="how many epochs, which need not be whole")]
    factor: Factor = 0.1


Epoch = Annotated[int, Meta(ge=1)]


class Milestones(Word, frozen=True, tag="milestones"):
    """Multiplied by `factor` after each of these epochs, a warm-up's counted too."""

    at: Annotated[tuple[Epoch, ...], Meta(description="the numbers of epochs done, rising")]
    factor: Factor = 0.1

    def __post_init__(self) -> None:
        rise("at", self.at)
        for one, other in pairwise(self.at):
            if one == other:
                raise Unfit("out-of-range", f"`at` has {one} twice", "at", "leave one of them out")


class Exponential(Word, frozen=True, tag="exponential"):
    """Multiplied by `factor` for each `every` epochs, a little after every step."""

    factor: Factor
    every: Annotated[float, Meta(gt=0, description="how many epochs")] = 1.0


class Cosine(Word, frozen=True, tag="cosine"):
    """Falls along half a wave, to `floor` when the last step is done."""

    floor: Floor = 0.0


class Polynomial(Word, frozen=True, tag="polynomial"):
    """Falls as (1 - progress)^power, to `floor` when the last step is done."""

    power: Annotated[float, Meta(gt=0, description="1 is a straight line")] = 1.0
    floor: Floor = 0.0


class Plateau(Word, frozen=True, tag="plateau"):
    """Multiplied by `factor` when what is watched has not become better for more than `patience` epochs."""

    factor: Factor = 0.1
    patience: Annotated[int, Meta(ge=0, description="how many epochs without a better one are borne")] = 10
    monitor: Annotated[Monitor, Meta(description="what is watched")] = "val_loss"
    min_delta: Annotated[float, Meta(ge=0, description="how much better counts")] = 1e-4
    floor: Floor = 0.0


Schedule = Warmup | Constant | Steps | Milestones | Exponential | Cosine | Polynomial | Plateau

# --- losses ----------------------------------------------------------------------------------------

Smoothing = Annotated[float, Meta(ge=0, lt=1, description="the part of the target that all classes share")]


class CrossEntropy(Word, frozen=True, tag="cross_entropy"):
    """Of the softmax; one class is right. With smoothing the target is (1 - s) onehot + s / K, of K."""

    smoothing: Smoothing = 0.0


class BinaryCrossEntropy(Word, frozen=True, tag="binary_cross_entropy"):
    """Of a sigmoid for each class."""

    smoothing: Smoothing = 0.0


Loss = CrossEntropy | BinaryCrossEntropy

# --- first weights, gradients, the end ---------------------------------------------------------------


class He(Word, frozen=True, tag="he"):
    """Normal, of variance 2 / fan: convolutions and fully connected layers; biases 0. He et al. 2015."""

    fan: Annotated[Literal["in", "out"], Meta(description="inputs or outputs of a weight")] = "in"


class Xavier(Word, frozen=True, tag="xavier"):
    """Uniform, of variance 2 / (fan in + fan out); biases 0. Glorot and Bengio 2010."""


class Normal(Word, frozen=True, tag="normal"):
    """Normal; biases 0."""

    std: Annotated[float, Meta(gt=0, description="the standard deviation")]


class TruncatedNormal(Word, frozen=True, tag="truncated_normal"):
    """Normal, nothing beyond two deviations; biases 0."""

    std: Annotated[float, Meta(gt=0, description="the standard deviation")]


Init = He | Xavier | Normal | TruncatedNormal


class ClipNorm(Word, frozen=True, tag="norm"):
    """The gradient of all parameters is made no longer than this."""

    most: Annotated[float, Meta(gt=0, description="the longest gradient")]


class ClipValue(Word, frozen=True, tag="value"):
    """Each number of the gradient is kept within this, either way."""

    most: Annotated[float, Meta(gt=0, description="the largest number")]


Clip = ClipNorm | ClipValue


class Early(Word, frozen=True, tag="early"):
    """Stop when what is watched is no better for `patience` epochs. Keras's EarlyStopping."""

    monitor: Annotated[Monitor, Meta(description="what is watched")] = "val_loss"
    min_delta: Annotated[float, Meta(ge=0, description="how much better counts")] = 0.0
    patience: Annotated[int, Meta(ge=0, description="how many epochs without a better one are borne")] = 0
    mode: Annotated[Literal["auto", "min", "max"], Meta(description="whether less or more is better")] = (
        "auto"
    )
    baseline: Annotated[float | None, Meta(description="what has to be passed to count as better")] = None
    restore_best: Annotated[bool, Meta(description="whether the best epoch's weights are taken back")] = False


class Best(Word, frozen=True, tag="best"):
    """The epoch that is best by this is kept beside the last. Keras's ModelCheckpoint."""

    monitor: Annotated[Monitor, Meta(description="what is watched")] = "val_loss"
    mode: Annotated[Literal["auto", "min", "max"], Meta(description="whether less or more is better")] = (
        "auto"
    )
    every: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="the weights of every so manieth epoch are kept too; none: of best and last only"),
    ] = None


class Recipe(Struct, frozen=True):
    """How a net is trained, whole: what a `train` block leaves out has these values.

    A schedule is at most one `warmup` and then exactly one other. Of `augment`, crops come first, then
    distortions, then one `normalize`, then mixes, of which one is drawn for each batch. `test` has nothing
    random: resizing and crops, then one `normalize`. `rules.py` holds a recipe to this.
    """

    optimizer: Annotated[Optimizer, Meta(description="how a gradient becomes a step")] = AdamW()
    schedule: Annotated[
        tuple[Schedule, ...], Meta(description="the learning rate from the first epoch to the last")
    ] = (Cosine(),)
    epochs: Annotated[int, Meta(ge=1, description="how often every training image is seen")] = 30
    batch: Annotated[int, Meta(ge=1, description="images a step, over all devices")] = 64
    loss: Annotated[Loss, Meta(description="what is made small")] = CrossEntropy()
    augment: Annotated[tuple[Augmentation, ...], Meta(description="how images are changed for training")] = ()
    test: Annotated[
        tuple[Preparation, ...],
        Meta(description="how images are prepared where it is not for training; none: as `augment` suggests"),
    ] = ()
    init: Annotated[Init | None, Meta(description="the first weights; none: the layers' own")] = None
    ema: Annotated[
        Annotated[float, Meta(gt=0, lt=1)] | None,
        Meta(description="the decay, of a step, of the weights' moving average"),
    ] = None
    clip: Annotated[Clip | None, Meta(description="the limit of gradients")] = None
    stop: Annotated[Early | None, Meta(description="when training ends before its last epoch")] = None
    keep: Annotated[Best, Meta(description="which weights are kept beside the last")] = Best()

    @property
    def normalize(self) -> Normalize | None:
        """What it says of the mean and the deviation of pixels, if anything."""
        return next((word for word in self.augment + self.test if isinstance(word, Normalize)), None)
