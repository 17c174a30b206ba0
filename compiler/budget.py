"""A graph and how it is trained in; the bytes that a step of training holds at its fullest out.

`memory.train` adds up what backward needs for one image. Here the step itself is walked through: backward
goes over the layers from last to first, frees what each kept, and makes the gradients of its parameters and
of what entered it, as PyTorch's autograd engine does. What is there at the fullest moment is what a GPU's
allocator must hand out, but for the workspaces of cuDNN and cuBLAS.
"""

from __future__ import annotations

from collections import Counter

from msgspec import Struct
from msgspec.structs import replace

from .graph import Graph
from .shapes import Shapes
from .tape import FLOAT, LONG, Entry, Tape, Way, record


class Regime(Struct, frozen=True):
    """How a net is trained, as far as memory asks.

    `mixed` is autocast to bfloat16 or float16. The optimiser keeps `state` numbers for each parameter, and
    `scratch` more while it steps. `average` is a moving average of the weights; `accumulate` says that
    gradients are summed over several batches; `gpu`, that dropout keeps bytes instead of numbers.
    """

    batch: int
    mixed: bool = False
    gpu: bool = True
    state: int = 1
    scratch: int = 1
    average: bool = False
    accumulate: bool = False


class Budget(Struct, frozen=True):
    """What is in memory at the fullest moment of a step.

    `weights` are parameters and buffers; `images` the batch, its classes and the net's outputs; `gradients`
    those of parameters, as many as are there by then; `kept` what layers still keep for backward; `copies`
    16-bit weights; `working` gradients on their way, or what the optimiser needs for a moment. `at` is the
    node whose backward it is, None the loss or the optimiser's step.
    """

    weights: int
    state: int
    average: int
    images: int
    gradients: int = 0
    kept: int = 0
    copies: int = 0
    working: int = 0
    at: int | None = None

    @property
    def total(self) -> int:
        training = self.weights + self.state + self.average + self.gradients
        return training + self.images + self.kept + self.copies + self.working


def predict(graph: Graph, shapes: Shapes, regime: Regime) -> Budget:
    """The fullest moment of a step, from the second on: the first has no momentum yet."""
    return Backward(record(graph, shapes, regime.mixed, regime.gpu), regime).run()


def largest_batch(graph: Graph, shapes: Shapes, regime: Regime, free: int) -> int:
    """The largest batch whose step fits into `free` bytes, whatever `regime` says; 0 where no image does."""
    tape = record(graph, shapes, regime.mixed, regime.gpu)

    def fits(batch: int) -> bool:
        return Backward(tape, replace(regime, batch=batch)).run().total <= free

    low, high = 0, 1
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


# --- backward: what it makes and frees -------------------------------------------------------------


class Storage:
    """The memory of a gradient, and how many gradients lie in it."""

    def __init__(self, size: int) -> None:
        self.size, self.holders = size, 1


class Gradient(Struct, frozen=True, eq=False):
    """`whole` is false where it is a part of its storage."""

    storage: Storage
    whole: bool = True


class Backward:
    """The step of a batch from its loss on: what is there (`gradients`, `kept`, `copies`, `working`), and the
    fullest moment so far."""

    def __init__(self, tape: Tape, regime: Regime) -> None:
        params, batch = FLOAT * tape.params, regime.batch
        self.tape, self.batch = tape, batch
        self.scratch = regime.scratch * params
        self.always = Budget(
            weights=tape.weights,
            state=regime.state * params,
            average=tape.weights if regime.average else 0,
            images=batch * (sum(tape.held.values()) + LONG),
        )
        self.holders = Counter(id_ for entry in tape.entries for id_ in entry.kept - tape.held.keys())
        self.users = Counter(entry.weights for entry in tape.entries if entry.params)
        self.complete = {entry.weights for entry in tape.entries} if regime.accumulate else set()
        self.gradients = params if regime.accumulate else 0
        self.kept = batch * sum(tape.sizes[id_] for id_ in self.holders)
        self.kept += sum(batch * entry.own + entry.once for entry in tape.entries)
        self.copies = sum({entry.weights: entry.copy for entry in tape.entries}.values())
        self.working = 0
        self.entering: dict[int, Gradient] = {}
        """The gradients of values, by node."""
        self.fullest = self.always

    def run(self) -> Budget:
        self.start()
        for entry in reversed(self.tape.entries):
            self.undo(entry)
        self.look(None, self.scratch)
        return self.fullest

    def look(self, at: int | None, passing: int = 0) -> None:
        """What is there, with `passing` more for a moment."""
        now = replace(
            self.always,
            gradients=self.gradients,
            kept=self.kept,
            copies=self.copies,
            working=self.working + passing,
            at=at,
        )
        if now.total > self.fullest.total:
            self.fullest = now

    def start(self) -> None:
        """The loss: probabilities in float32, their gradients, and the gradient of each output."""
        losses = [FLOAT * self.batch * elements for elements in self.tape.outputs.values()]
        self.look(None, sum(losses) + 2 * max(losses, default=0))
        for id_ in self.tape.outputs:
            self.receive(id_, self.make(self.batch * self.tape.sizes[id_]))

    def undo(self, entry: Entry) -> None:
        """The backward of a layer, as the engine calls it: gradients are made, then what it kept is freed."""
        came = self.entering.pop(entry.node, None)
        results: list[tuple[int, Gradient]] = []
        mine = 0
        if came is not None:
            results = [(way.source, self.hand(way, came)) for way in entry.ways]
            mine = FLOAT * entry.params
            self.look(entry.node, self.batch * entry.passing + (entry.copy or mine))
            self.drop(came)
        self.free(entry)
        if mine:
            self.look(entry.node, entry.copy + mine)
            if entry.weights not in self.complete:
                self.complete.add(entry.weights)
                self.gradients += mine
        for source, gradient in results:
            self.receive(source, gradient)

    def hand(self, way: Way, came: Gradient) -> Gradient:
        if way.how == "new":
            return self.make(self.batch * way.size)
        came.storage.holders += 1
        return Gradient(came.storage, came.whole and way.how == "same")

    def make(self, size: int) -> Gradient:
        self.working += size
        return Gradient(Storage(size))

    def drop(self, gradient: Gradient) -> None:
        gradient.storage.holders -= 1
        if not gradient.storage.holders:
            self.working -= gradient.storage.size

    def receive(self, node: int, gradient: Gradient) -> None:
        """A value's gradients are summed up; in place where nobody else holds the first."""
        other = self.entering.get(node)
        if other is None:
            self.entering[node] = gradient
        elif other.whole and other.storage.holders == 1:
            self.drop(gradient)
        else:
            self.entering[node] = self.make(self.batch * self.tape.sizes[node])
            self.look(node)
            self.drop(other)
            self.drop(gradient)

    def free(self, entry: Entry) -> None:
        self.kept -= self.batch * entry.own + entry.once
        for id_ in entry.kept - self.tape.held.keys():
            self.holders[id_] -= 1
            if not self.holders[id_]:
                self.kept -= self.batch * self.tape.sizes[id_]
        if entry.params:
            self.users[entry.weights] -= 1
            if not self.users[entry.weights]:
                self.copies -= entry.copy
