#!/usr/bin/env bash
# Make .venv fit for "demo" (the program) or "dev" (the program and what checks it); at once when it is already.
# PYTHON chooses the interpreter (3.11 to 3.13).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/privilege.sh
. scripts/privilege.sh

purpose=${1:?demo or dev}
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
    echo "firesense needs Python 3.11, 3.12 or 3.13; \"$python\" is not one of them. Choose one:  make PYTHON=python3.12 ..." >&2
    exit 1
fi

# The folder is part of it: a virtual environment that was moved does not work.
version=$("$python" -VV)
wanted=$({ echo "$PWD" "$version"; cat pyproject.toml; } | sha256sum | cut -d ' ' -f 1)
stamp=.venv/made-for-$purpose
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian keeps these two in a package of their own, one for each version.
    package=python3-venv
    short=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" != "$short" ]; then
        package=python$short-venv
    fi
    install_packages "$package"
fi

if [ "$(.venv/bin/python -VV 2>/dev/null)" != "$version" ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "Making .venv with $("$python" -V)"
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "Installing Python packages into .venv"
export PYTHONWARNINGS=ignore # setuptools has much to say about editable installs
pip=(.venv/bin/python -m pip --disable-pip-version-check -q install)
case $purpose in
demo) "${pip[@]}" -e '.[demo]' ;;
dev)
    "${pip[@]}" --upgrade 'pip>=25.1' # the first that knows dependency groups
    "${pip[@]}" -e . --group dev
    ;;
*)
    echo "$purpose is neither demo nor dev" >&2
    exit 1
    ;;
esac
echo "$wanted" >"$stamp"
