"""The plan of a class in, the lines of its `__init__` out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET

from .children import (
    children,
    clause,
    construct,
    generate,
    is_keyed,
    is_plain,
    key_text,
    names_in,
    reads_modules,
)
from .expressions import unary
from .home import ACCESS, Home
from .kept import Kept, attributes_of
from .lines import STEP, Brackets, Piece, lay_out
from .plan import (
    Chain,
    ClassPlan,
    Element,
    Entry,
    Event,
    Family,
    Fork,
    Made,
    Make,
    Option,
    Parameter,
    Repeat,
    Step,
    Tap,
)
from .python_text import literal
from .ranges import bounds
from .readings import free, text

HELD = {"module": "nn.Module", "tensor": "nn.Parameter"}
"""The types of what another class owns."""


class Constructor:
    """Writes one `__init__`."""

    def __init__(self, plan: ClassPlan, home: Home, kept: Kept) -> None:
        self.plan, self.home, self.kept = plan, home, kept
        self.lines: list[str] = []
        self.lists: dict[str, str] = {}
        """The local names that have gathered children so far, with their types."""
        self.busy: set[str] = set()
        """Those that stand in a statement which is not written yet."""

    def write(self) -> list[str]:
        """The lines of the method, none where the class needs no constructor of its own."""
        plan = self.plan
        if plan.entries is not None:
            self._sequence(plan.entries, "super().__init__", 2)
        elif plan.steps and isinstance(plan.steps[0], Family):
            self._family(plan.steps[0])
        elif self.home.base == "nn.ModuleList" and not self.kept.held:
            self._list()
        else:
            self._say(2, "super().__init__()")
            for name, attribute in self.kept.stored.items():
                self._say(2, f"self.{attribute} = {name}")
            for name, attribute in self.kept.held.items():
                self._say(2, f"self.{attribute} = ({name},)  # in a tuple: its owner registers it")
            self._steps(plan.steps, 2)
        if self.lines == [f"{STEP * 2}super().__init__()"]:
            return []
        return [*signature(plan), *self.lines]

    def _say(self, indent: int, line: str) -> None:
        self.lines.append(STEP * indent + line)

    def _lay(self, piece: Piece, indent: int, before: str = "") -> None:
        self.lines.extend(lay_out(piece, indent, before))

    def _list(self) -> None:
        makes: list[Entry] = []

        def visit(event: Event) -> None:
            if isinstance(event, Step) and event.make is not None:
                makes.append(Element(None, event.make))

        self.plan.walk(visit)
        if is_plain(makes) and not any(map(reads_modules, makes)):
            self._lay(
                Brackets("super().__init__", (Brackets("", children(makes, self.home.reach), "[]"),)), 2
            )
            return
        self._say(2, "super().__init__()")
        for make in makes:
            assert isinstance(make, Element)
            self._call("self.append", (), make.make, 2)

    def _family(self, family: Family) -> None:
        if family.key is None:
            entry = Repeat(family.variable, family.count, (Element(None, family.make),))
            if is_plain(entry.entries):
                self._lay(Brackets("super().__init__", (generate(entry, self.home.reach),)), 2)
                return
        self._say(2, "super().__init__()")
        read = family.key is not None or family.variable in names_in(family.make)
        self._say(2, f"for {family.variable if read else '_'} in range({text(family.count)}):")
        if family.key is None:
            self._call("self.append", (), family.make, 3)
            return
        word, numbers = family.key
        name = word + "_".join(f"{{{text(number)}}}" for number in numbers)
        self._place(f'self[f"{name}"] = ', family.make, 3)

    def _steps(self, steps: Iterable[Event], indent: int, declared: frozenset[str] = frozenset()) -> None:
        for step in steps:
            match step:
                case Step(attribute=str(attribute), make=Chain() | Make() as make):
                    self._attribute(attribute, make, indent, attribute in declared)
                case Fork():
                    self._fork(step, indent, declared)
                case Tap(steps=inner):
                    self._steps(inner, indent, declared)

    def _attribute(self, attribute: str, make: Made, indent: int, declared: bool) -> None:
        if isinstance(make, Chain) and len(make.entries) == 1 and isinstance(make.entries[0], Option):
            option = make.entries[0]
            if not option.otherwise and self._fits_option(option.then):
                place = self.home.child(attribute)
                typed = f"{place}: nn.Module" if place.startswith("self.") else place
                self._say(indent, f"{typed} = nn.Identity()")
                self._say(indent, f"if {text(option.condition)}:")
                self._place(f"{place} = ", Chain(option.then), indent + 1)
                return
        place = self.home.child(attribute, isinstance(make, Make) and bool(make.within))
        for getter, setter in ACCESS:
            if place.startswith(f"self.{getter}("):
                self._call(f"self.{setter}", (literal(attribute),), make, indent)
                return
        typed = f"{place}: nn.Module" if declared and place.startswith("self.") else place
        self._place(f"{typed} = ", make, indent)

    def _fits_option(self, entries: Sequence[Entry]) -> bool:
        return bool(entries) and is_plain(entries)

    def _place(self, before: str, made: Made, indent: int) -> None:
        """`before made`, with what an expression cannot say written first."""
        busy = set(self.busy)
        self._lay(self._piece(made, indent), indent, before)
        self.busy = busy

    def _call(self, head: str, arguments: tuple[str, ...], made: Made, indent: int) -> None:
        """`head(arguments, made)`."""
        busy = set(self.busy)
        self._lay(Brackets(head, (*arguments, self._piece(made, indent))), indent)
        self.busy = busy

    def _piece(self, made: Made, indent: int) -> Piece:
        if isinstance(made, Chain) and not is_plain(made.entries):
            return Brackets("nn.Sequential", (self._build(made.entries, indent),))
        return construct(made, self.home.reach)

    def _sequence(self, entries: Sequence[Entry], head: str, indent: int) -> None:
        if is_plain(entries):
            self._lay(Brackets(head, children(entries, self.home.reach)), indent)
            return
        self._say(indent, f"{head}({self._build(entries, indent)})")

    def _build(self, entries: Sequence[Entry], indent: int) -> str:
        """Statements that gather children in a list, or a dict where they have names; how to pass it on."""
        if is_keyed(entries):
            name, declared = self._local("OrderedDict[str, nn.Module]")
            self._say(indent, f"{declared} = OrderedDict()")
            self._extend(name, entries, indent, True)
            return name
        name, declared = self._local("list[nn.Module]")
        head = []
        rest = list(entries)
        while rest and is_plain(rest[:1]):
            head.append(rest.pop(0))
        self._lay(Brackets("", children(head, self.home.reach), "[]"), indent, f"{declared} = ")
        self._extend(name, rest, indent, False)
        return f"*{name}"

    def _local(self, typed: str) -> tuple[str, str]:
        """A name for what gathers children, alone and as it is assigned first."""
        word = "layers" if "layers" not in {p.name for p in self.plan.parameters} else "children"
        name, number = word, 1
        while name in self.busy or self.lists.get(name, typed) != typed:
            number += 1
            name = f"{word}{number}"
        self.busy.add(name)
        if name in self.lists:
            return name, name
        self.lists[name] = typed
        return name, f"{name}: {typed}"

    def _extend(self, name: str, entries: Sequence[Entry], indent: int, named: bool) -> None:
        for entry in self._together(entries, named):
            match entry:
                case list():
                    busy = set(self.busy)
                    pieces = tuple(self._piece(element.make, indent) for element in entry)
                    self._lay(Brackets("", pieces, "[]"), indent, f"{name} += ")
                    self.busy = busy
                case Element(key=key, make=make) if named:
                    word = key_text(key) if key is not None else f"str(len({name}))"
                    self._place(f"{name}[{word}] = ", make, indent)
                case Element(make=make):
                    self._call(f"{name}.append", (), make, indent)
                case Repeat():
                    moved, numbers = bounds(entry)
                    self._say(indent, f"{clause(moved, numbers)}:")
                    self._extend(name, moved.entries, indent + 1, named)
                case Option(condition=condition, then=then, otherwise=otherwise):
                    self._say(indent, f"if {text(condition if then else unary('not', condition))}:")
                    self._extend(name, then or otherwise, indent + 1, named)
                    if then and otherwise:
                        self._say(indent, "else:")
                        self._extend(name, otherwise, indent + 1, named)

    def _together(self, entries: Sequence[Entry], named: bool) -> list[Entry | list[Element]]:
        """Children in a row without names are added in one statement."""
        found: list[Entry | list[Element]] = []
        for entry in entries:
            if named or not isinstance(entry, Element):
                found.append(entry)
            elif found and isinstance(found[-1], list):
                found[-1].append(entry)
            elif found and isinstance(found[-1], Element):
                found[-1] = [found[-1], entry]
            else:
                found.append(entry)
        return found

    def _fork(self, fork: Fork, indent: int, declared: frozenset[str]) -> None:
        sides = [attributes_of(fork.then), attributes_of(fork.otherwise)]
        flag = self.kept.flags[id(fork)]
        if flag.stores:
            self._say(indent, f"self.{flag.stores} = {text(flag.condition)}")
        as_kept = flag.stores or not free(flag.condition) <= self.kept.stored.keys()
        holds = flag.read if as_kept else flag.condition
        fails = unary("not", holds)
        if flag.negated:
            holds, fails = fails, holds
        both = declared | frozenset(sides[0] & sides[1])
        if sides[0]:
            self._say(indent, f"if {text(holds)}:")
            self._steps(fork.then, indent + 1, both)
            if sides[1]:
                self._say(indent, "else:")
                self._steps(fork.otherwise, indent + 1)
        elif sides[1]:
            self._say(indent, f"if {text(fails)}:")
            self._steps(fork.otherwise, indent + 1, declared)


def signature(plan: ClassPlan) -> list[str]:
    parameters = ["self", *(declare(parameter) for parameter in plan.parameters)]
    return lay_out(Brackets("def __init__", tuple(parameters)), 1, after=" -> None:")


def declare(parameter: Parameter) -> str:
    declared = f"{parameter.name}: {HELD.get(parameter.origin) or kind(parameter.values)}"
    return declared if parameter.default is UNSET else f"{declared} = {literal(parameter.default)}"


def kind(values: Sequence[object]) -> str:
    """The type of a parameter, from all its values."""
    found: list[str] = []
    for value in values:
        match value:
            case bool():
                name = "bool"
            case int():
                name = "int"
            case float():
                name = "float"
            case str():
                name = "str"
            case None:
                name = "None"
            case tuple():
                name = f"tuple[{', '.join(kind([entry]) for entry in value)}]" if value else "tuple[()]"
            case _:
                raise AssertionError(value)
        if name not in found:
            found.append(name)
    if len({name for name in found if name.startswith("tuple")}) > 1:
        inner = kind([entry for value in values if isinstance(value, tuple) for entry in value])
        found = [name for name in found if not name.startswith("tuple")] + [f"tuple[{inner}, ...]"]
    if "float" in found and "int" in found:
        found.remove("int")
    return " | ".join(sorted(found, key=lambda name: name == "None"))
