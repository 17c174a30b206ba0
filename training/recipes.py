"""The entries of a `train`, and texts that replace them, in; a `Recipe` out, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from ..compiler.binding import Binding
from ..compiler.evaluate import alone, evaluate_alone
from ..compiler.faults import Enough, Fault, Silent, text_of
from ..compiler.frames import Argument
from ..compiler.program import FileScope
from ..compiler.provenance import place_of, text_of_argument
from ..compiler.refusals import locate
from ..compiler.unknown import refuse_parameter
from ..compiler.values import describe
from ..dsl import ast
from ..dsl.diagnostics import Diagnostic, Edit, Note
from ..dsl.source import Place
from ..ops.arguments import refuse_others, settle_values
from ..ops.base import Reject
from ..ops.fields import read_fields
from ..ops.settle import FOREIGN
from .entries import ENTRIES, OF_OPTIMIZERS, Entry
from .rules import Flaw, find_flaws, find_unreached
from .serving import review_targets
from .vocabulary import refuse_entry, refuse_expression, refuse_nothing, refuse_several, refuse_word
from .word import Word
from .words import Recipe


class Text(Protocol):
    """What is said under the name of an entry, in a `train` or an option: an expression of `item`."""

    @property
    def item(self) -> ast.Item: ...
    @property
    def expr(self) -> ast.Expr: ...


class Said(NamedTuple):
    """What a `train` says."""

    item: ast.Item
    expr: ast.Expr


class Reading(Struct, frozen=True, eq=False):
    """A recipe that was read, None where it has mistakes, and what was told: these, and warnings. `place` is
    that of its `train`, None where there is none."""

    recipe: Recipe | None
    diagnostics: tuple[Diagnostic, ...]
    place: Place | None = None


def read_recipe(
    scope: FileScope, train: ast.Item | None, overrides: Mapping[str, Text] | None = None
) -> Reading:
    """The recipe that `train`, an item of `scope`, describes, with `overrides` in place of its entries;
    beside entries these may name arguments of the optimizer. Without a `train`: the default one, overridden.
    What was reported of `scope` before is told with the rest."""
    return Reader(scope, train, overrides or {}).read()


def review_recipes(scope: FileScope) -> Iterator[Diagnostic]:
    """All that is wrong with the recipes of a file: with the nets that they name, and with their entries."""
    for fault in review_targets(scope):
        scope.report.add(fault)
    for item in scope.file.items:
        if isinstance(item.tree, ast.Train):
            yield from read_recipe(scope, item).diagnostics


class Reader:
    """Reads one recipe. Mistakes go to the report of the file."""

    def __init__(self, scope: FileScope, train: ast.Item | None, overrides: Mapping[str, Text]) -> None:
        self.scope, self.train, self.overrides = scope, train, overrides
        self.texts: dict[str, Text] = {}
        self.places: dict[str, list[Place]] = {}
        """Of the words of an entry."""
        self.broken = False

    def read(self) -> Reading:
        self.collect()
        values: dict[str, Any] = {}
        for name, entry in ENTRIES.items():
            values[name] = entry.default
            try:
                values[name] = self.read_entry(entry, self.texts.get(name))
            except Fault as fault:
                self.tell(fault)
            except (Silent, Enough):
                self.broken = True
        recipe = Recipe(**values)
        unreached: list[Diagnostic] = []
        for flaw in find_flaws(recipe):
            if flaw.entry in self.places:
                self.tell(Fault(flaw.code, flaw.message, self.place_of(flaw), help=flaw.help))
        if not self.broken:
            unreached = [self.warn(flaw) for flaw in find_unreached(recipe) if flaw.entry in self.places]
        told = self.scope.report.take()
        place = None if self.train is None else self.train.place(self.train.tree)
        return Reading(None if self.broken else recipe, (*told, *unreached), place)

    def tell(self, fault: Fault) -> None:
        self.broken = True
        self.scope.report.add(fault)

    def warn(self, flaw: Flaw) -> Diagnostic:
        return Diagnostic(flaw.code, flaw.message, self.place_of(flaw), help=flaw.help, severity="warning")

    def place_of(self, flaw: Flaw) -> Place:
        return self.places[flaw.entry][flaw.step]

    def collect(self) -> None:
        """The texts of all entries; each of them once."""
        if self.train is not None:
            self.collect_from(self.train)
        self.texts |= {name: text for name, text in self.overrides.items() if name in ENTRIES}

    def collect_from(self, item: ast.Item) -> None:
        assert isinstance(item.tree, ast.Train)
        seen: dict[str, ast.Name] = {}
        for entry in item.tree.entries:
            name, place = entry.name.id, item.place(entry.name)
            if name not in ENTRIES:
                self.tell(refuse_entry(name, place))
            elif name in seen:
                causes = (Note(item.place(seen[name]), "first here"),)
                message = f"this recipe has two entries `{name}`"
                help = "leave one of them out"
                self.tell(Fault("repeated-argument", message, place, "again here", causes, help))
            else:
                seen[name] = entry.name
                self.texts[name] = Said(item, entry.value)

    # --- entries ---

    def read_entry(self, entry: Entry, text: Text | None) -> Any:
        """The value of an entry. Raises `Fault`, or `Silent` where what is wrong was told."""
        if text is None:
            if entry.name == "optimizer" and any(name in self.overrides for name in OF_OPTIMIZERS):
                return self.read_word(type(entry.default), None, None)
            return entry.default
        if isinstance(text.expr, ast.Constant) and text.expr.value is None:
            if not entry.optional:
                raise refuse_nothing(entry, text.item.place(text.expr))
            return entry.nothing
        if entry.number is not None:
            return self.read_number(entry, text)
        steps = list(steps_of(text.expr))
        if len(steps) > 1 and not entry.chain:
            raise refuse_several(entry, text.item.place(steps[1]))
        words = list(self.read_steps(entry, text.item, steps))
        if len(words) < len(steps):
            raise Silent
        self.places[entry.name] = [text.item.place(step) for step in steps]
        return tuple(words) if entry.chain else words[0]

    def read_number(self, entry: Entry, text: Text) -> Any:
        assert entry.number is not None
        value = evaluate_alone(self.scope, text.item, text.expr)
        try:
            return entry.number.settle(value, entry.number, 0)
        except Reject as reject:
            message = str(reject).replace(FOREIGN, describe(value))
            help = reject.help.replace("...", text_of(text.item, text.expr))
            help = help.replace(f"{entry.name}=", f"{entry.name} ")
            if text.item is not self.train:
                help = without_default(help)
            raise Fault(reject.code, message, text.item.place(text.expr), help=help) from None

    def read_steps(self, entry: Entry, item: ast.Item, steps: Sequence[ast.Expr]) -> Iterator[Word]:
        """The words of a chain; those that are wrong are told and left out."""
        for step in steps:
            try:
                name = step.target if isinstance(step, ast.Call) else step
                if not isinstance(name, ast.Name):
                    raise refuse_expression(entry, item, step)
                if name.id not in entry.words:
                    raise refuse_word(entry, name.id, item.place(name))
                yield self.read_word(entry.words[name.id], item, step)
            except Fault as fault:
                self.tell(fault)
            except (Silent, Enough):
                self.broken = True

    # --- words ---

    def read_word(self, cls: type[Word], item: ast.Item | None, step: ast.Expr | None) -> Any:
        """The word of that class with the arguments that stand at `step`, if any do. Raises `Silent` where
        one is wrong, when all that are were told."""
        fields = read_fields(cls)
        arguments: dict[str, Argument] = {}
        lost = False
        if item is not None and isinstance(step, ast.Call):
            e, scope = alone(self.scope, item)
            binding = Binding(step, scope, list(fields), None, {}, f"`{cls.word()}`")
            try:
                binding.bind(e)
            except Silent:
                lost = True
            arguments = binding.result
        if cls.word() in ENTRIES["optimizer"].words:
            arguments |= self.read_of_optimizer(cls)
        values = {name: argument.value for name, argument in arguments.items()}
        try:
            word = cls(**settle_values(cls.word(), fields, values))
        except Reject as first:
            for reject in (first, *refuse_others(fields, values, first)):
                if not (lost and reject.code == "missing-argument"):  # perhaps it was given, by a wrong name
                    self.tell(self.refuse(reject, arguments, item, step))
            raise Silent from None
        if lost:
            raise Silent
        return word

    def read_of_optimizer(self, cls: type[Word]) -> dict[str, Argument]:
        """The arguments that options give the optimizer beside its entry."""
        given: dict[str, Argument] = {}
        known = list(read_fields(cls))
        for name in OF_OPTIMIZERS:
            if name in self.overrides:
                item, expr = self.overrides[name].item, self.overrides[name].expr
                if name not in known:
                    self.tell(refuse_parameter(item.place(expr), f"`{cls.word()}`", name, known))
                    continue
                e, _ = alone(self.scope, item)
                value = evaluate_alone(self.scope, item, expr)
                given[name] = Argument(value, expr, e.frame)
        return given

    def refuse(
        self,
        reject: Reject,
        arguments: Mapping[str, Argument],
        item: ast.Item | None,
        step: ast.Expr | None,
    ) -> Fault:
        """The fault for the word at `step`, at the argument that is blamed."""
        blamed = arguments.get(reject.blame)
        around = self.place_around(item, step)
        written = place_of(blamed)
        causes: tuple[Note, ...] = ()
        place = around
        if blamed is not None and written is not None and written.source is around.source:
            place, causes = locate(blamed, reject.blame, around)
        elif written is not None:
            place = written
        message = str(reject).replace(FOREIGN, describe(blamed.value if blamed is not None else None))
        help = reject.help.replace("...", text_of_argument(blamed) or "...")
        if reject.blame in self.overrides and place == written:
            help = without_default(help)
        if reject.code == "missing-argument" and not help and item is not None and step is not None:
            help = complete(item, step, reject.blame)
        fix = (Edit(place, reject.write),) if reject.write and place == written else ()
        return Fault(reject.code, message, place, "", causes, help, fix)

    def place_around(self, item: ast.Item | None, step: ast.Expr | None) -> Place:
        """The place of a word; of the default optimizer that of the first option that changes it."""
        if item is not None and step is not None:
            return item.place(step)
        first = next(self.overrides[name] for name in OF_OPTIMIZERS if name in self.overrides)
        return first.item.place(first.expr)


def complete(item: ast.Item, step: ast.Expr, lacking: str) -> str:
    """`sgd(momentum=0.9)` with the argument that it lacks."""
    called = step.target if isinstance(step, ast.Call) else step
    given = [text_of(item, argument) for argument in step.arguments] if isinstance(step, ast.Call) else []
    return f"write `{text_of(item, called)}({', '.join([f'{lacking}=...', *given])})`"


def without_default(help: str) -> str:
    """Of an option that is left out, the recipe says what it is."""
    return "; ".join(part for part in help.split("; ") if not part.startswith("left out"))


def steps_of(expr: ast.Expr) -> Iterator[ast.Expr]:
    """The steps of a chain, those of chains in parentheses too."""
    if isinstance(expr, ast.Chain):
        for step in expr.steps:
            yield from steps_of(step)
    else:
        yield expr
