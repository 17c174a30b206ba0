"""The plan of a class in, the lines of its `__init__` out, and where its children are found afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET, Struct

from .expressions import Const, Expr, Name, free, substitute, text
from .lines import STEP, Brackets, Generator, Piece, Prefixed, lay_out
from .plan import Chain, ClassPlan, Element, Entry, Event, Family, Fork, Given, Made, Make, Option, Parameter, Repeat, Step, Tap
from .python_text import literal

OF_DICT = frozenset(("add_module", "clear", "items", "keys", "pop", "popitem", "update", "values"))
"""What `nn.ModuleDict` has beside what every module has: such a child needs another home."""
OF_SEQUENTIAL = frozenset(("append", "extend", "insert", "pop"))
MANY = 3
"""As many equal layers of torch's in a row are a loop; of blocks, two."""


class Home(Struct, frozen=True):
    """The base of a class, and how its children are reached."""

    base: str

    def child(self, attribute: str) -> str:
        if self.base == "nn.ModuleDict":
            return f"self[{literal(attribute)}]"
        if self.base == "nn.ModuleList":
            return f"self[{attribute}]"
        if attribute.isidentifier():
            return f"self.{attribute}"
        return f"self.get_submodule({literal(attribute)})"


def home(plan: ClassPlan) -> Home:
    """`nn.Module`, unless children are called by numbers."""
    if plan.entries is not None:
        return Home("nn.Sequential")
    if plan.steps and isinstance(plan.steps[0], Family):
        return Home("nn.ModuleList" if plan.steps[0].key is None else "nn.ModuleDict")
    attributes: list[str] = []
    plain = not held(plan)

    def visit(event: Event) -> None:
        nonlocal plain
        if isinstance(event, Step) and event.attribute is not None and event.make is not None:
            attributes.append(event.attribute)
        plain = plain and not isinstance(event, Fork)

    plan.walk(visit)
    if all(attribute.isidentifier() for attribute in attributes):
        return Home("nn.Module")
    if plain and attributes == [str(number) for number in range(len(attributes))]:
        return Home("nn.ModuleList")
    if OF_DICT.isdisjoint(attributes):
        return Home("nn.ModuleDict")
    return Home("nn.Module")


# --- calls ---------------------------------------------------------------------------------------


def submodule(path: str) -> str:
    """A module inside this one by its path."""
    if "." not in path and path.isidentifier():
        return f"self.{path}"
    return f"self.get_submodule({literal(path)})"


def construct(made: Made) -> Piece:
    """A constructor call, of a chain whose entries all fit into one expression."""
    if isinstance(made, Make):
        return Brackets(made.path, tuple(map(argument, made.given)))
    return Brackets("nn.Sequential", children(made.entries))


def argument(given: Given) -> Piece:
    value = submodule(given.value) if isinstance(given.value, str) else text(given.value)
    return value if given.name is None else f"{given.name}={value}"


def children(entries: Sequence[Entry]) -> tuple[Piece, ...]:
    """The arguments of an `nn.Sequential`: its children, or one `OrderedDict` where they have names."""
    if is_keyed(entries):
        pairs = [Brackets("", (literal(key), construct(made))) for key, made in keyed(entries)]
        return (Brackets("OrderedDict", (Brackets("", tuple(pairs), "[]"),)),)
    pieces: list[Piece] = []
    for entry in gather(entries):
        if isinstance(entry, Repeat):
            pieces.append(Prefixed("*", Brackets("", (generate(entry),))))
        elif isinstance(entry, Element):
            pieces.append(construct(entry.make))
    return tuple(pieces)


def generate(entry: Repeat) -> Generator:
    first = entry.entries[0]
    assert isinstance(first, Element)
    return Generator(construct(first.make), clause(entry))


def clause(entry: Repeat | Family) -> str:
    read = any(entry.variable in names for names in map(names_of, entry.entries)) if isinstance(entry, Repeat) else True
    return f"for {entry.variable if read else '_'} in range({text(entry.count)})"


def names_of(entry: Entry) -> set[str]:
    match entry:
        case Element(make=make):
            return names_in(make)
        case Repeat(count=count, entries=entries):
            return free(count).union(*map(names_of, entries))
        case Option(condition=condition, then=then, otherwise=otherwise):
            return free(condition).union(*map(names_of, (*then, *otherwise)))


def names_in(made: Made) -> set[str]:
    if isinstance(made, Chain):
        return set().union(*map(names_of, made.entries))
    return set().union(*(free(given.value) for given in made.given if not isinstance(given.value, str)))


def gather(entries: Sequence[Entry]) -> list[Entry]:
    """Equal children in a row as a loop."""
    found: list[Entry] = []
    at = 0
    while at < len(entries):
        entry, count = entries[at], 1
        if isinstance(entry, Element):
            while at + count < len(entries) and entries[at + count] == entry:
                count += 1
            ours = isinstance(entry.make, Make) and not entry.make.path.startswith("nn.")
            if count >= (2 if ours else MANY):
                entry = Repeat("_", Const(count), (entry,))
            else:
                count = 1
        found.append(entry)
        at += count
    return found


def is_keyed(entries: Sequence[Entry]) -> bool:
    """Whether some child has a name of its own."""
    for entry in entries:
        match entry:
            case Element(key=key):
                if key is not None:
                    return True
            case Repeat(entries=inner):
                if is_keyed(inner):
                    return True
            case Option(then=then, otherwise=otherwise):
                if is_keyed((*then, *otherwise)):
                    return True
    return False


def keyed(entries: Sequence[Entry]) -> list[tuple[str, Made]]:
    """The children with their names: numbers where a label gives none."""
    found: list[tuple[str, Made]] = []
    for number, entry in enumerate(spell_out(entries)):
        assert isinstance(entry, Element)
        found.append((entry.key if entry.key is not None else str(number), entry.make))
    return found


def spell_out(entries: Iterable[Entry]) -> list[Entry]:
    """Loops of a constant count, written out."""
    found: list[Entry] = []
    for entry in entries:
        if isinstance(entry, Repeat) and isinstance(entry.count, Const):
            for number in range(entry.count.value):
                found.extend(at_turn(inner, {entry.variable: Const(number)}) for inner in spell_out(entry.entries))
        else:
            found.append(entry)
    return found


def at_turn(entry: Entry, names: dict[str, Expr]) -> Entry:
    assert isinstance(entry, Element)
    return Element(entry.key, made_at_turn(entry.make, names))


def made_at_turn(made: Made, names: dict[str, Expr]) -> Made:
    if isinstance(made, Chain):
        return Chain(tuple(at_turn(entry, names) for entry in spell_out(made.entries)))
    given = tuple(
        entry if isinstance(entry.value, str) else Given(entry.name, substitute(entry.value, names)) for entry in made.given
    )
    return Make(made.path, given)


def is_plain(entries: Sequence[Entry]) -> bool:
    """Whether the children can be written as one expression."""
    for entry in entries:
        if isinstance(entry, Option):
            return False
        if isinstance(entry, Repeat):
            if len(entry.entries) != 1 or not isinstance(entry.entries[0], Element) or not is_plain(entry.entries):
                return False
            if is_keyed(entries) and not isinstance(entry.count, Const):
                return False
        elif isinstance(entry.make, Chain) and not is_plain(entry.make.entries):
            return False
    return True


# --- statements ----------------------------------------------------------------------------------


class Constructor:
    """Writes one `__init__`. `stored` are the parameters that `forward` reads, `flags` the conditions by fork."""

    def __init__(self, plan: ClassPlan, stored: Sequence[str], flags: dict[int, str]) -> None:
        self.plan, self.stored, self.flags = plan, stored, flags
        self.home = home(plan)
        self.lines: list[str] = []
        self.lists = 0

    def write(self) -> list[str]:
        """The lines of the method, none where the class needs no constructor of its own."""
        plan = self.plan
        if plan.entries is not None:
            self._sequence(plan.entries, "super().__init__", 2)
        elif plan.steps and isinstance(plan.steps[0], Family):
            self._family(plan.steps[0])
        elif self.home.base == "nn.ModuleList" and not held(plan):
            self._list()
        else:
            self._say(2, "super().__init__()")
            for name in self.stored:
                self._say(2, f"self.{name} = {name}")
            for name in held(plan):
                self._say(2, f"self.{name} = ({name},)  # in a tuple: its owner registers it")
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
        if is_plain(makes):
            self._lay(Brackets("super().__init__", (Brackets("", children(makes), "[]"),)), 2)
            return
        self._say(2, "super().__init__()")
        for make in makes:
            assert isinstance(make, Element)
            self._place("self.append(", make.make, 2, ")")

    def _family(self, family: Family) -> None:
        if family.key is None:
            entry = Repeat(family.variable, family.count, (Element(None, family.make),))
            if is_plain(entry.entries):
                self._lay(Brackets("super().__init__", (generate(entry),)), 2)
                return
        self._say(2, "super().__init__()")
        read = family.key is not None or family.variable in names_in(family.make)
        self._say(2, f"for {family.variable if read else '_'} in range({text(family.count)}):")
        if family.key is None:
            self._place("self.append(", family.make, 3, ")")
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
        place = self.home.child(attribute)
        if place.startswith("self.get_submodule"):
            self._place(f"self.add_module({literal(attribute)}, ", make, indent, ")")
            return
        typed = f"{place}: nn.Module" if declared and place.startswith("self.") else place
        self._place(f"{typed} = ", make, indent)

    def _fits_option(self, entries: Sequence[Entry]) -> bool:
        return bool(entries) and is_plain(entries)

    def _place(self, before: str, made: Made, indent: int, after: str = "") -> None:
        """`before made after`, with what an expression cannot say written first."""
        if isinstance(made, Chain) and not is_plain(made.entries):
            name = self._build(made.entries, indent)
            self._say(indent, f"{before}nn.Sequential({name}){after}")
            return
        if isinstance(made, Chain) and len(made.entries) == 0:
            made = Make("nn.Sequential")
        self.lines.extend(lay_out(construct(made), indent, before, after))

    def _sequence(self, entries: Sequence[Entry], head: str, indent: int) -> None:
        if is_plain(entries):
            self._lay(Brackets(head, children(entries)), indent)
            return
        self._say(indent, f"{head}({self._build(entries, indent)})")

    def _build(self, entries: Sequence[Entry], indent: int) -> str:
        """Statements that gather children in a list, or a dict where they have names; how to pass it on."""
        self.lists += 1
        name = "layers" if "layers" not in {p.name for p in self.plan.parameters} else "children"
        if self.lists > 1:
            name += str(self.lists)
        if is_keyed(entries):
            self._say(indent, f"{name}: OrderedDict[str, nn.Module] = OrderedDict()")
            self._extend(name, entries, indent, True)
            return name
        head = []
        rest = list(entries)
        while rest and is_plain(rest[:1]):
            head.append(rest.pop(0))
        self.lines.extend(lay_out(Brackets("", children(head), "[]"), indent, f"{name}: list[nn.Module] = "))
        self._extend(name, rest, indent, False)
        return f"*{name}"

    def _extend(self, name: str, entries: Sequence[Entry], indent: int, named: bool) -> None:
        for entry in entries:
            match entry:
                case Element(key=key, make=make) if named:
                    word = literal(key) if key is not None else f"str(len({name}))"
                    self._place(f"{name}[{word}] = ", make, indent)
                case Element(make=make):
                    self._place(f"{name}.append(", make, indent, ")")
                case Repeat(entries=inner):
                    self._say(indent, f"{clause(entry)}:")
                    self._extend(name, inner, indent + 1, named)
                case Option(condition=condition, then=then, otherwise=otherwise):
                    if not then:
                        self._say(indent, f"if not ({text(condition)}):")
                        self._extend(name, otherwise, indent + 1, named)
                        continue
                    self._say(indent, f"if {text(condition)}:")
                    self._extend(name, then, indent + 1, named)
                    if otherwise:
                        self._say(indent, "else:")
                        self._extend(name, otherwise, indent + 1, named)

    def _fork(self, fork: Fork, indent: int, declared: frozenset[str]) -> None:
        sides = [attributes_of(fork.then), attributes_of(fork.otherwise)]
        flag = self.flags.get(id(fork))
        condition = text(fork.condition)
        if flag is not None:
            self._say(indent, f"self.{flag} = {condition}")
            condition = f"self.{flag}"
        both = declared | frozenset(sides[0] & sides[1])
        if sides[0]:
            self._say(indent, f"if {condition}:")
            self._steps(fork.then, indent + 1, both)
            if sides[1]:
                self._say(indent, "else:")
                self._steps(fork.otherwise, indent + 1)
        elif sides[1]:
            self._say(indent, f"if not {condition}:")
            self._steps(fork.otherwise, indent + 1, declared)


def held(plan: ClassPlan) -> list[str]:
    """The parameters that bring a shared module which `forward` calls."""
    found: list[str] = []

    def visit(event: Event) -> None:
        if isinstance(event, Step) and event.holder is not None and event.holder not in found:
            found.append(event.holder)

    plan.walk(visit)
    return found


def attributes_of(steps: Iterable[Event]) -> set[str]:
    found: set[str] = set()
    for step in steps:
        if isinstance(step, Step) and step.attribute is not None and step.make is not None:
            found.add(step.attribute)
        elif isinstance(step, Fork):
            found |= attributes_of(step.then) | attributes_of(step.otherwise)
    return found


def signature(plan: ClassPlan) -> list[str]:
    parameters = ["self", *(declare(parameter) for parameter in plan.parameters)]
    return lay_out(Brackets("def __init__", tuple(parameters)), 1, after=" -> None:")


def declare(parameter: Parameter) -> str:
    declared = f"{parameter.name}: {'nn.Module' if parameter.origin == 'module' else kind(parameter.values)}"
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


__all__ = ["Constructor", "Home", "Name", "construct", "home"]
