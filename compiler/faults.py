"""How elaboration refuses: a fault in, a diagnostic with its calls out; what follows from it is silent."""

from __future__ import annotations

from itertools import accumulate

from ..dsl import ast
from ..dsl.diagnostics import Diagnostic, Edit, Note
from ..dsl.source import Place


class Fault(Exception):
    """A mistake at a place. Raised where it is found, caught by the statement in which it stands."""

    def __init__(
        self,
        code: str,
        message: str,
        place: Place,
        marked: str = "",
        causes: tuple[Note, ...] = (),
        help: str = "",
        fix: tuple[Edit, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.place = code, message, place
        self.marked, self.causes, self.help, self.fix = marked, causes, help, fix


class Silent(Exception):
    """What depends on something broken stops here without a word: the mistake has been reported."""


class Enough(Exception):
    """So many mistakes, or one in so many turns of a loop, that looking for more helps nobody."""


class Endless(Exception):
    """A recursion past its limit, which has been reported: of what stands in it, nothing more is said."""


class Poison:
    """The value of a statement that failed; whatever receives it fails silently."""

    def __repr__(self) -> str:
        return "POISON"


POISON = Poison()


class Report:
    """The diagnostics of one run, each place and code once, in the order of discovery."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._seen: set[tuple[str, str, int]] = set()

    def add(self, fault: Fault, calls: tuple[Note, ...] = ()) -> None:
        key = (fault.code, fault.place.source.name, fault.place.start)
        if key in self._seen:
            return
        self._seen.add(key)
        self.diagnostics.append(
            Diagnostic(
                code=fault.code,
                message=fault.message,
                place=fault.place,
                marked=fault.marked,
                causes=fault.causes,
                calls=calls,
                help=fault.help,
                fix=fault.fix,
            )
        )

    def has(self, code: str, place: Place) -> bool:
        """Whether such a mistake at this place was reported; then a further one is not."""
        return (code, place.source.name, place.start) in self._seen

    def forget(self, count: int) -> None:
        """All but the first `count`."""
        kept = self.diagnostics[:count]
        self.diagnostics[:] = kept
        self._seen = {(told.code, told.place.source.name, told.place.start) for told in kept}

    def take(self) -> list[Diagnostic]:
        """What was reported so far, which is then forgotten: the next net starts with a clean slate."""
        taken = list(self.diagnostics)
        self.diagnostics.clear()
        self._seen.clear()
        return taken

    @property
    def failed(self) -> bool:
        return any(diagnostic.is_error for diagnostic in self.diagnostics)


def inner_text_of(item: ast.Item, node: ast.Node) -> str:
    """The same without parentheses around all of it, as it would stand in those of a call."""
    text = text_of(item, node)
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depths = list(accumulate({"(": 1, ")": -1}.get(character, 0) for character in text))
    return text[1:-1] if min(depths[:-1]) > 0 else text


def text_of(item: ast.Item, node: ast.Node) -> str:
    """What the spec says at `node`, on one line."""
    return " ".join(item.source.text[item.offset + node.start : item.offset + node.end].split())
