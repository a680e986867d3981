#!/usr/bin/env bash
# The Debian packages and their units: `bash scripts/packages.sh [--install] [--profile PROFILE]`. Builds the
# packages, unpacks them, and starts each service from there as its unit says, with a socket passed as systemd
# does. With --install, as root: also installs them on this machine, and removes and purges them again.
set -euo pipefail
cd "$(dirname "$0")/.."
install=
if [ "${1:-}" = --install ]; then install=yes; shift; fi
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
fail() { echo "$*"; exit 1; }
# What a systemd service may be exposed to, from 0 to 100 (systemd-analyze security).
exposed=15

if ! command -v dpkg-deb >/dev/null; then
    echo "SKIPPED: dpkg-deb is not installed: no package was built"
    exit 0
fi
bash scripts/deb.sh "$@" "$work"
packages=("$work"/*.deb)
[ ${#packages[@]} -eq 3 ] || fail "not three packages: ${packages[*]}"

if command -v lintian >/dev/null; then
    # The default maintainer has no address; the rest of what lintian calls an error must not be.
    lintian --fail-on error --tag-display-limit 0 --allow-root \
        --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "${packages[@]}"
else
    echo "SKIPPED: lintian is not installed: nobody judged the packages"
fi

root=$work/root
mkdir -p "$root"
for package in "${packages[@]}"; do dpkg-deb -x "$package" "$root"; done

# Each package says which crates are in it, in the versions that are locked.
for name in narrows-proxy narrows-gateway narrows-probe; do
    python3 - "$root/usr/share/doc/$name/sbom.cdx.json" <<'PYTHON' || fail "$name has no sound list of its crates"
import json, re, sys
with open(sys.argv[1]) as file:
    bill = json.load(file)
with open("Cargo.lock") as file:
    locked = set(re.findall(r'^name = "(.*)"\nversion = "(.*)"$', file.read(), re.MULTILINE))
listed = {(part["name"], part["version"]) for part in bill["components"]}
strangers = listed - locked
names = {name for name, _ in listed}
assert bill["bomFormat"] == "CycloneDX" and not strangers and {"rustls", "tokio"} <= names, (strangers, names)
PYTHON
done

# units: systemd finds no fault in them, and they leave little open.
units() {
    local unit units=(narrows-proxy.{service,socket} narrows-gateway.{service,socket})
    # Units of the system that ours name, and the one program that ours call.
    local known=/lib/systemd/system
    cp -n "$known"/*.{target,slice,service} "$root$known/" 2>/dev/null || true
    mkdir -p "$root/bin" && cp /bin/kill "$root/bin/"
    systemd-analyze verify --root="$root" --man=no "${units[@]}"
    for unit in narrows-proxy narrows-gateway; do
        systemd-analyze security --offline=true --no-pager --threshold=$exposed \
            "deploy/systemd/$unit.service" | tail -n 1
    done
}
if command -v systemd-analyze >/dev/null; then
    units
else
    echo "SKIPPED: systemd-analyze is not installed: nobody judged the units"
fi

# start NAME COMMAND...: starts it as systemd would, with a listening socket as descriptor 3, and waits until it
# says that it is ready. The socket's port is in $work/NAME.port.
start() {
    local name=$1
    shift
    python3 - "$work/$name" "$@" 2>"$work/$name.said" <<'PYTHON' &
import os, socket, subprocess, sys
work, *command = sys.argv[1:]
news = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
news.bind(work + ".notify")
news.settimeout(60)
listener = socket.create_server(("127.0.0.1", 0))
def passed():
    os.dup2(listener.fileno(), 3)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=work + ".notify")
    os.execv(command[0], command)
service = os.fork() or passed()
with open(work + ".pid", "w") as file:
    file.write(str(service))
while b"READY=1" not in news.recv(4096).split(b"\n"):
    pass
with open(work + ".port", "w") as file:
    file.write(str(listener.getsockname()[1]))
os.waitpid(service, 0)
PYTHON
    local deadline=$((SECONDS + 60)) manager=$!
    pids+=("$manager")
    until [ -s "$work/$name.port" ]; do
        [ $SECONDS -lt $deadline ] && kill -0 "$manager" 2>/dev/null || { cat "$work/$name.said"; fail "$name did not start"; }
        sleep 0.05
    done
    pids+=("$(cat "$work/$name.pid")")
}

# exec_start NAME: what the unit starts, with the paths of the unpacked packages.
exec_start() {
    sed -nE 's/^ExecStart=//p' "$root/lib/systemd/system/$1.service" | sed -E "s#(^| )/#\1$root/#g"
}

"$root/usr/bin/narrows-proxy" config check --config "$root/etc/narrows/proxy.toml" >/dev/null
# shellcheck disable=SC2046 # words are what is wanted
start narrows-proxy $(exec_start narrows-proxy)
# The gateway's directory as an operator fills it.
gateway=$root/usr/bin/narrows-gateway directory=$root/etc/narrows-gateway
"$gateway" --dir "$work/trial" init >/dev/null
cp -r "$work/trial/tls" "$directory/"
"$gateway" --dir "$directory" create fleet --allowed-features '127.0.0.1 in 127.0.0.0/8' >/dev/null
token=$("$gateway" --dir "$directory" token issue fleet)
# shellcheck disable=SC2046
start narrows-gateway $(exec_start narrows-gateway)
# A refusal by the gateway's rules, heard through both: the client is known, the target is not carried.
proxy=127.0.0.1:$(cat "$work/narrows-proxy.port")
answer=$(env -u NO_PROXY -u no_proxy curl --silent --max-time 20 --proxy-cacert "$work/trial/tls/ca.pem" \
    --proxy "https://localhost:$(cat "$work/narrows-gateway.port")" --proxy-user "fleet:$token" \
    --output /dev/null --write-out '%{http_connect}' https://not-carried.example/ || true)
[ "$answer" = 403 ] || fail "the gateway answered $answer"
answer=$(env -u NO_PROXY -u no_proxy curl --silent --max-time 20 --proxy "http://$proxy" \
    --output /dev/null --write-out '%{http_connect}' https://127.0.0.1:1/ || true)
[ "$answer" = 502 ] || fail "the proxy answered $answer"
"$root/usr/bin/narrows-probe" allowlist --region japaneast --features servers --format names >/dev/null

if [ -n "$install" ]; then
    names=(narrows-proxy narrows-gateway narrows-probe)
    if dpkg -s "${names[@]}" >/dev/null 2>&1; then fail "they are installed here already"; fi
    dpkg -i "${packages[@]}"
    narrows-proxy config check >/dev/null
    [ "$(stat -c %U:%a /etc/narrows-gateway)" = narrows-gateway:750 ] || fail "/etc/narrows-gateway is open"
    if command -v man >/dev/null; then man --warnings -E UTF-8 -l -Tutf8 -Z \
        /usr/share/man/man1/narrows-*.1.gz 2>&1 >/dev/null | grep . && fail "man pages have faults"; fi
    dpkg -r "${names[@]}"
    [ -e /etc/narrows/proxy.toml ] || fail "removing took the settings"
    dpkg -P "${names[@]}"
    [ ! -e /etc/narrows ] && [ ! -e /usr/bin/narrows-proxy ] || fail "purging left something"
fi
echo "ran the checks of the packages"
