#!/usr/bin/env bash
# The model of the relay over many seeds, in a release build and on all cores.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Usage: scripts/model.sh [--seeds N] [--from S] [--part PART] [--jobs N]

Plays the relay against its reference (crates/narrows-tunnel/tests/model): peers that misbehave as a seed says.

  --seeds N    how many seeds (default 1000000)
  --from S     the first of them (default 0)
  --part PART  memory, line, tls or sockets; all by default, those after the first with a hundredth of the seeds
  --jobs N     threads (default: the number of cores)

The last line says pass or FAILED. A failure names its seed and how to run that one again.
TEXT
}

seeds=1000000 from=0 parts=() jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit ;;
        --seeds) seeds=${2:?--seeds wants a number} ;;
        --from) from=${2:?--from wants a number} ;;
        --jobs) jobs=${2:?--jobs wants a number} ;;
        --part) parts+=("${2:?--part wants memory, line, tls or sockets}") ;;
        *) echo "model.sh: unknown argument $1; --help lists them" >&2; exit 2 ;;
    esac
    shift 2
done
for number in "$seeds" "$from" "$jobs"; do
    [[ $number =~ ^[0-9]+$ ]] || { echo "model.sh: $number is no number" >&2; exit 2; }
done
for part in "${parts[@]}"; do
    [[ $part =~ ^(line|memory|sockets|tls)$ ]] ||
        { echo "model.sh: $part is no part: memory, line, tls or sockets" >&2; exit 2; }
done

said=$(mktemp)
trap 'rm -f "$said"' EXIT
cargo test --release --locked -p narrows-tunnel --test model --no-run 2>&1 | tee "$said" >&2 ||
    { echo "model: FAILED, it does not build"; exit 1; }
program=$(sed -nE 's/^ *Executable .*\((.*)\)$/\1/p' "$said")

# play PART SEEDS: prints the model's own line, or all that is known of a failure.
play() {
    if NARROWS_MODEL_SEEDS=$2 NARROWS_MODEL_FROM=$from NARROWS_MODEL_JOBS=$jobs RUST_BACKTRACE=0 \
        "$program" --nocapture "$1_" >"$said" 2>&1; then
        grep '^model ' "$said"
    else
        cat "$said"
        return 1
    fi
}

if [ ${#parts[@]} -eq 0 ]; then
    few=$((seeds / 100 > 0 ? seeds / 100 : 1))
    plays=("memory $seeds" "line $few" "tls $few" "sockets $few")
else
    plays=("${parts[@]/%/ $seeds}")
fi
tried=0 failed=()
for one in "${plays[@]}"; do
    read -r part count <<<"$one"
    play "$part" "$count" || failed+=("$part")
    tried=$((tried + count))
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "model: FAILED in ${failed[*]} (${SECONDS} s)"
    exit 1
fi
echo "model: pass, $tried seeds from $from in ${SECONDS} s, no octet lost, doubled or altered"
