#!/usr/bin/env bash
# What narrows-proxy and narrows-gateway do when the machine and the network around them fail: a full disk, no
# descriptors, clocks that jump, processes that are stopped, name servers that lie, cables that are pulled.
# Each fault is played against the real binaries; docs/proof.md, "Faults", says what must be seen.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: scripts/faults.sh [--long] [PART]

Plays the faults of tests/it/faults, or of one PART (clock, deaths, descriptors, dns, log, network, stopped), and
ends with one line.

  --long   each lasts longer: processes are stopped for 60 s, storms are larger; about four minutes
  --help   this text

As root, for network namespaces and mounts; as somebody else, those are skipped and counted.
Takes iproute2, nftables and libfaketime.
TEXT
}

part="" long=""
for word in "$@"; do
    case $word in
        --long) long=long ;;
        --help) usage; exit 0 ;;
        -*) echo "unknown option $word" >&2; usage >&2; exit 2 ;;
        *) part=$word ;;
    esac
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The packages that scripts/clients.sh builds, so that cargo builds nothing twice.
cargo build --locked -p narrows-proxy -p narrows-gateway -p narrows-probe
code=0
NARROWS_FAULTS=$long cargo test --locked -p narrows-tests --test it -- "faults::$part" 2>&1 |
    tee "$log" || code=$?

passed=$(grep -c '^test faults::.* ok$' "$log" || true)
failed=$(grep -c '^test faults::.* FAILED$' "$log" || true)
skipped=$(grep -c '^SKIPPED' "$log" || true)
if [ "$passed" -eq 0 ] && [ "$code" -eq 0 ]; then
    echo "there is no part $part" >&2
    code=1
fi
# What is skipped says so, and passes.
figures="$((passed - skipped)) faults played, $failed failed, $skipped skipped, in $SECONDS s"
if [ "$code" -ne 0 ]; then
    echo "faults: FAILED: $figures"
    exit 1
fi
echo "faults: pass: $figures"
