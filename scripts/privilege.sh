# Sourced: how to install Debian packages here, or the line for whoever may.
# shellcheck shell=bash

# Words to put before a command that needs root: nothing for root, sudo where it asks for no password. Fails otherwise.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# Install these packages. Their services are neither started now nor at the next boot: the tests start their own.
install_packages() {
    local line="apt-get update && apt-get install --no-install-recommends -y $*"
    if ! command -v apt-get >/dev/null || ! as_root true; then
        echo "These Debian packages are needed. Run once, as root:" >&2
        echo "    $line" >&2
        return 1
    fi
    echo "Installing $*"
    local policy=/usr/sbin/policy-rc.d ours=no log status=0
    if [ ! -e "$policy" ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    log=$(mktemp)
    {
        as_root apt-get update &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install --no-install-recommends -y "$@"
    } >"$log" 2>&1 || status=$?
    if [ "$ours" = yes ]; then
        as_root rm -f "$policy"
    fi
    if [ "$status" -ne 0 ]; then
        tail -n 30 "$log" >&2
        echo "Installing failed. To try by hand, as root:  $line" >&2
    fi
    rm -f "$log"
    return "$status"
}
