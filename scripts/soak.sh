#!/usr/bin/env bash
# Mixed traffic through everything for half an hour, and then the books: `bash scripts/soak.sh [--minutes N]`.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { cat <<'HELP'
bash scripts/soak.sh [--minutes 30] [--seed 1] [--clients 16] [--idle 48] [--keep DIRECTORY]

Builds narrows-proxy and narrows-gateway for release and puts clients on them, as many as fill the machine: short
requests, plain HTTP, bulk both ways, WebSockets, idle tunnels, half-closes, resets by either side, slow readers and
refusals; directly, through the enterprise proxy (a Squid if there is one, else another narrows-proxy), and through
the gateway by HTTP/1.1 and by HTTP/2.

It passes if, for each request, client, origin and the logs of proxy and gateway know the same octets (for a
connection that was reset: nobody has passed on more than it was given, nor says less than what arrived), if each has
one record in each log on its way, if nothing panicked, if no descriptor is left but those of sessions that are kept ready,
and, from 5 minutes on, if memory at rest is within 5 % of that after the first minute, in which there are three times as
many clients. The allocator is told to return at once what is free (MIMALLOC_PURGE_DELAY=0). What the services weigh under
load is printed too, as medians of 5 minutes or of a quarter of the run.

  --minutes N   how long [30]; a third of it, at most a minute, is the warm-up
  --seed N      another seed makes other requests [1]
  --clients N   busy clients for each of the four routes [16]
  --idle N      idle tunnels for each route [48]
  --keep DIR    leave samples.csv, the logs and the settings there

Linux only. Loopback only.
HELP
}

keep=
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        --help) usage; exit 0 ;;
        --keep) keep=${2:?--keep needs a directory}; shift 2 ;;
        --minutes | --seed | --clients | --idle) arguments+=("$1" "${2:?$1 needs a number}"); shift 2 ;;
        *) echo "$1: no such flag"; usage; exit 2 ;;
    esac
done
if [ "$(uname)" != Linux ]; then
    echo "SKIPPED: the soak weighs processes by /proc, which $(uname) does not have"
    exit 0
fi

work=$keep
if [ -z "$keep" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
squid=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v squid || true)
[ -n "$squid" ] || echo "SKIPPED: squid is not installed; another narrows-proxy is the enterprise proxy"

# The packages that scripts/smoke.sh builds, and one more, so that cargo builds nothing twice.
cargo build --release --locked -p narrows-proxy -p narrows-gateway -p narrows-probe -p narrows-xtask -p narrows-soak
built=${CARGO_TARGET_DIR:-target}/release
# Descriptors for both ends of everything.
ulimit -n "$(ulimit -Hn)"
"$built/narrows-soak" --binaries "$built" --dir "$work" ${squid:+--squid "$squid"} "${arguments[@]}"
