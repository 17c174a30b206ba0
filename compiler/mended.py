"""An item in, whether what it says of nets may rest on a slip that was mended only to be read on, out."""

from __future__ import annotations

from ..dsl import ast
from .program import FileScope
from .references import words_in


def rests_on_mended(item: ast.Item, scope: FileScope) -> bool:
    """Whether what it says of a net may follow from how a slip was mended. Told from the words alone, so it
    may be said of more than is so."""
    seen = {item}
    todo = [(item, scope)]
    while todo:
        item, scope = todo.pop()
        if item.mended:
            return True
        for word in words_in(item):
            home, name = scope, word
            while name not in home.definitions and (taken := home.imports.get(name)) is not None:
                if taken.use.mended:
                    return True
                home, name = taken.scope, taken.name
            found = home.definitions.get(name)
            if found is not None and found not in seen:
                seen.add(found)
                todo.append((found, home))
    return False
