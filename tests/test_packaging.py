"""What the package holds, and that its folders depend on each other one way only."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETUP = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
FOLDERS = {name: ROOT / folder for name, folder in SETUP["package-dir"].items()}
MAY_IMPORT = {
    "netc.grammar": set(),
    "netc.dsl": {"netc.grammar"},
    "netc.specs": set(),
    "netc.errors": set(),
    "netc.ops": set(),
    "netc.compiler": {"netc.dsl", "netc.ops"},
    "netc.codegen": {"netc.compiler", "netc.dsl", "netc.ops"},
    "netc.training": {"netc.compiler", "netc.dsl", "netc.ops"},
    "netc": {"netc.training", "netc.codegen", "netc.compiler", "netc.dsl", "netc.ops", "netc.specs"},
}


def part_of(module: str) -> str:
    """The folder of a module: `netc.compiler` of `netc.compiler.passes.inference`."""
    return max((part for part in MAY_IMPORT if module == part or module.startswith(f"{part}.")), key=len)


def modules() -> Iterator[tuple[str, str, Path, ast.Module]]:
    """Every module of the package: its name, its package, its file and its tree."""
    for package, folder in FOLDERS.items():
        for path in sorted(folder.glob("*.py")):
            yield f"{package}.{path.stem}", package, path, ast.parse(path.read_text())


def imports(package: str, tree: ast.Module) -> Iterator[str]:
    """The full names of what a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            path = ".".join([*base, *([node.module] if node.module else [])])
            yield path
            yield from (f"{path}.{alias.name}" for alias in node.names)


def without_types(tree: ast.Module) -> ast.Module:
    """The module without `if TYPE_CHECKING:`, which no run enters."""
    body = [
        node
        for node in tree.body
        if not (
            isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        )
    ]
    return ast.Module(body, [])


def test_every_package_and_data_file_of_the_tree_is_listed() -> None:
    assert sorted(SETUP["packages"]) == sorted(FOLDERS)
    for package, folder in FOLDERS.items():
        patterns = SETUP["package-data"].get(package, [])
        listed = {path for pattern in patterns for path in folder.glob(pattern)}
        for path in folder.iterdir():
            if path.is_symlink() or path.name == "__pycache__":
                continue
            if path.is_dir():
                assert path in FOLDERS.values() or any(path in file.parents for file in listed), path
            elif path.suffix != ".py":
                assert path in listed, f"{path} would not be installed"


def test_folders_import_one_way_only() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, package, _, tree in modules()
        for imported in imports(package, tree)
        if imported.split(".")[0] == "netc"
        and part_of(imported) != part_of(module)
        and part_of(imported) not in MAY_IMPORT[part_of(module)]
    ]
    assert wrong == []


def test_imports_within_the_package_are_relative() -> None:
    absolute = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for _, _, path, tree in modules()
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.ImportFrom)
            and not node.level
            and (node.module or "").split(".")[0] == "netc"
        )
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "netc" for alias in node.names))
    ]
    assert absolute == []


def test_only_the_front_door_prints_or_exits_and_beside_it_only_training_opens_files() -> None:
    ending = {"print", "input", "exit", "_exit"}
    opening = {"open", "read_path", "write_text", "write_bytes"}
    wrong = []
    for module, _, path, tree in modules():
        if part_of(module) == "netc":
            continue
        forbidden = ending if part_of(module) == "netc.training" else ending | opening
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in forbidden:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {name}")
    assert wrong == []


def test_torch_is_imported_only_for_live_modules_checkpoints_and_training() -> None:
    importing = {
        module
        for module, package, _, tree in modules()
        if part_of(module) != "netc.training"
        for imported in imports(package, without_types(tree))
        if imported.split(".")[0] in {"torch", "numpy", "safetensors"}
    }
    assert importing == {"netc.live", "netc.checkpoints"}


def test_compiling_building_and_drawing_import_no_torch(tmp_path: Path) -> None:
    program = (
        "import sys, netc.__main__ as door\n"
        "for command in (['compile', 'lenet5'], ['build', 'lenet5', '-o', 'm.py'],\n"
        "                ['compile', 'lenet5', '--render', 'svg'], ['verify', 'lenet5'],\n"
        "                ['check', 'lenet5']):\n"
        "    assert door.run(command) == 0, command\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lenet5.svg", "m.py"]


def build(kind: str, tree: Path, target: Path) -> None:
    """What `pip` has setuptools do, with what is installed here in place of a download."""
    program = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
    subprocess.run([sys.executable, "-c", program, str(target)], cwd=tree, check=True, capture_output=True)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel and an sdist, built from a copy of the tree with nothing in it but what git would carry."""
    copy = tmp_path_factory.mktemp("tree") / "netc"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "demo")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignored)
    target = tmp_path_factory.mktemp("distributions")
    build("sdist", copy, target)
    build("wheel", copy, target)
    return target


def test_the_wheel_holds_all_data_and_works_on_its_own(distributions: Path, tmp_path: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        archive.extractall(tmp_path / "site")
    expected = {
        f"{package.replace('.', '/')}/{path.relative_to(folder).as_posix()}"
        for package, folder in FOLDERS.items()
        for pattern in ["*.py", *SETUP["package-data"].get(package, [])]
        for path in folder.glob(pattern)
    }
    assert names == expected
    program = (
        "import sys, netc, netc.__main__ as door\n"
        "assert netc.__file__.startswith(sys.argv[1]), netc.__file__\n"
        "assert door.run(['explain', 'shape-mismatch']) == 0\n"
        "assert door.run(['check', 'lenet5', '--format', 'sarif']) == 0\n"
        "sys.exit(door.run(['build', 'lenet5', '-o', 'lenet5.py']))\n"
    )
    site = str(tmp_path / "site")
    environment = {"PYTHONPATH": site, "PATH": ""}
    subprocess.run([sys.executable, "-c", program, site], cwd=tmp_path, check=True, env=environment)
    assert "class LeNet5(nn.Module)" in (tmp_path / "lenet5.py").read_text()


def test_the_sdist_builds_the_same_wheel(distributions: Path, tmp_path: Path) -> None:
    (archive,) = distributions.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    build("wheel", tree, tmp_path)
    (first,), (second,) = distributions.glob("*.whl"), tmp_path.glob("*.whl")
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_the_map_names_every_module_of_training() -> None:
    table = (ROOT / "docs" / "internals.md").read_text().partition("| modules of `training/`")[2]
    named = set(re.findall(r"`(\w+)`", table.partition("\n\n")[0]))
    assert {path.stem for path in (ROOT / "training").glob("*.py")} - {"__init__"} <= named
