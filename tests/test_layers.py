# SPDX-License-Identifier: Apache-2.0
"""The house rules that a program can check: who imports whom, and the style of the sources."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = ("pymodel", "tb", "tools", "tests", "examples")
GENERATED = {"pymodel/gen/udc_regs.py", "rtl/gen/udc_regs.vh", "rtl/gen/udc_regs.h"}
LONGEST_FILE = 600
LONGEST_LINE = 100

# Packages from the lowest floor upwards. A module may import from lower floors and from its own
# package; packages that share a floor do not know each other.
FLOORS: list[list[str]] = [
    ["pymodel"],
    ["tb.kernel", "tb.usb"],
    ["tb.controller"],
    ["tb.host", "tb.gadget", "tb.sim"],
    ["tb"],
]
# Neither the model nor the machines may depend on a simulator or on another event loop.
WITHOUT_SIMULATOR = ("pymodel", "tb.kernel", "tb.usb", "tb.controller", "tb.host", "tb.gadget")
FORBIDDEN = {"cocotb", "asyncio", "pyuvm"}


def files(*suffixes: str) -> list[Path]:
    """Return the sources of the project, by name, without what is built."""
    result = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in result.stdout.splitlines() if name.endswith(suffixes)]
    return [ROOT / name for name in sorted(names) if not name.startswith("build/")]


def name_of(path: Path) -> str:
    """Return the path below the project, for messages."""
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    """Return the dotted name of a Python file."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import in a file, relative ones resolved."""
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            target = ".".join(base + (node.module.split(".") if node.module else []))
            for alias in node.names:
                # `from tb import sim` imports a module, `from tb.sim import Model` a name of one.
                known = (ROOT / target.replace(".", "/") / alias.name).is_dir() or (
                    ROOT / target.replace(".", "/") / f"{alias.name}.py"
                ).is_file()
                yield node.lineno, f"{target}.{alias.name}" if known else target


def place(module: str) -> tuple[int, str] | None:
    """Return (floor, package) of a module, None outside the house."""
    best: tuple[int, str] | None = None
    for floor, packages in enumerate(FLOORS):
        for package in packages:
            inside = module == package or module.startswith(package + ".")
            if inside and (best is None or len(package) > len(best[1])):
                best = floor, package
    return best


def broken_imports(path: Path) -> Iterator[str]:
    """Yield what a file imports against the rules."""
    module = module_of(path)
    own = place(module)
    if own is None:
        return
    for line, target in imports(path):
        where = f"{name_of(path)}:{line}"
        if target.split(".")[0] in FORBIDDEN and place_is(module, WITHOUT_SIMULATOR):
            yield f"{where}: imports {target}, which needs a simulator or another event loop"
        if target.split(".")[0] in ("tests", "tools", "examples"):
            yield f"{where}: imports {target} from outside the product"
        other = place(target)
        # `tb/__init__.py` is everybody's parent and holds nothing.
        if other is None or other[1] == own[1] or target == "tb":
            continue
        if other[0] >= own[0]:
            yield f"{where}: {own[1]} imports {target}, which is not below it"


def place_is(module: str, packages: tuple[str, ...]) -> bool:
    """Tell whether a module lies in one of the packages."""
    return any(module == one or module.startswith(one + ".") for one in packages)


def test_imports_point_down() -> None:
    """cli, bench -> host | gadget | sim -> controller -> kernel, usb -> pymodel."""
    found = [text for path in files(".py") for text in broken_imports(path)]
    assert not found, "\n".join(found)


def test_the_import_check_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees absolute, relative and hidden imports."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    for name, text, count in (
        ("tb/host/a.py", "from tb.gadget import x\n", 1),
        ("tb/host/b.py", "from ..sim import x\n", 1),
        ("tb/kernel/c.py", "def f():\n    import asyncio\n", 1),
        ("tb/kernel/d.py", "from tb.controller import BusFace\n", 1),
        ("pymodel/e.py", "import tb.kernel\n", 1),
        ("tb/sim/f.py", "import cocotb\nfrom tb.kernel import now\nfrom pymodel import wire\n", 0),
        ("tb/bench.py", "from .host.machine import HostMachine\nfrom .sim import model\n", 0),
        ("tb/gadget/g.py", "from tools import lint\n", 1),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        assert len(list(broken_imports(path))) == count, name
    monkeypatch.undo()


def test_the_checker_is_independent() -> None:
    """The protocol checker shares nothing with the model but the vocabulary of the wire."""
    allowed = {"pymodel.packets", "pymodel.wire"}
    for path in files(".py"):
        if name_of(path).startswith("tb/sim/checker/"):
            used = {target for _, target in imports(path) if target.startswith("pymodel")}
            assert used <= allowed, f"{name_of(path)}: {used - allowed}"


SOURCES = files(".py", ".v", ".vh", ".c", ".h", ".cpp", ".def", ".rdl", ".vlt", ".toml", ".yml")


def test_every_source_has_a_licence_line() -> None:
    """SPDX in the first three lines."""
    found = [
        name_of(path)
        for path in SOURCES
        if "SPDX-License-Identifier: Apache-2.0"
        not in "\n".join(path.read_text(encoding="utf-8").splitlines()[:3])
    ]
    assert not found, found


def test_files_stay_small() -> None:
    """A file that a reader cannot hold in the head wants to be two."""
    found = []
    for path in files(".py", ".v", ".c", ".cpp"):
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > LONGEST_FILE and name_of(path) not in GENERATED:
            found.append(f"{name_of(path)}: {length} lines, at most {LONGEST_FILE}")
    assert not found, "\n".join(found)


def test_no_machine_paths() -> None:
    """Nothing depends on where it was written."""
    words = re.compile(r"/work/|/tmp/" r"pf\b|/home/\w|/root/")
    found = [
        f"{name_of(path)}:{number}"
        for path in [*SOURCES, *files(".md", "Makefile", ".json")]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line) and path != Path(__file__)
    ]
    assert not found, found


def test_python_annotations() -> None:
    """Annotations are never evaluated, so that they may name anything."""
    found = []
    for path in files(".py"):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.AnnAssign)
        code = any(isinstance(node, kinds) for node in ast.walk(tree))
        if code and "from __future__ import annotations" not in text:
            found.append(name_of(path))
    assert not found, found


VERILOG = files(".v")
# Words of SystemVerilog, and constructs that hide what the hardware does.
FORBIDDEN_WORDS = (
    r"casex|logic|always_ff|always_comb|always_latch|typedef|struct|enum|interface|package|import|"
    r"bit|byte|unique|priority|full_case|parallel_case"
)


def without_comments(text: str) -> str:
    """Return Verilog with comments and strings blanked, lines kept."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
    return re.sub(pattern, lambda match: "\n" * match.group().count("\n"), text, flags=re.DOTALL)


@pytest.mark.parametrize("path", VERILOG, ids=name_of)
def test_verilog_style(path: Path) -> None:
    """One module per file, named as the file; resetall and default_nettype; Verilog-2005."""
    raw = path.read_text(encoding="utf-8")
    text = without_comments(raw)
    found = []
    modules = re.findall(r"^\s*module\s+(\w+)", text, flags=re.MULTILINE)
    # A stand-in of a test may take the name of what it replaces.
    if modules != [path.stem] and not (modules == ["udc"] and "tests" in path.parts):
        found.append(f"holds modules {modules}, should hold {path.stem}")
    if not re.search(r"`resetall\s+(`timescale[^\n]*\s+)?`default_nettype\s+none", text):
        found.append("does not begin with `resetall and `default_nettype none")
    for number, line in enumerate(text.splitlines(), 1):
        word = re.search(rf"(?<![\w$`.])({FORBIDDEN_WORDS})\b", line)
        if word and path.is_relative_to(ROOT / "rtl"):
            found.append(f"line {number}: {word.group()}")
        if path.is_relative_to(ROOT / "rtl") and re.search(r"`(define|ifdef|ifndef)\b", line):
            found.append(f"line {number}: configuration by `define")
    for number, line in enumerate(raw.splitlines(), 1):
        if len(line) > LONGEST_LINE:
            found.append(f"line {number}: {len(line)} columns")
        if re.search(r"full_case|parallel_case", line):
            found.append(f"line {number}: synthesis pragma")
    assert not found, "\n".join([name_of(path), *found])
