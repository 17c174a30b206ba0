"""What a person calls a spec in, its text out; texts in, whole files out: the one module that opens files."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from .dsl import ast
from .dsl.diagnostics import Unusable
from .dsl.encoding import decode
from .dsl.parser import parse_item
from .dsl.scan import scan
from .dsl.source import Source, Unread
from .training.disk import reason, writing

MAX_BYTES = 16 * 2**20
STDIN = "<stdin>"
NET_HEAD = re.compile(r"net[ \t]+(\w+)")


class Spec(Struct, frozen=True):
    """A text to compile: which net of it (None: the file's own), and where its `use` looks first."""

    source: Source
    net: str | None
    folder: Path | None
    """None: among the bundled specs only."""
    note: str = ""
    """What a person should know about how it was found."""

    def load(self, name: str, user: Source) -> Source | Unread:
        """The file of `use NAME` in `user`: beside the spec (unless `user` is bundled), or a bundled one; or
        why it cannot be read."""
        beside = None if is_bundled(user) else self.folder
        if beside is not None and (beside / f"{name}.net").is_file():
            try:
                return read_path(beside / f"{name}.net")
            except Unusable as error:
                return Unread(error.message, error.help)
        return read_bundled(name) or miss(name, beside, user.name)


def miss(name: str, folder: Path | None, user: str) -> Unread:
    """What to say of a `use` whose file is not there."""
    from .compiler.suggestions import suggest

    beside = (
        [] if folder is None else [path.stem for path in folder.glob("*.net") if path.name != Path(user).name]
    )
    where = "" if folder is None else "beside this file or "
    help = suggest(name, [*beside, *bundled_files()])
    return Unread(f"there is no `{name}.net` {where}among the bundled specs", help)


# --- the bundled specs --------------------------------------------------------------------------

BUNDLED = "netc/specs/"


def is_bundled(source: Source) -> bool:
    return source.name.startswith(BUNDLED)


@cache
def bundled_files() -> tuple[str, ...]:
    """The names of the bundled files, without `.net`, sorted."""
    return tuple(
        sorted(entry.name[:-4] for entry in files("netc.specs").iterdir() if entry.name.endswith(".net"))
    )


@cache
def read_bundled(name: str) -> Source | None:
    if name not in bundled_files():
        return None
    return Source(f"{BUNDLED}{name}.net", (files("netc.specs") / f"{name}.net").read_text(encoding="utf-8"))


def open_bundled(name: str) -> Spec:
    """All nets of a bundled file, also where one is named like it (`find_spec` means that one alone)."""
    source = read_bundled(name)
    assert source is not None, f"{name} is no bundled file"
    return Spec(source, None, None)


def read_page(code: str) -> str:
    """The page that explains a code of `dsl.codes`, as Markdown."""
    return (files("netc.errors") / f"{code}.md").read_text(encoding="utf-8")


def bundled_nets() -> dict[str, str]:
    """The nets of the bundled specs, templates too, each with its file; found without parsing."""
    nets: dict[str, str] = {}
    for file in bundled_files():
        for name in net_names(open_bundled(file).source):
            nets.setdefault(name, file)
    return nets


def net_names(source: Source, complete: bool = False) -> list[str]:
    """The nets that a text defines, by their heads; `complete`: those whose parameters all have defaults."""
    names = []
    for chunk in scan(source.text):
        head = NET_HEAD.match(source.text, chunk.start) if chunk.word == "net" else None
        if head and not (complete and is_template(source.text[chunk.start : chunk.end])):
            names.append(head[1])
    return names


def is_template(text: str) -> bool:
    """Whether the net of that text has parameters without a default."""
    tree = parse_item(text)[0]
    return isinstance(tree, ast.Net) and any(p.default is None and not p.rest for p in tree.parameters)


def find_bundled(name: str) -> tuple[Source, str | None] | None:
    """The bundled net of that name, or the bundled file of that name with None."""
    source = read_bundled(name)
    if source is not None:
        return source, name if name in net_names(source, complete=True) else None
    file = bundled_nets().get(name)
    found = read_bundled(file) if file else None
    return (found, name) if found else None


# --- from a name to a spec ----------------------------------------------------------------------


def find_spec(name: str) -> Spec:
    """The spec that a person means by `PATH`, `PATH:NET`, `NAME` or `-` (standard input).

    Raises `Unusable`.
    """
    path, net = split_name(name)
    if path == "-":
        return with_net(Spec(decode(read_data(Path("-")), STDIN), net, Path()))
    bare = path == Path(path).name and not path.endswith(".net")
    if os.path.exists(path) and not (bare and os.path.isdir(path)):
        return with_net(Spec(read_path(Path(path)), net, Path(path).parent))
    found = find_bundled(Path(path).name.removesuffix(".net"))
    if found is None:
        raise missing(path, bare)
    source, own = found
    note = "" if bare else f"{path} is not there; this is the bundled {source.name}"
    return with_net(Spec(source, net or own, None, note))


def with_net(spec: Spec) -> Spec:
    """The spec, whose text has the net that is named. Raises `Unusable`."""
    nets = net_names(spec.source)
    if spec.net is None or spec.net in nets or spec.source.garbled is not None:
        return spec
    from .compiler.suggestions import join, suggest

    help = suggest(spec.net, nets) or (f"its nets are {join(nets)}" if nets else "it defines no net")
    raise Unusable(f"there is no net `{spec.net}` in {spec.source.name}", help)


def find_specs(folder: str) -> list[str]:
    """The `.net` files in a folder and below, but for hidden ones."""
    found = []
    for inner, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(inner, name) for name in names if name.endswith(".net") and name[0] != "."]
    return sorted(found)


def split_name(name: str) -> tuple[str, str | None]:
    """`FILE:NET` in its two parts; a file whose name holds a colon is still that file."""
    path, colon, net = name.rpartition(":")
    if colon and path and net.isidentifier() and not os.path.exists(name):
        return path, net
    return name, None


def missing(path: str, bare: bool) -> Unusable:
    name = Path(path).name.removesuffix(".net")
    if bare and os.path.exists(f"{path}.net"):
        return Unusable(f"there is no bundled net `{path}`", f"did you mean the file `{path}.net`?")
    from .compiler.suggestions import suggest

    help = suggest(name, [*bundled_nets(), *bundled_files()]) or "`netc list` shows the bundled nets"
    if bare:
        return Unusable(f"there is no bundled net `{path}`, and no such file", help)
    return Unusable(f"there is no file `{path}`, and no bundled spec of that name", help)


# --- reading and writing ------------------------------------------------------------------------


def read_path(path: Path) -> Source:
    """The text of a file, named as it was given. Raises `Unusable`."""
    return decode(read_data(path), str(path))


def read_data(path: Path) -> bytes:
    """The bytes of a file; of standard input, where `path` is `-`. Raises `Unusable`."""
    name = str(path)
    if name == "-":
        if sys.stdin is None:  # as Python has it where a shell gives none
            raise Unusable("standard input is closed")
        return read_limited(sys.stdin.buffer.read, STDIN)
    try:
        with path.open("rb") as file:
            return read_limited(file.read, name)
    except IsADirectoryError:
        raise Unusable(f"`{name}` is a folder", f"name a file in it, such as `{path / 'NAME.net'}`") from None
    except OSError as error:
        raise Unusable(f"`{name}` cannot be read: {reason(error)}") from None


def read_limited(read: Callable[[int], bytes], name: str) -> bytes:
    data = read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Unusable(f"`{name}` is larger than {MAX_BYTES // 2**20} MiB, too large for a spec")
    return data


def write_file(path: str, content: str | bytes) -> None:
    """All of `content` or nothing: what stood there stays until the new file is whole. Raises `Unusable`."""
    data = content.encode() if isinstance(content, str) else content
    with writing(path) as file:
        file.write_bytes(data)
