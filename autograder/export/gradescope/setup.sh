#!/usr/bin/env bash
# What Gradescope runs once, as root, when the grader is uploaded: a Python, a jail, and the package in an environment.
# GRADESCOPE_ROOT and PYTHON are for trying it elsewhere: with PYTHON set nothing is installed on the system.
set -euo pipefail
root="${GRADESCOPE_ROOT:-/autograder}"
here="$(cd "$(dirname "$0")" && pwd)"

new_enough() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
find_python() { for p in python3.13 python3.12 python3.11 python3; do if new_enough "$p"; then echo "$p"; return; fi; done; }

if [ -z "${PYTHON:-}" ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install -y bubblewrap libseccomp2 || true    # without them the jail has a lower tier, or none: then it says so
    PYTHON="$(find_python)"
    if [ -z "$PYTHON" ]; then
        apt-get install -y python3.12 python3.12-venv || apt-get install -y python3.11 python3.11-venv \
            || apt-get install -y python3 python3-venv
        PYTHON="$(find_python)"
    fi
fi
[ -n "$PYTHON" ] || { echo "no Python of 3.11 or newer: choose a newer base image, Ubuntu 24.04 for one" >&2; exit 1; }

"$PYTHON" -m venv "$root/venv"
constraints=()
if [ -f "$here/constraints.txt" ]; then constraints=(-c "$here/constraints.txt"); fi
"$root/venv/bin/python" -m pip install --quiet --disable-pip-version-check "${constraints[@]}" "$here"/first_principles_kit-*.whl
chmod -R go= "$here"    # the answers are for the grader alone
