"""Stand-ins for torch: modules that remember how they were made, tensors that are nothing but what was done to them.

Two tensors to which the same was done have one number, so that what a module does can be compared with a graph.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Key = tuple[Any, ...]


class Ledger:
    """Numbers for what can be done to tensors. `positions` names the arguments of callees by place, `defaults`
    their defaults; `owners` names the layers that have weights."""

    def __init__(
        self, positions: Mapping[str, tuple[str, ...]], defaults: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.positions, self.defaults = positions, defaults
        self.owners: dict[int, str] = {}
        self.numbers: dict[Key, int] = {}
        self.parts: dict[int, tuple[int, ...]] = {}
        """The parts of a concatenation over channels, by its number."""

    def number(self, key: Key) -> int:
        return self.numbers.setdefault(
            key, len(self.numbers)
        )  # a key for each number, or more: none is given twice

    def equate(self, number: int | None, *keys: Key) -> int:
        """One number, the given one where there is one, for several ways to do the same."""
        known = (
            number
            if number is not None
            else next((self.numbers[key] for key in keys if key in self.numbers), len(self.numbers))
        )
        for key in keys:
            self.numbers.setdefault(key, known)
        return known

    def bind(self, path: str, arguments: Iterable[Any], named: Mapping[str, Any]) -> Key:
        """Arguments by name, without those that are defaults; sizes as one number where all are equal."""
        places = self.positions.get(path, ())
        found = {places[i] if i < len(places) else str(i): value for i, value in enumerate(arguments)}
        found.update(named)
        found.pop("inplace", None)
        defaults = self.defaults.get(path, {})
        return tuple(
            sorted(
                (name, repr(one(value)))
                for name, value in found.items()
                if name not in defaults or repr(one(value)) != repr(one(defaults[name]))
            )
        )

    def concatenate(self, values: Iterable[int]) -> int:
        """A concatenation over channels; one of concatenations is one of all their parts."""
        flat = tuple(part for value in values for part in self.parts.get(value, (value,)))
        number = self.number(("cat", *flat))
        self.parts[number] = flat
        return number


def one(value: Any) -> Any:
    if isinstance(value, tuple) and value and all(type(v) is type(value[0]) and v == value[0] for v in value):
        value = value[0]
    return (
        float(value) if type(value) is int else tuple(map(one, value)) if isinstance(value, tuple) else value
    )


class Overwritten(Exception):
    """A tensor that is still needed was overwritten."""


class Trace:
    """A tensor. `views` lie in its memory: what overwrites it overwrites them."""

    def __init__(self, ledger: Ledger, number: int) -> None:
        self.ledger, self._number = ledger, number
        self.overwritten = False
        self.views: list[Trace] = []

    @property
    def number(self) -> int:
        if self.overwritten:
            raise Overwritten("a tensor is read after it was overwritten")
        return self._number

    def overwrite(self) -> None:
        if not self.overwritten:
            self.overwritten = True
            for view in self.views:
                view.overwrite()

    def view(self, number: int) -> Trace:
        """Another tensor in the same memory."""
        found = Trace(self.ledger, number)
        found.views.append(self)
        self.views.append(found)
        return found

    def __repr__(self) -> str:
        """What arguments are compared by."""
        return f"tensor {self.number}"

    def made(self, *key: Any) -> Trace:
        return Trace(self.ledger, self.ledger.number(key))

    def __add__(self, other: Any) -> Trace:
        return self.made("+", self.number, plain(other))

    def __iadd__(self, other: Any) -> Trace:
        result = self + other
        self.overwrite()
        return result

    def __radd__(self, other: Any) -> Trace:
        return self.made("+", plain(other), self.number)

    def __mul__(self, other: Any) -> Trace:
        return self.made("*", self.number, plain(other))

    def __truediv__(self, other: Any) -> Trace:
        return self.made("/", self.number, plain(other))

    def __getitem__(self, index: Any) -> Trace:
        return self.made("[]", self.number, plain(index))

    def __iter__(self) -> Iterator[Trace]:
        return (self[index] for index in range(1_000_000))

    def __getattr__(self, name: str) -> Did:
        return Did(self, name)


class Did(Trace):
    """A method of a tensor that may yet be called."""

    def __init__(self, owner: Trace, name: str) -> None:
        super().__init__(owner.ledger, owner.ledger.number((".", name, owner.number)))
        self.name = name
        self.owner_number = owner.number

    def __call__(self, *arguments: Any) -> Trace:
        result = self.made("()", self.name, self.owner_number, *map(plain, arguments))
        return Parts(result, arguments[0]) if self.name == "chunk" else result


class Parts(Trace):
    """What `chunk` gives: so many tensors."""

    def __init__(self, whole: Trace, count: int) -> None:
        super().__init__(whole.ledger, whole.number)
        self.count = count

    def __iter__(self) -> Iterator[Trace]:
        return (self[index] for index in range(self.count))


def plain(value: Any) -> Any:
    """A value as a part of a key."""
    if isinstance(value, Trace):
        return ("tensor", value.number)
    if isinstance(value, slice):
        return ("slice", plain(value.start), plain(value.stop), plain(value.step))
    if isinstance(value, tuple | list):
        return tuple(map(plain, value))
    return repr(one(value))


class Module:
    """`nn.Module`, as far as constructors and `forward` use it."""

    def __init__(self) -> None:
        self.__dict__["_children"] = {}
        self.__dict__["training"] = True

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            self._children[name] = value
        else:
            self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        children = self.__dict__.get("_children", {})
        if name not in children:
            raise AttributeError(name)
        return children[name]

    def add_module(self, name: str, module: Module) -> None:
        self._children[name] = module

    def get_submodule(self, name: str) -> Module:
        child: Module = self._children[name]
        return child

    def __call__(self, *inputs: Any) -> Any:
        return self.forward(*inputs)  # type: ignore[attr-defined]

    def train(self, mode: bool) -> None:
        self.__dict__["training"] = mode
        for child in self._children.values():
            child.train(mode)

    def layers(self, path: str = "") -> Iterator[tuple[str, Layer]]:
        """The layers of torch's and the support's below, with their paths."""
        for name, child in self._children.items():
            below = f"{path}.{name}" if path else name
            if isinstance(child, Layer):
                yield below, child
            else:
                yield from child.layers(below)


class Children(Module):
    """What the containers of `nn` have in common."""

    def append(self, module: Module) -> None:
        self._children[str(len(self._children))] = module

    def __iter__(self) -> Iterator[Module]:
        return iter(self._children.values())

    def __getitem__(self, index: int) -> Module:
        return list(self._children.values())[index]


class Sequential(Children):
    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            self._children.update(modules[0])
        else:
            for module in modules:
                self.append(module)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class ModuleList(Children):
    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        for module in modules:
            self.append(module)


class ModuleDict(Module):
    def __getitem__(self, name: str) -> Module:
        child: Module = self._children[name]
        return child

    def __setitem__(self, name: str, module: Module) -> None:
        self._children[name] = module

    def values(self) -> Iterable[Module]:
        found: Iterable[Module] = self._children.values()
        return found


class Layer(Module):
    """A layer of torch's or the support's: its callee, its arguments, and what it makes of tensors."""

    def __init__(self, ledger: Ledger, path: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        super().__init__()
        flattens = path == "FlatLinear"
        path = "nn.Linear" if flattens else path
        self.__dict__.update(
            ledger=ledger,
            path=path,
            flattens=flattens,
            bound=ledger.bind(path, arguments, named),
            inplace=named.get("inplace", False),
        )

    def forward(self, *inputs: Trace) -> Trace:
        ledger: Ledger = self.ledger
        if self.path == "nn.Identity":
            return inputs[0]
        if self.path == "nn.Flatten":
            return inputs[0].view(ledger.number(("flatten", inputs[0].number)))
        name = ledger.owners.get(id(self), "")
        numbers = [x.number for x in inputs]
        if self.flattens:
            numbers[0] = ledger.number(("flatten", numbers[0]))
        result = Trace(ledger, ledger.number(layer_key(self.path, self.bound, name, numbers)))
        if self.inplace:
            inputs[0].overwrite()
        return result


def layer_key(path: str, bound: Key, name: str, inputs: Iterable[int]) -> Key:
    """`name` is the layer's own where it has weights."""
    return ("layer", path, bound, name, *inputs)


def function_key(path: str, bound: Key, inputs: Iterable[int]) -> Key:
    return ("function", path, bound, *inputs)


class Functions:
    """`nn`, `F` or `torch`: every attribute is a callee."""

    def __init__(self, prefix: str, make: Callable[[str], Any], known: Mapping[str, Any]) -> None:
        self.prefix, self.make, self.known = prefix, make, known

    def __getattr__(self, name: str) -> Any:
        return self.known[name] if name in self.known else self.make(f"{self.prefix}{name}")


def function(ledger: Ledger, path: str) -> Callable[..., Trace]:
    """A function of tensors."""

    def run(*arguments: Any, **named: Any) -> Trace:
        inputs: list[int] = []
        rest = list(arguments)
        first = rest[0] if rest else None
        if rest and isinstance(rest[0], list):
            inputs = [x.number for x in rest.pop(0)]
            if path == "torch.cat" and rest == [1]:
                return Trace(ledger, ledger.concatenate(inputs))
        while rest and isinstance(rest[0], Trace):
            inputs.append(rest.pop(0).number)
        if path == "torch.flatten" and rest == [1] and isinstance(first, Trace):
            return first.view(ledger.number(("flatten", *inputs)))
        bound = ledger.bind(path, [plain(v) if isinstance(v, Trace) else v for v in rest], named)
        result = Trace(ledger, ledger.number(function_key(path, bound, inputs)))
        if named.get("inplace") and isinstance(first, Trace):
            first.overwrite()
        return result

    return run


def namespace(ledger: Ledger, support: Iterable[str]) -> dict[str, Any]:
    """The names that a generated module imports or holds as support."""

    def layer(path: str) -> Callable[..., Layer]:
        return lambda *arguments, **named: Layer(ledger, path, arguments, named)

    def either(name: str) -> Callable[..., Any]:
        """A class or a function of the support: a function is called with tensors."""

        def call(*arguments: Any, **named: Any) -> Any:
            if any(isinstance(argument, Trace) for argument in arguments):
                return function(ledger, name)(*arguments, **named)
            return Layer(ledger, name, arguments, named)

        return call

    known = {"Module": Module, "Sequential": Sequential, "ModuleList": ModuleList, "ModuleDict": ModuleDict}
    return {
        "nn": Functions("nn.", layer, known),
        "F": Functions("F.", lambda path: function(ledger, path), {}),
        "torch": Functions("torch.", lambda path: function(ledger, path), {}),
        "Tensor": Trace,
        "OrderedDict": OrderedDict,
        "NamedTuple": NamedTuple,
        **{name: either(name) for name in support},
    }
