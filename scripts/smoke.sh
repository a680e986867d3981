#!/usr/bin/env bash
# What the README promises to someone who has just cloned: the release build serves, curl reaches a
# TLS origin through it, the log has the two lines of the tunnel, and the probe finds the origin reachable
# by both ways. Loopback only.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

# The packages that scripts/deb.sh builds, so that cargo builds nothing twice.
cargo build --release --locked -p narrows-proxy -p narrows-gateway -p narrows-probe -p narrows-xtask
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null

python3 - "$work" >"$work/origin" <<'PYTHON' &
import functools, http.server, ssl, sys
work = sys.argv[1]
page = functools.partial(http.server.SimpleHTTPRequestHandler, directory=work)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), page)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(work + "/cert.pem", work + "/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
pids+=($!)
"${CARGO_TARGET_DIR:-target}/release/narrows-proxy" --listen 127.0.0.1:0 --log "$work/proxy.log" \
    2>"$work/proxy" &
pids+=($!)

# until_match FILE PATTERN: waits at most ten seconds for a line, then prints what it captures.
until_match() {
    local deadline=$((SECONDS + 10))
    until sed -nE "s/$2/\1/p" "$1" | grep -m1 .; do
        [ $SECONDS -lt $deadline ] || { echo "no line matches $2 in:"; cat "$1"; return 1; }
        sleep 0.05
    done
}
origin=$(until_match "$work/origin" '^([0-9]+)$')
proxy=$(until_match "$work/proxy" '.*listening on (127\.0\.0\.1:[0-9]+).*')

env -u NO_PROXY -u no_proxy curl --silent --show-error --fail --max-time 10 --cacert "$work/cert.pem" \
    --proxy "http://$proxy" "https://localhost:$origin/cert.pem" | cmp - "$work/cert.pem"
until_match "$work/proxy.log" \
    "^time=.* level=INFO msg=\"(P:[0-9]+:C:[0-9]+ 127.0.0.1:[0-9]+ --> localhost:$origin on HTTP-1.1)\"$"
until_match "$work/proxy.log" \
    '^time=.* level=INFO msg="(P:[0-9]+:C:[0-9]+ done via direct bytes ->:[0-9]+, <-:[0-9]+)"$'

probe=${CARGO_TARGET_DIR:-target}/release/narrows-probe
# It warns that the certificate ends tomorrow: exit code 3.
"$probe" check "localhost:$origin" --ca-file "$work/cert.pem" --expect-private \
    --via direct --via "local=http://$proxy" >"$work/probe" || [ $? -eq 3 ] || { cat "$work/probe"; exit 1; }
names=$("$probe" allowlist --region japaneast --features servers --gateway gw.example --format names | wc -l)
[ "$names" -eq 8 ] || { echo "the allowlist has $names names"; exit 1; }
echo "ran the release build: curl reached a TLS origin through it, and the probe by both ways"
