#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make the environment in build/venv from requirements.lock. Called by make; safe to repeat.
#
# System packages are installed where that needs no password. Where it does, the missing ones are
# named: those without which nothing works end the script, the others only cost some tests.
set -eu
cd "$(dirname "$0")/.."
venv=${PLUGFEST_VENV:-build/venv}
python=${PYTHON:-python3}
needed="" wanted=""

missing_header() {
    ! printf '#include <%s>\n' "$1" | cc -E - >/dev/null 2>&1
}

for command in g++ make perl; do
    command -v "$command" >/dev/null || needed="$needed $command"
done
command -v "$python" >/dev/null || needed="$needed python3"
"$python" -c 'import ensurepip, venv' 2>/dev/null || needed="$needed python3-venv"
# The simulator loads Python as a shared library.
"$python" - <<'PROBE' 2>/dev/null || needed="$needed python3-dev"
import ctypes.util, glob, os, sys, sysconfig
names = [sysconfig.get_config_var(name) or "" for name in ("INSTSONAME", "LDLIBRARY")]
places = [sysconfig.get_config_var(name) or "" for name in ("LIBDIR", "LIBPL")]
places += glob.glob("/usr/lib/*-linux-gnu")
found = any(
    ".so" in name and os.path.exists(os.path.join(place, name))
    for name in names
    for place in places
)
version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
sys.exit(0 if found or ctypes.util.find_library(version) else 1)
PROBE
command -v iverilog >/dev/null || wanted="$wanted iverilog"
command -v tshark >/dev/null || wanted="$wanted tshark"
if command -v cc >/dev/null; then
    missing_header lz4.h && wanted="$wanted liblz4-dev"
    missing_header zlib.h && wanted="$wanted zlib1g-dev"
else
    wanted="$wanted liblz4-dev zlib1g-dev"
fi

if [ -n "$needed$wanted" ] && command -v apt-get >/dev/null; then
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        as_root="sudo -n"
        sudo -n true 2>/dev/null || as_root="no"
    fi
    if [ "$as_root" != no ]; then
        echo "installing$needed$wanted"
        export DEBIAN_FRONTEND=noninteractive
        log=build/apt.log
        mkdir -p build
        # shellcheck disable=SC2086  # lists of words
        if $as_root apt-get update >"$log" 2>&1 &&
            $as_root apt-get install -y --no-install-recommends $needed $wanted >>"$log" 2>&1; then
            needed="" wanted=""
        else
            echo "could not install them, see $log"
        fi
    fi
fi
if [ -n "$needed" ]; then
    echo "needed first: sudo apt-get install$needed$wanted" >&2
    exit 1
fi
if [ -n "$wanted" ]; then
    echo "some tests will be skipped; to get them all: sudo apt-get install$wanted"
fi

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed: PYTHON=/path/to/python3.11 make" >&2
    exit 1
}

echo "making $venv"
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check -r requirements.lock
"$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation --editable .
touch "$venv/stamp"
