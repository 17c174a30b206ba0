"""Calls of constructors in, pieces of Python out: layers, classes of the file, and sequences of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .expressions import Const, Expr
from .lines import Brackets, Generator, Piece, Prefixed
from .plan import Chain, Element, Entry, Given, Made, Make, Option, Repeat, Running
from .python_text import literal
from .ranges import bounds, made_of
from .readings import free, substitute, text

MANY = 3
"""As many equal layers of torch's in a row are a loop; of blocks, two."""


Reach = Callable[[str, bool], str]
"""How a module of another owner is reached, by its path; or a learned tensor of it."""


def construct(made: Made, reach: Reach) -> Piece:
    """A constructor call, of a chain whose entries all fit into one expression."""
    if isinstance(made, Make):
        call = Brackets(made.path, tuple(argument(given, reach) for given in made.given))
        return Brackets(made.within, (call,)) if made.within else call
    return Brackets("nn.Sequential", children(made.entries, reach))


def argument(given: Given, reach: Reach) -> Piece:
    value = reach(given.value, given.tensor) if isinstance(given.value, str) else text(given.value)
    return value if given.name is None else f"{given.name}={value}"


def children(entries: Sequence[Entry], reach: Reach) -> tuple[Piece, ...]:
    """The arguments of an `nn.Sequential`: its children, or one `OrderedDict` where they have names."""
    if is_keyed(entries):
        if len(entries) == 1 and isinstance(entries[0], Repeat):
            return (Brackets("OrderedDict", (generate(entries[0], reach),)),)
        pairs = [Brackets("", (literal(key), construct(made, reach))) for key, made in keyed(entries)]
        return (Brackets("OrderedDict", (Brackets("", tuple(pairs), "[]"),)),)
    pieces: list[Piece] = []
    for entry in gather(entries):
        if isinstance(entry, Repeat):
            pieces.append(Prefixed("*", Brackets("", (generate(entry, reach),))))
        elif isinstance(entry, Element):
            pieces.append(construct(entry.make, reach))
    return tuple(pieces)


def generate(entry: Repeat, reach: Reach) -> Generator:
    entry, numbers = bounds(entry)
    first = entry.entries[0]
    assert isinstance(first, Element)
    made = construct(first.make, reach)
    element = Brackets("", (key_text(first.key), made)) if first.key else made
    return Generator(element, clause(entry, numbers))


def key_text(key: str | Running) -> str:
    """The name of a child, as Python's text."""
    return literal(key) if isinstance(key, str) else f'f"{key.word}{{{text(key.number)}}}"'


def clause(entry: Repeat, numbers: str) -> str:
    read = any(entry.variable in names for names in map(names_of, entry.entries))
    return f"for {entry.variable if read else '_'} in {numbers}"


def names_of(entry: Entry) -> set[str]:
    match entry:
        case Element(key=Running(number=number), make=make):
            return names_in(make) | free(number)
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


def reads_modules(entry: Entry) -> bool:
    """Whether a module of another owner is passed on in it."""
    match entry:
        case Element(make=Make(given=given)):
            return any(isinstance(argument.value, str) for argument in given)
        case Element(make=Chain(entries=entries)) | Repeat(entries=entries):
            return any(map(reads_modules, entries))
        case Option(then=then, otherwise=otherwise):
            return any(map(reads_modules, (*then, *otherwise)))
    raise AssertionError(entry)


def gather(entries: Sequence[Entry]) -> list[Entry]:
    """Equal children in a row as a loop, a loop of such children among them."""
    runs: list[tuple[Entry, int]] = []
    for entry in entries:
        child, count = entry, 1
        if isinstance(entry, Repeat) and isinstance(entry.count, Const) and len(entry.entries) == 1:
            (inner,) = entry.entries
            if entry.variable not in names_of(inner):
                child, count = inner, entry.count.value
        if runs and runs[-1][0] == child and isinstance(child, Element):
            runs[-1] = child, runs[-1][1] + count
        else:
            runs.append((child, count))
    found: list[Entry] = []
    for child, count in runs:
        ours = (
            isinstance(child, Element)
            and isinstance(child.make, Make)
            and not child.make.path.startswith("nn.")
        )
        if count >= (2 if ours else MANY):
            found.append(Repeat("_", Const(count), (child,)))
        else:
            found.extend([child] * count)
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
        assert not isinstance(entry.key, Running)
        found.append((entry.key if entry.key is not None else str(number), entry.make))
    return found


def spell_out(entries: Iterable[Entry]) -> list[Entry]:
    """Loops of a constant count, written out."""
    found: list[Entry] = []
    for entry in entries:
        if isinstance(entry, Repeat) and isinstance(entry.count, Const):
            for number in range(entry.count.value):
                found.extend(
                    at_turn(inner, {entry.variable: Const(number)}) for inner in spell_out(entry.entries)
                )
        else:
            found.append(entry)
    return found


def at_turn(entry: Entry, names: dict[str, Expr]) -> Entry:
    assert isinstance(entry, Element)
    key = entry.key
    if isinstance(key, Running):
        number = substitute(key.number, names)
        key = f"{key.word}{number.value}" if isinstance(number, Const) else Running(key.word, number)
    return Element(key, made_at_turn(entry.make, names))


def made_at_turn(made: Made, names: dict[str, Expr]) -> Made:
    if isinstance(made, Chain):
        return Chain(tuple(at_turn(entry, names) for entry in spell_out(made.entries)))
    return made_of(made, lambda expr: substitute(expr, names))


def is_plain(entries: Sequence[Entry]) -> bool:
    """Whether the children can be written as one expression."""
    for entry in entries:
        if isinstance(entry, Option):
            return False
        if isinstance(entry, Repeat):
            if (
                len(entry.entries) != 1
                or not isinstance(entry.entries[0], Element)
                or not is_plain(entry.entries)
            ):
                return False
            if is_keyed(entries) and len(entries) > 1:
                return False
        elif isinstance(entry.make, Chain) and (
            not is_plain(entry.make.entries) or (is_keyed(entries) and len(entries) > 1)
        ):
            return False  # sequences with names are written one by one
    return True
