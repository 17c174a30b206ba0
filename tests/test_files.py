"""How specs are found and read, and how files are written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from netc import files
from netc.dsl.diagnostics import Unusable
from netc.dsl.parser import parse
from netc.dsl.source import Source, Unread
from netc.files import find_spec, write_file

NET = "net small { input 1x8x8; relu }\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Three bundled specs in place of the real ones."""
    texts = {
        "family": 'net family(n) { relu }\nnet one = family(1)\n""" \nnet two of these """\n',
        "lone": NET.replace("small", "lone"),
        "std": "block unit { relu }\n",
    }

    def read(name: str) -> Source | None:
        return Source(f"netc/specs/{name}.net", texts[name]) if name in texts else None

    monkeypatch.setattr(files, "bundled_files", lambda: tuple(sorted(texts)))
    monkeypatch.setattr(files, "read_bundled", read)
    return texts


def test_a_path_is_read_and_named_as_it_was_given(folder: Path) -> None:
    (folder / "a.net").write_text(NET)
    spec = find_spec("a.net")
    assert (spec.source.name, spec.source.text, spec.net, spec.note) == ("a.net", NET, None, "")


def test_the_net_stands_after_a_colon(folder: Path) -> None:
    (folder / "a.net").write_text(NET)
    assert find_spec("a.net:small").net == "small"


def test_a_file_with_a_colon_in_its_name_is_that_file(folder: Path) -> None:
    (folder / "a:b").write_text(NET)
    assert find_spec("a:b").net is None


def test_a_bare_name_is_a_bundled_net(folder: Path, bundled: dict[str, str]) -> None:
    spec = find_spec("one")
    assert (spec.source.text, spec.net, spec.note) == (bundled["family"], "one", "")


def test_a_bare_name_may_be_a_bundled_file(folder: Path, bundled: dict[str, str]) -> None:
    assert find_spec("lone").net == "lone"
    assert find_spec("family:one").net == "one"


def test_a_folder_does_not_hide_a_bundled_net(folder: Path, bundled: dict[str, str]) -> None:
    (folder / "one").mkdir()
    assert find_spec("one").source.text == bundled["family"]


@pytest.mark.parametrize("path", ["specs/one.net", "nowhere/one", "one.net"])
def test_a_path_that_is_not_there_falls_back_to_the_bundled_spec_and_says_so(
    folder: Path, bundled: dict[str, str], path: str
) -> None:
    spec = find_spec(path)
    assert spec.net == "one"
    assert path in spec.note
    assert "netc/specs/family.net" in spec.note


def test_an_unknown_name_suggests_a_near_one(folder: Path, bundled: dict[str, str]) -> None:
    with pytest.raises(Unusable) as caught:
        find_spec("lonne")
    assert caught.value.help == "did you mean `lone`?"
    (folder / "mine.net").write_text(NET)
    with pytest.raises(Unusable) as caught:
        find_spec("mine")
    assert "`mine.net`" in caught.value.help


def test_use_looks_beside_the_file_and_then_among_the_bundled_specs(
    folder: Path, bundled: dict[str, str]
) -> None:
    (folder / "a.net").write_text(NET)
    spec = find_spec("a.net")
    standard = spec.load("std", spec.source)
    assert isinstance(standard, Source)
    assert standard.text == bundled["std"]
    missing = "there is no `stdd.net` beside this file or among the bundled specs"
    assert spec.load("stdd", spec.source) == Unread(missing, "did you mean `std`?")
    assert spec.load("aa", spec.source) == Unread(missing.replace("stdd", "aa"))
    (folder / "std.net").write_text("# mine\n")
    own = spec.load("std", spec.source)
    assert isinstance(own, Source)
    assert own.text == "# mine\n"
    # what a bundled file uses is bundled, whatever lies beside the person's own file
    again = spec.load("std", Source("netc/specs/lone.net", ""))
    assert isinstance(again, Source)
    assert again.text == bundled["std"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"net \xff", "a.net:1:5: the byte 0xff is not UTF-8 here: `ÿ` in Latin-1"),
        (b"# one\n# two\nnet \xc3(", "a.net:3:5: the byte 0xc3 is not UTF-8 here: `Ã` in Latin-1"),
        (b"# \x93a\x94", "a.net:1:3: the byte 0x93 is not UTF-8 here: `\u201c` in Windows-1252"),
        (b"# \x81", "a.net:1:3: the byte 0x81 is not UTF-8 here: "),
        (b"\x01 \xe9", "a.net:1:3: the byte 0xe9 is not UTF-8 here: "),
        (b"\xef\xbb\xbf# \xc3\xa9\xe9\n", "a.net:1:4: the byte 0xe9 is not UTF-8 here: `é` in Latin-1"),
        (b"\xef\xbb\xbf# \xe2\x80", "a.net:1:3: the file ends within a character: cut off"),
        (NET.encode("utf-16"), "a.net:1:1: this is UTF-16 text, and a spec is UTF-8: "),
        (NET.encode("utf-16-le"), "a.net:1:1: this is UTF-16 text, and a spec is UTF-8: "),
        (NET.encode("utf-16-be"), "a.net:1:1: this is UTF-16 text, and a spec is UTF-8: "),
    ],
)
def test_of_bytes_that_are_no_text_the_first_is_told(folder: Path, content: bytes, said: str) -> None:
    (folder / "a.net").write_bytes(content)
    file, (found,) = parse(find_spec("a.net").source)
    assert file.items == ()
    assert f"{found.place}: {found.message}: {found.marked}" == said


def test_a_file_that_is_too_large_is_refused(folder: Path) -> None:
    (folder / "a.net").write_bytes(b"#" * (files.MAX_BYTES + 1))
    with pytest.raises(Unusable, match="larger than 16 MiB"):
        find_spec("a.net")


def test_a_byte_order_mark_is_no_part_of_the_text(folder: Path) -> None:
    (folder / "a.net").write_text(NET, encoding="utf-8-sig")
    assert find_spec("a.net").source.text == NET


def test_a_folder_is_no_spec(folder: Path) -> None:
    (folder / "a.net").mkdir()
    with pytest.raises(Unusable, match="is a folder"):
        find_spec("a.net")


def test_writing_replaces_the_whole_file_and_keeps_its_mode(folder: Path) -> None:
    path = folder / "model.py"
    path.write_text("old")
    path.chmod(0o640)
    write_file(str(path), "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(folder) == ["model.py"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "model.py"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unusable, match="no space left on device"):
        write_file(str(path), "new")
    assert path.read_text() == "old"
    assert os.listdir(folder) == ["model.py"]


def test_writing_through_a_link_keeps_the_link(folder: Path) -> None:
    (folder / "real.py").write_text("old")
    (folder / "link.py").symlink_to("real.py")
    write_file("link.py", "new")
    assert (folder / "link.py").is_symlink()
    assert (folder / "real.py").read_text() == "new"


def test_a_device_is_written_and_not_replaced(folder: Path) -> None:
    write_file("/dev/null", "new")
    assert not Path("/dev/null").is_file()


def test_writing_where_there_is_no_folder_says_so(folder: Path) -> None:
    with pytest.raises(Unusable, match="there is no folder"):
        write_file("nowhere/model.py", "new")
    (folder / "taken").mkdir()
    with pytest.raises(Unusable, match="is a directory"):
        write_file("taken", "new")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_ends_as_it_does_anywhere(folder: Path, end: str) -> None:
    text = "# one\nnet small {\n    input: 1x8x8\n    relu bn\n}\n"
    (folder / "a.net").write_bytes(text.replace("\n", end).encode())
    (found,) = parse(find_spec("a.net").source)[1]
    assert str(found.place) == "a.net:4:10"


def test_zeros_are_no_utf_16(folder: Path) -> None:
    (folder / "a.net").write_bytes(b"\0" * 100)
    assert find_spec("a.net").source.text == "\0" * 100
