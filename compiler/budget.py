"""A graph and how it is trained in; the bytes that a step of training holds at its fullest out.

`memory.train` adds up what backward needs for one image. Here the step itself is walked through: backward
goes over the layers from last to first, frees what each kept, and makes the gradients of its parameters and
of what entered it, as PyTorch's autograd engine does. What is there at the fullest moment is what a GPU's
allocator must hand out, but for the workspaces of cuDNN and cuBLAS.

In mixed precision autocast decides each layer's width (`Op.autocast`), and convolutions and fully connected
layers compute with 16-bit copies of their weights, which live until their backward.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .cost import count
from .graph import Graph, Node
from .inplace import inplace
from .shapes import Shapes
from .weights import tensors

HALF, FLOAT, LONG = 2, 4, 8


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


# --- forward: what it leaves -----------------------------------------------------------------------

How = Literal["same", "part", "new"]
"""The gradient of an input: the very one that came, a part of its memory, or one of its own."""


class Way(Struct, frozen=True):
    """That a layer's backward gives a gradient to the node `source`: `size` bytes for one image."""

    source: int
    how: How
    size: int


class Entry(Struct, frozen=True):
    """What backward finds of a layer: bytes for one image, but `once`, `params` (a number) and `copy`.

    `kept` are the nodes whose memory the layer keeps, `own` and `once` what it keeps besides; `passing` is
    needed for a moment. `weights` is the owner of its parameters, of which `copy` is the 16-bit copy.
    """

    node: int
    ways: tuple[Way, ...]
    kept: frozenset[int]
    own: int
    once: int
    passing: int
    weights: int
    params: int
    copy: int


class Tape(Struct, frozen=True):
    """The entries in the order of forward and, in bytes for one image, each value's gradient and what the
    caller holds on to (`held`); `weights` and `params` are there once. `outputs` are those that learn, with
    their elements."""

    entries: tuple[Entry, ...]
    sizes: Mapping[int, int]
    held: Mapping[int, int]
    outputs: Mapping[int, int]
    weights: int
    params: int


def record(graph: Graph, shapes: Shapes, mixed: bool, gpu: bool) -> Tape:
    """A forward pass in training."""
    overwriting = inplace(graph, shapes)
    costs = count(graph, shapes)
    width: dict[int, int] = {}
    memory: dict[int, int] = {}
    entries: dict[int, Entry] = {}
    results = graph.ancestors(port.node for port in graph.results)
    for node in sorted(graph, key=lambda node: node.id not in results):  # auxiliary heads run at the end
        inputs = graph.inputs(node.id)
        over = node.id in overwriting
        width[node.id] = width[inputs[0]] if over else widen(node, [width[i] for i in inputs], shapes, mixed)
        memory[node.id] = memory[inputs[0]] if over or node.op.alias else node.id
        params = costs.nodes[node.weights].params
        if not params and entries.keys().isdisjoint(inputs):
            continue  # before all parameters

        wide = width[node.id]
        rule = node.op.saved_inplace if over else node.op.saved
        saved = rule([shapes[source] for source in inputs], shapes[node.id])
        kept = {memory[node.id]} if saved.output else set()
        mask = saved.mask if gpu else 0
        own = (saved.extra - saved.indices - saved.once - mask) * wide // FLOAT
        own += saved.indices + mask // FLOAT
        for source in (inputs[slot] for slot in saved.inputs):
            if node.op.autocast == "widest" or width[source] in (wide, LONG):
                kept.add(memory[source])
            else:
                own += wide * shapes[source].elements  # what autocast made of it
        learning = [source for source in inputs if source in entries]
        entries[node.id] = Entry(
            node.id,
            tuple(hand_on(graph, node, source, shapes, width) for source in learning),
            frozenset(kept),
            own,
            saved.once,
            pass_through(node, learning, shapes, width, params),
            node.weights,
            params,
            HALF * params if mixed and node.op.autocast == "half" else 0,
        )

    outputs = {port.node: shapes[port.node].elements for port in graph.outputs if port.node in entries}
    held = {memory[id_] for id_ in outputs} | {node.id for node in graph if node.op.family == "input"}
    sizes = {id_: wide * shapes[id_].elements for id_, wide in width.items()}
    return Tape(
        tuple(entries.values()),
        sizes,
        {id_: sizes[id_] for id_ in held},
        outputs,
        FLOAT * sum(prod(shape) for _, shape in tensors(graph, shapes)),
        costs.total.params,
    )


def widen(node: Node, inputs: list[int], shapes: Shapes, mixed: bool) -> int:
    """The bytes of a number of the layer's output."""
    if shapes[node.id].dtype == "int64":
        return LONG
    if not mixed or node.op.family == "input" or node.op.autocast == "full":
        return FLOAT
    return HALF if node.op.autocast == "half" else max(inputs)


def hand_on(graph: Graph, node: Node, source: int, shapes: Shapes, width: Mapping[int, int]) -> Way:
    """How the gradient of an input comes from that of the output."""
    size = width[source] * shapes[source].elements
    how: How = "new"
    if width[source] == width[node.id]:
        if node.op.name == "concat":
            how = "part"
        elif node.op.name == "add" or (node.op.alias and shapes[source].elements == shapes[node.id].elements):
            how = "same"
    if node.op.parts > 1 and any(reader > node.id for reader, _ in graph.readers(source)):
        size = 0  # the gradients of the parts are joined once
    return Way(source, how, size)


def pass_through(
    node: Node, learning: list[int], shapes: Shapes, width: Mapping[int, int], params: int
) -> int:
    """What the layer's backward needs for a moment: gradients before they are cast or summed up, and those of
    a maximum that several share (a mask, the shares, and the gradient before it has the input's shape)."""
    wide, output = width[node.id], shapes[node.id]
    cast = max((wide * shapes[i].elements for i in learning if width[i] != wide), default=0)
    spread = node.op.name == "mul" and any(shapes[i].elements < output.elements for i in learning)
    summed = spread or (params and node.op.family == "elementwise")
    shared = 7 * wide * sum(shapes[i].elements for i in learning) // 4 if node.op.name == "maxout" else 0
    return cast + (wide * output.elements if summed else 0) + shared


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
