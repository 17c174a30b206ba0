"""The plan of a class in; its base, and how its own modules are reached, out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from .kept import read_in_forward
from .plan import ClassPlan, Event, Family, Fork, Made, Make, Step, Tap
from .python_text import literal

OF_DICT = frozenset(("add_module", "clear", "items", "keys", "pop", "popitem", "update", "values"))
"""What `nn.ModuleDict` has beside what every module has: such a child needs another base."""


ACCESS = (("get_submodule", "add_module"), ("get_parameter", "register_parameter"))
"""How a module, and how a learned tensor, is read and set whose name cannot be an attribute."""


class Home(Struct, frozen=True):
    """A class from the inside. `classes` are those of the file, by name."""

    plan: ClassPlan
    base: str
    classes: Mapping[str, ClassPlan]

    def child(self, attribute: str, tensor: bool = False) -> str:
        if self.base == "nn.ModuleDict":
            return f"self[{literal(attribute)}]"
        if self.base == "nn.ModuleList":
            return f"self[{attribute}]"
        if attribute.isidentifier():
            return f"self.{attribute}"
        return f"self.{ACCESS[tensor][0]}({literal(attribute)})"

    def reach(self, path: str, tensor: bool = False) -> str:
        """A module, or a learned tensor, inside this one: `self.b1.conv1` where a checker can follow that."""
        if "." not in path:
            return self.child(path, tensor)
        return f"self.{path}" if self._is_typed(path) else f"self.{ACCESS[tensor][0]}({literal(path)})"

    def _is_typed(self, path: str) -> bool:
        """Whether every step of the path is an attribute that a constructor of this file sets."""
        plan: ClassPlan | None = self.plan
        for attribute in path.split("."):
            if plan is None or base_of(plan) != "nn.Module":
                return False
            made = find_made(plan.steps, attribute)
            if made is None:
                return False
            plan = self.classes.get(made.path) if isinstance(made, Make) else None
        return True


def find_made(steps: Iterable[Event], attribute: str) -> Made | None:
    """What the constructor sets `attribute` to, whichever conditions hold."""
    for step in steps:
        if isinstance(step, Step) and step.attribute == attribute and step.make is not None:
            return step.make
        if isinstance(step, Tap):
            made = find_made(step.steps, attribute)
            if made is not None:
                return made
    return None


def base_of(plan: ClassPlan) -> str:
    """`nn.Module`, unless children are called by numbers."""
    if plan.entries is not None:
        return "nn.Sequential"
    if plan.steps and isinstance(plan.steps[0], Family):
        return "nn.ModuleList" if plan.steps[0].key is None else "nn.ModuleDict"
    attributes: list[str] = []
    tensors = False
    plain = not read_in_forward(plan)[1]

    def visit(event: Event) -> None:
        nonlocal plain, tensors
        if isinstance(event, Step) and event.attribute is not None and event.make is not None:
            attributes.append(event.attribute)
            tensors = tensors or event.tensor
        plain = plain and not isinstance(event, Fork)

    plan.walk(visit)
    if tensors or all(attribute.isidentifier() for attribute in attributes):
        return "nn.Module"  # the lists and dicts of `nn` hold modules only
    if plain and attributes == [str(number) for number in range(len(attributes))]:
        return "nn.ModuleList"
    if OF_DICT.isdisjoint(attributes):
        return "nn.ModuleDict"
    return "nn.Module"
