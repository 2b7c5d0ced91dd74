# SPDX-License-Identifier: Apache-2.0
"""Build the simulation of the RTL, once per set of sources, parameters and tools.

A build lives in `build/sim/<backend>-<hash>/`. A file lock per build keeps parallel runs apart;
the file `done`, written last, marks a build as complete. Verilator's runtime, half of the work, is
compiled with the first build and lies in `build/sim/runtime-<hash>/` for the others.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import cocotb_tools.config

from pymodel.config import UdcParameters

from .verilator_root import ToolMissing, Verilator, build_root, find_verilator

__all__ = [
    "BACKENDS",
    "Build",
    "BuildFailed",
    "Sources",
    "build",
    "build_library",
    "icarus_version",
]

BACKENDS = ("verilator", "icarus")

_ROOT = Path(__file__).resolve().parents[2]
_HDL = _ROOT / "tb" / "hdl"
_DEFINES = "-DVL_USER_FINISH"
_OPTIMIZATION = ("OPT_FAST=-O2", "OPT_GLOBAL=-O2", "OPT_SLOW=-O1")


class BuildFailed(Exception):
    """A compiler refused; the text holds the end of its output."""


@dataclass(frozen=True)
class Sources:
    """What to simulate.

    Attributes:
        verilog: source files.
        include: directories that `include` searches, whose files count as sources too.
        control: Verilator control files (`.vlt`).
        top: name of the top module.
        defines: macros.
    """

    verilog: tuple[Path, ...]
    include: tuple[Path, ...]
    control: tuple[Path, ...]
    top: str = "tb_top"
    defines: tuple[str, ...] = ()

    @classmethod
    def project(cls, rtl: Sequence[Path] | None = None, *, defines: Sequence[str] = ()) -> Sources:
        """Return the controller in its testbench.

        Args:
            rtl: the files that define module `udc`; default is everything below `rtl/`.
            defines: macros, e.g. `PF_NO_HOST` for a bench without the USB host side.
        """
        files = sorted((_ROOT / "rtl").rglob("*.v")) if rtl is None else list(rtl)
        gen = _ROOT / "rtl" / "gen"
        return cls(
            verilog=(*files, *sorted(_HDL.glob("*.v"))),
            include=(_HDL, gen) if gen.is_dir() else (_HDL,),
            control=tuple(sorted(_HDL.glob("*.vlt"))),
            defines=tuple(defines),
        )


@dataclass(frozen=True)
class Build:
    """A simulation that is ready to run.

    Attributes:
        backend: "verilator" or "icarus".
        directory: where it lies.
        program: the executable, or the compiled file for `vvp`.
        library: the mailbox library, which Python opens too.
        simulator: name and version for reports.
        wave_suffix: of the wave files it writes, "" if it cannot.
        top: name of the top module.
    """

    backend: str
    directory: Path
    program: Path
    library: Path
    simulator: str
    wave_suffix: str
    top: str
    notes: tuple[str, ...] = field(default=())

    def command(self, *plusargs: str) -> list[str]:
        """Return the command that runs it."""
        if self.backend == "verilator":
            return [str(self.program), *plusargs]
        entry = cocotb_tools.config.lib_name_path("vpi", "icarus")
        waves = ["-fst"] if self.wave_suffix else ["-none"]
        return [
            "vvp", "-n", "-m", str(entry), "-m", str(self.library),
            str(self.program), *waves, *plusargs,
        ]  # fmt: skip


def icarus_version() -> str:
    """Return the version of Icarus Verilog in PATH.

    Raises:
        ToolMissing: there is none.
    """
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        raise ToolMissing("Icarus Verilog is missing: apt-get install iverilog")
    answer = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False)
    match = re.search(r"version (\S+)", answer.stdout)
    return match[1] if match else "unknown"


def _functions() -> list[tuple[str, int]]:
    """Return names and argument counts from functions.def."""
    text = (_HDL / "c" / "functions.def").read_text()
    return [
        (name, int(count))
        for name, count in re.findall(r"^PF_FUNCTION\((\w+), (\d+)\)", text, re.MULTILINE)
    ]


def _dpi_imports() -> str:
    """Return the DPI declarations of all mailbox functions."""
    lines = ["// SPDX-License-Identifier: Apache-2.0", "// Generated from functions.def."]
    for name, count in _functions():
        arguments = ", ".join(f"input int a{index}" for index in range(count))
        lines.append(f'import "DPI-C" function int {name}({arguments});')
    return "\n".join(lines) + "\n"


def _digest(sources: Sources, settings: Sequence[str]) -> str:
    """Return a hash over everything that a build depends on."""
    digest = hashlib.sha256()
    files = [*sources.verilog, *sources.control, *sorted((_HDL / "c").iterdir())]
    files += [_HDL / "main.cpp", Path(__file__)]
    for directory in sources.include:
        files += sorted(directory.glob("*.vh"))
    for file in files:
        digest.update(f"{file}\0".encode())
        digest.update(file.read_bytes())
    for text in (*settings, sources.top, *sources.defines):
        digest.update(f"{text}\0".encode())
    digest.update(str(cocotb_tools.config.libs_dir).encode())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _call(command: Sequence[str], directory: Path, env: dict[str, str], log: Path) -> None:
    """Run a command with its output in a log file.

    Raises:
        BuildFailed: it failed.
    """
    with log.open("a") as handle:
        handle.write("$ " + " ".join(command) + "\n")
        handle.flush()
        try:
            done = subprocess.run(
                command,
                cwd=directory,
                env=env,
                stdout=handle,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except FileNotFoundError:
            raise ToolMissing(
                f"{command[0]} is missing: apt-get install g++ make perl iverilog"
            ) from None
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        wanted = [line for line in lines if re.search(r"error|Error", line)][:20] or lines[-20:]
        raise BuildFailed(f"{command[0]} failed, see {log}:\n" + "\n".join(wanted))


def fst_possible() -> bool:
    """Tell whether the C libraries that FST waves need are installed."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "probe.c"
        source.write_text("#include <lz4.h>\n#include <zlib.h>\nint main(void){return 0;}\n")
        try:
            return (
                subprocess.run(
                    ["gcc", str(source), "-llz4", "-lz", "-o", str(source.with_suffix(""))],
                    capture_output=True,
                    check=False,
                ).returncode
                == 0
            )
        except FileNotFoundError:
            return False


def build_library(backend: str, directory: Path, log: Path) -> Path:
    """Compile the mailbox library into `directory`; for Verilator, write its DPI imports as well.

    Returns:
        The library: `libplugfest.so`, or the VPI module `plugfest.vpi`.
    """
    icarus = backend == "icarus"
    library = directory / ("plugfest.vpi" if icarus else "libplugfest.so")
    files = [file for file in sorted((_HDL / "c").glob("*.c")) if icarus or file.stem != "pf_vpi"]
    flags: list[str] = []
    if icarus:
        asked = subprocess.run(
            ["iverilog-vpi", "--cflags"], capture_output=True, text=True, check=False
        )
        flags = asked.stdout.split()
    else:
        (directory / "pf_imports.sv").write_text(_dpi_imports())
    _call(
        ["gcc", "-O2", "-Wall", *flags, "-shared", "-fPIC", "-o", str(library), *map(str, files)],
        directory, dict(os.environ), log,
    )  # fmt: skip
    return library


def _runtime(tool: Verilator, waves: str) -> Path:
    """Return where the compiled runtime of a Verilator lies; whoever builds first makes it."""
    compiler = (os.environ.get(name, "") for name in ("CXX", "CXXFLAGS", "CPPFLAGS"))
    settings = (str(tool.executable), tool.version, waves, _DEFINES, *_OPTIMIZATION, *compiler)
    name = hashlib.sha256("\0".join(settings).encode()).hexdigest()[:16]
    return build_root() / "sim" / f"runtime-{name}"


def _keep_runtime(objects: Path, runtime: Path) -> None:
    """Copy the compiled runtime out of a build, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=runtime.parent) as place:
        copy = Path(place) / "runtime"
        copy.mkdir()
        for file in objects.glob("verilated*.o"):
            shutil.copy(file, copy)
        with suppress(OSError):  # another build was first
            copy.rename(runtime)


def _build_verilator(
    sources: Sources,
    values: dict[str, int],
    waves: str,
    tool: Verilator,
    directory: Path,
    log: Path,
) -> None:
    """Build `Vtop` and the mailbox library in `directory`."""
    env = tool.environment()
    if shutil.which("ccache") and "OBJCACHE" not in env:
        env["OBJCACHE"] = "ccache"
    build_library("verilator", directory, log)
    imports = directory / "pf_imports.sv"
    cocotb_libs = str(cocotb_tools.config.libs_dir)
    trace = {"": [], "vcd": ["--trace-vcd"], "fst": ["--trace-fst"]}[waves]
    _call(
        [
            str(tool.executable), "--cc", "--exe", "--vpi", "--prefix", "Vtop", "-o", "Vtop",
            "--top-module", sources.top, "-Mdir", "obj", "--timescale", "1ps/1ps",
            "+1364-2005ext+v", "-O3", "--x-assign", "fast", "--x-initial", "fast",
            "-Wno-fatal", "-Wno-lint", "-Wno-style", *trace,
            *(f"-D{define}" for define in sources.defines),
            *(f"-I{path}" for path in sources.include),
            *(f"-G{name}={value}" for name, value in values.items()),
            "-CFLAGS", f"-I{_HDL / 'c'} {_DEFINES}",
            "-LDFLAGS", f"-L{directory} -lplugfest -Wl,-rpath,{directory}"
            f" -L{cocotb_libs} -lcocotbvpi_verilator -Wl,-rpath,{cocotb_libs}",
            str(imports), *map(str, sources.control), *map(str, sources.verilog),
            str(_HDL / "main.cpp"),
        ],
        directory, env, log,
    )  # fmt: skip
    objects = directory / "obj"
    runtime = _runtime(tool, waves)
    for file in runtime.glob("*.o"):
        shutil.copy(file, objects)  # newer than the makefile: make leaves it
    _call(["make", "-j2", "-C", "obj", "-f", "Vtop.mk", *_OPTIMIZATION], directory, env, log)
    if not runtime.exists():
        _keep_runtime(objects, runtime)


def _build_icarus(
    sources: Sources, values: dict[str, int], waves: str, directory: Path, log: Path
) -> None:
    """Compile for `vvp` and make the VPI module in `directory`."""
    env = dict(os.environ)
    build_library("icarus", directory, log)
    defines = [*sources.defines, "GENCLK", *(["WAVES"] if waves else [])]
    _call(
        [
            "iverilog", "-g2005", "-o", "sim.vvp", "-s", sources.top,
            *(f"-D{define}" for define in defines),
            *(f"-I{path}" for path in sources.include),
            *(f"-P{sources.top}.{name}={value}" for name, value in values.items()),
            *map(str, sources.verilog),
        ],
        directory, env, log,
    )  # fmt: skip


def build(
    backend: str,
    parameters: UdcParameters | None = None,
    *,
    waves: bool = False,
    sources: Sources | None = None,
    values: dict[str, int] | None = None,
    say: Callable[[str], None] | None = None,
) -> Build:
    """Return a simulation of the controller, building it if this set was not built before.

    Args:
        backend: "verilator" or "icarus".
        parameters: of the controller; default values if None.
        waves: build one that can record waves (slower).
        sources: what to simulate; default is the project's RTL in its testbench.
        values: Verilog parameters of the top, instead of those of `parameters`.
        say: called with one line before a build starts.

    Raises:
        BuildFailed: a compiler refused the sources.
        ToolMissing: a program is missing.
        ValueError: unknown backend.
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend {backend!r}: legal is {' or '.join(BACKENDS)}")
    sources = sources or Sources.project()
    if values is None:
        values = (parameters or UdcParameters()).verilog()
    notes: list[str] = []
    wave_kind = ""
    tool: Verilator | None = None
    if backend == "verilator":
        tool = find_verilator()
        simulator = f"Verilator {tool.version}"
        if waves:
            wave_kind = "fst" if fst_possible() else "vcd"
            if wave_kind == "vcd":
                notes.append("waves as VCD: FST needs apt-get install liblz4-dev zlib1g-dev")
    else:
        simulator = f"Icarus {icarus_version()}"
        wave_kind = "fst" if waves else ""
    cocotb = importlib.metadata.version("cocotb")
    settings = [backend, simulator, wave_kind, cocotb]
    settings += [f"{name}={value}" for name, value in sorted(values.items())]
    tag = f"{backend}-{_digest(sources, settings)}"
    directory = build_root() / "sim" / tag
    stamp = directory / "done"
    if not stamp.exists():
        with _locked(build_root() / "sim" / "locks" / tag):
            if not stamp.exists():
                if say is not None:
                    say(f"building the simulation for {simulator} in {directory}")
                shutil.rmtree(directory, ignore_errors=True)
                directory.mkdir(parents=True)
                log = directory / "build.log"
                if tool is not None:
                    _build_verilator(sources, values, wave_kind, tool, directory, log)
                else:
                    _build_icarus(sources, values, wave_kind, directory, log)
                stamp.write_text("\n".join(settings) + "\n")
    program = directory / ("obj/Vtop" if backend == "verilator" else "sim.vvp")
    library = directory / ("libplugfest.so" if backend == "verilator" else "plugfest.vpi")
    return Build(
        backend, directory, program, library, simulator, wave_kind, sources.top, tuple(notes)
    )


if __name__ == "__main__":
    # For makefiles: python -m tb.sim.build verilator|icarus DIRECTORY
    target = Path(sys.argv[2]).resolve()
    target.mkdir(parents=True, exist_ok=True)
    print(build_library(sys.argv[1], target, target / "library.log"))
