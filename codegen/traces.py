"""What is done to tensors in, numbers out: two tensors to which the same was done have one number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Key = tuple[Any, ...]


class Ledger:
    """Numbers for what can be done to tensors. `positions` names the arguments of callees by place,
    `defaults` their defaults; `owners` names the layers that have weights."""

    def __init__(
        self, positions: Mapping[str, tuple[str, ...]], defaults: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.positions, self.defaults = positions, defaults
        self.owners: dict[int, str] = {}
        self.numbers: dict[Key, int] = {}
        self.parts: dict[tuple[int, int], tuple[int, ...]] = {}
        """The parts of a concatenation, by its number and dimension."""

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
        """Arguments by name, with those that are defaults; sizes as one number where all are equal."""
        places = self.positions.get(path, ())
        found = {places[i] if i < len(places) else str(i): value for i, value in enumerate(arguments)}
        found.update(named)
        found.pop("inplace", None)
        complete = {**self.defaults.get(path, {}), **found}
        if "pool" in path.lower() and "stride" not in found:  # its default is each pool's own window
            complete["stride"] = complete.get("kernel_size")
        return tuple(sorted((name, repr(one(value))) for name, value in complete.items()))

    def concatenate(self, values: Iterable[int], dim: int) -> int:
        """A concatenation; one of concatenations over the same dimension is one of all their parts."""
        flat = tuple(part for value in values for part in self.parts.get((value, dim), (value,)))
        number = self.number(("cat", dim, *flat))
        self.parts[number, dim] = flat
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
        result = self.made("+", self.number, plain(other))
        self.overwrite()
        return result

    def __radd__(self, other: Any) -> Trace:
        return self.made("+", plain(other), self.number)

    def __mul__(self, other: Any) -> Trace:
        return self.made("*", self.number, plain(other))

    def __neg__(self) -> Trace:
        return self.__mul__(-1)

    def __sub__(self, other: Any) -> Trace:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Trace:
        return self.__neg__().__add__(other)

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
        if self.name not in ("chunk", "split_with_sizes"):
            return result
        return Parts(result, arguments[0] if self.name == "chunk" else len(arguments[0]))


class Parts(Trace):
    """What `chunk` and `split_with_sizes` give: so many tensors."""

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


def layer_key(path: str, bound: Key, name: str, inputs: Iterable[int]) -> Key:
    """`name` is the layer's own where it has weights."""
    return ("layer", path, bound, name, *inputs)


def function_key(path: str, bound: Key, inputs: Iterable[int]) -> Key:
    return ("function", path, bound, *inputs)
