#!/usr/bin/env bash
# See to it that the real servers the tests start are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/privilege.sh
. scripts/privilege.sh

PATH=$PATH:/usr/sbin:/usr/local/sbin # where Debian keeps daemons
missing=()
want() { command -v "$1" >/dev/null || missing+=("$2"); } # program, package
want mosquitto mosquitto
want influxd influxdb
want victoria-metrics victoria-metrics
want chromium chromium
want openssl openssl
PATH=$PATH:$(printf '%s:' /usr/lib/postgresql/*/bin) want initdb postgresql
if ! compgen -G '/usr/share/fonts/opentype/noto/NotoSansCJK*' >/dev/null; then
    missing+=(fonts-noto-cjk)
fi
# A Chinese font that reports may carry. The one test that wants it is skipped where it cannot be had.
if ! compgen -G '/usr/share/fonts/truetype/wqy/*' >/dev/null; then
    install_packages fonts-wqy-microhei || echo "going on without fonts-wqy-microhei" >&2
fi
if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi

install_packages "${missing[@]}"
# Distribution services of these would come up at the next boot and hold the usual ports.
if [ -d /run/systemd/system ]; then
    for service in mosquitto influxdb victoria-metrics postgresql; do
        if [[ " ${missing[*]} " == *" $service "* ]]; then
            as_root systemctl disable --quiet --now "$service" || echo "could not disable $service" >&2
        fi
    done
fi
