"""Many files are worked on by several processes, and nobody can tell from what comes out."""

from __future__ import annotations

import pytest

from netc import processes
from netc.cli import run
from netc.processes import LEAST, spread


@pytest.fixture
def folder(tmp_path):
    for number in range(LEAST + 3):
        wrong = "kernel=3" if number % 3 else "dilatoin=2"
        claim = f"expect n{number} {{ params == {number} 'nowhere' }}".replace("'", '"')
        text = f"net n{number} {{ input: 3x8x8; conv(3x3, {number + 1}, {wrong}) }}\n"
        right = f"net n{number} {{ input: 3x8x8; conv(1x1, {number + 1}) }}\n{claim}\n"
        (tmp_path / f"n{number:02}.net").write_text(text if number % 2 else right)
    return tmp_path


@pytest.mark.parametrize(
    "command", [["check"], ["check", "--format", "json"], ["verify"], ["verify", "--failed"]]
)
def test_what_is_told_is_the_same(folder, command, monkeypatch, capsys):
    told = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(processes, "cores", lambda cores=cores: cores)
        code = run([*command, str(folder)])
        told.append((code, *capsys.readouterr()))
    assert told[0][0] == 1
    assert told[0] == told[1] == told[2]


def test_what_is_raised_comes_through(monkeypatch):
    monkeypatch.setattr(processes, "cores", lambda: 2)

    def refuse(number: int) -> int:
        if number == 7:
            raise ValueError("seven")
        return number

    with pytest.raises(ValueError, match="seven"):
        list(spread(refuse, range(LEAST)))
    assert list(spread(lambda number: number * number, range(LEAST))) == [n * n for n in range(LEAST)]
