#!/usr/bin/env bash
# A run from start to drain under valgrind: no octet of memory may be lost.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Usage: scripts/leaks.sh [--requests N] [--bin DIR]

Runs narrows-gateway and narrows-proxy under valgrind (memcheck, --leak-check=full), sends mixed requests through
both - tunnels direct and by the gateway, bulk, half-closed, reset, refused, malformed, plain HTTP -, ends them with
SIGTERM, and fails when memory was lost for good, when a request did not get its answer, or when one did not drain.

  --requests N  how many requests (default 400)
  --bin DIR     where the two programs are, without the feature mimalloc (default: they are built, for release)

Needs valgrind and python3. Loopback only.
TEXT
}

requests=400 bin=
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit ;;
        --requests) requests=${2:?--requests wants a number} ;;
        --bin) bin=${2:?--bin wants a directory} ;;
        *) echo "leaks.sh: unknown argument $1; --help lists them" >&2; exit 2 ;;
    esac
    shift 2
done
[[ $requests =~ ^[0-9]+$ ]] || { echo "leaks.sh: $requests is no number" >&2; exit 2; }
for tool in valgrind python3; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: $tool is not installed"; exit; }
done
if [ -z "$bin" ]; then
    # What is shipped; in the debug profile valgrind takes ten times as long.
    # With the system's allocator: valgrind sees nothing of ours.
    directory=${CARGO_TARGET_DIR:-target}/leaks
    cargo build --release --locked -p narrows-proxy -p narrows-gateway --no-default-features --target-dir "$directory"
    bin=$directory/release
fi

work=$(mktemp -d)
pids=()
trap '{ kill -9 "${pids[@]}"; wait; } 2>/dev/null || true; rm -rf "$work"' EXIT

# watched NAME ARGUMENTS...: the program under valgrind, its diagnostics in NAME.err.
watched() {
    local name=$1
    shift
    valgrind --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --num-callers=40 \
        --error-exitcode=0 --log-file="$work/$name.valgrind" "$bin/$name" "$@" >"$work/$name.out" 2>"$work/$name.err" &
    pids+=($!)
}

# until_match FILE PATTERN: waits for a line, then prints what it captures. Valgrind takes its time.
until_match() {
    local deadline=$((SECONDS + 600))
    until sed -nE "s/$2/\1/p" "$1" 2>/dev/null | grep -m1 .; do
        [ $SECONDS -lt $deadline ] || { echo "leaks: FAILED, no line matches $2 in:" >&2; cat "$1" >&2; return 1; }
        sleep 0.2
    done
}

python3 scripts/leaks/traffic.py origin >"$work/origin" &
pids+=($!)
origin=$(until_match "$work/origin" '^([0-9]+)$')
"$bin/narrows-gateway" init --dir "$work/gateway" --allowed-features "127.0.0.1:$origin in 127.0.0.0/8" \
    >"$work/init" 2>&1 || { cat "$work/init"; exit 1; }
# Under valgrind a handshake takes seconds; and what the gateway does not carry is to be seen.
printf '[tls]\nhandshake_seconds = 60\n' >"$work/gateway/gateway.toml"
watched narrows-gateway --dir "$work/gateway" --listen 127.0.0.1:0 --log "$work/gateway.log"
gateway=$(until_match "$work/narrows-gateway.err" '.*listening on 127\.0\.0\.1:([0-9]+).*')
cat >"$work/proxy.toml" <<TOML
[rules]
gateway = ["127.0.0.1"]
deny = ["denied.example"]
[timeouts]
connect_seconds = 60
tls_seconds = 60
request_seconds = 60
[gateway]
url = "https://localhost:$gateway"
ca_file = "$work/gateway/tls/ca.pem"
token_file = "$work/gateway/trial.token"
fallback = "none"
TOML
watched narrows-proxy --config "$work/proxy.toml" --listen 127.0.0.1:0 --log "$work/proxy.log"
proxy=$(until_match "$work/narrows-proxy.err" '.*listening on 127\.0\.0\.1:([0-9]+).*')

python3 scripts/leaks/traffic.py clients "$proxy" "$origin" "$requests" >"$work/clients" || {
    cat "$work/clients" "$work"/*.err
    tail -n 20 "$work/proxy.log"
    echo "leaks: FAILED, a request did not get its answer"
    exit 1
}
cat "$work/clients"
by_gateway=$(grep -c 'done via gateway' "$work/proxy.log" || true)
echo "of the tunnels, $by_gateway went by the gateway"

# The proxy first: its sessions with the gateway end with it.
verdict=pass
for at in 2 1; do
    kill -TERM "${pids[$at]}"
    wait "${pids[$at]}" || { echo "program $at ended with $?"; verdict=FAILED; }
done
for name in narrows-proxy narrows-gateway; do
    said=$work/$name.valgrind
    if grep -q 'All heap blocks were freed' "$said"; then
        definite=0 indirect=0
    else
        definite=$(sed -nE 's/.*definitely lost: ([0-9,]+) bytes.*/\1/p' "$said" | tr -d ,)
        indirect=$(sed -nE 's/.*indirectly lost: ([0-9,]+) bytes.*/\1/p' "$said" | tr -d ,)
    fi
    errors=$(sed -nE 's/.*ERROR SUMMARY: ([0-9,]+) errors.*/\1/p' "$said" | tail -n 1)
    used=$(sed -nE 's/.*total heap usage: (.*)/\1/p' "$said")
    echo "$name: ${definite:-?} octets lost, ${indirect:-?} through them, ${errors:-?} errors of memory; heap: $used"
    if [ "${definite:-1}${indirect:-1}" != 00 ] || [ "${errors:-1}" != 0 ]; then
        verdict=FAILED
        cat "$said"
    fi
done
[ "$by_gateway" -gt 0 ] || verdict=FAILED
echo "leaks: $verdict, $requests requests in $SECONDS s"
[ "$verdict" = pass ]
