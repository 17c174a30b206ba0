"""Stand-ins for torch: modules that remember how they were made, tensors that are nothing but what was done
to them.

Two tensors to which the same was done have one number, so that what a module does can be compared with a
graph.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..ops.arithmetic import divisible
from .traces import Ledger, Trace, function_key, layer_key, plain


class Parameter(Trace):
    """`nn.Parameter`: a tensor that gets a number of its own with its name."""

    path = "nn.Parameter"

    def __init__(self, data: Trace) -> None:
        super().__init__(data.ledger, data.number)

    def name(self, path: str) -> None:
        self._number = self.ledger.number(("parameter", path, self._number))


class Module:
    """`nn.Module`, as far as constructors and `forward` use it."""

    def __init__(self) -> None:
        self.__dict__["_modules"] = {}
        self.__dict__["_parameters"] = {}
        self.__dict__["training"] = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ or (name in self._modules and not isinstance(value, Module)):
            raise AttributeError(f"`{name}` is two things")
        if isinstance(value, Module):
            self._modules[name] = value
        elif isinstance(value, Parameter):
            self._parameters[name] = value
        else:
            self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        children = {**self.__dict__.get("_modules", {}), **self.__dict__.get("_parameters", {})}
        if name not in children:
            raise AttributeError(name)
        return children[name]

    def add_module(self, name: str, module: Module) -> None:
        self._modules[name] = module

    def get_submodule(self, name: str) -> Module:
        child = self
        for part in name.split("."):
            child = child._modules[part]
        return child

    def register_parameter(self, name: str, parameter: Parameter) -> None:
        self._parameters[name] = parameter

    def get_parameter(self, name: str) -> Parameter:
        owner, _, last = name.rpartition(".")
        found: Parameter = (self.get_submodule(owner) if owner else self)._parameters[last]
        return found

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return self.forward(*inputs, **named)

    def train(self, mode: bool) -> None:
        self.__dict__["training"] = mode
        for child in self._modules.values():
            child.train(mode)


def layers_of(module: Module, path: str = "") -> Iterator[tuple[str, Layer | Parameter]]:
    """The layers of torch's and the support's below, and the learned tensors, with their paths."""
    for name, parameter in module._parameters.items():
        yield f"{path}.{name}" if path else name, parameter
    for name, child in module._modules.items():
        below = f"{path}.{name}" if path else name
        if isinstance(child, Layer):
            yield below, child
        else:
            yield from layers_of(child, below)


class Children(Module):
    """What the containers of `nn` have in common."""

    def append(self, module: Module) -> None:
        self._modules[str(len(self._modules))] = module

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: int) -> Module:
        children: list[Module] = list(self._modules.values())
        return children[index]


class Sequential(Children):
    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            self._modules.update(modules[0])
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
        child: Module = self._modules[name]
        return child

    def __setitem__(self, name: str, module: Module) -> None:
        self._modules[name] = module

    def values(self) -> Iterable[Module]:
        found: Iterable[Module] = self._modules.values()
        return found


class Layer(Module):
    """A layer of torch's or the support's: its callee, its arguments, and what it makes of tensors."""

    def __init__(
        self,
        ledger: Ledger,
        path: str,
        arguments: tuple[Any, ...],
        named: dict[str, Any],
        owner: str | None = None,
    ) -> None:
        super().__init__()
        flattens = path == "FlatLinear"
        path = "nn.Linear" if flattens else path
        self.__dict__.update(
            ledger=ledger,
            path=path,
            flattens=flattens,
            bound=ledger.bind(path, arguments, named),
            inplace=named.get("inplace", False),
            owner=owner,
        )

    def forward(self, *inputs: Trace, **named: Any) -> Trace:
        ledger: Ledger = self.ledger
        if self.path == "nn.Identity":
            return inputs[0]
        if self.path == "nn.Flatten":
            return inputs[0].view(ledger.number(("flatten", inputs[0].number)))
        name = self.owner if self.owner is not None else ledger.owners.get(id(self), "")
        numbers = [x.number for x in inputs]
        if self.flattens:
            numbers[0] = ledger.number(("flatten", numbers[0]))
        key = layer_key(self.path, self.bound, name, numbers)
        further = tuple((name, plain(value)) for name, value in sorted(named.items()))
        result = Trace(ledger, ledger.number((*key, *further)))
        if self.inplace:
            inputs[0].overwrite()
        return result


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
            if path == "torch.cat" and len(rest) == 1:
                return Trace(ledger, ledger.concatenate(inputs, rest[-1]))
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

    known = {
        "Module": Module,
        "Parameter": Parameter,
        "Sequential": Sequential,
        "ModuleList": ModuleList,
        "ModuleDict": ModuleDict,
    }
    return {
        "nn": Functions("nn.", layer, known),
        "F": Functions("F.", lambda path: function(ledger, path), {}),
        "torch": Functions("torch.", lambda path: function(ledger, path), {}),
        "Tensor": Trace,
        "OrderedDict": OrderedDict,
        "NamedTuple": NamedTuple,
        **{name: either(name) for name in support},
        "divisible": divisible,
    }
