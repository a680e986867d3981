#!/usr/bin/env bash
# Runs the fuzz targets (crates/*/fuzz) for a stated time over their committed seeds: see --help.
set -euo pipefail
cd "$(dirname "$0")/.."

help() {
    cat <<'HELP'
usage: scripts/fuzz.sh [--seconds N] [--runs N] [--jobs N] [--found DIR] [--stable] [--list] [TARGET...]

Builds the fuzz targets and runs each of them (or those that are named) from its committed seeds.
Seeds are only read: what a run finds is kept below DIR, or thrown away at its end. Prints the table
for docs/proof.md; cov and ft are libFuzzer's counts of edges and features, after the seeds and at
the end. The exit code is 1 when a target crashed, hung, or ran out of memory: the input is then in
crates/NAME/fuzz/artifacts/TARGET.

  --seconds N  how long each target runs (600)
  --runs N     end each target after so many executions too, the same ones each time
  --jobs N     how many run at the same time (1)
  --found DIR  start also from what earlier runs found below DIR/TARGET, and add to it
  --stable     build unoptimised with the default toolchain, not optimised with a nightly one and
               AddressSanitizer: fewer executions a second, for a short run everywhere
  --list       print the names of the targets, and do nothing

A crash again, from its input:
  target/fuzz/TRIPLE/release/TARGET crates/NAME/fuzz/artifacts/TARGET/crash-...
HELP
}

fail() { echo "$*" >&2; exit 2; }
whole() { case $2 in '' | *[!0-9]* | 0) fail "$1 takes a whole number above 0, not \"$2\"" ;; esac; }

seconds=600 runs='' jobs=1 found='' stable='' list='' wanted=()
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) help; exit 0 ;;
        --seconds) whole "$1" "${2-}"; seconds=$2; shift ;;
        --runs) whole "$1" "${2-}"; runs=$2; shift ;;
        --jobs) whole "$1" "${2-}"; jobs=$2; shift ;;
        --found) found=${2:?--found takes a directory}; shift ;;
        --stable) stable=yes ;;
        --list) list=yes ;;
        -*) fail "$1 is no option; --help lists them" ;;
        *) wanted+=("$1") ;;
    esac
    shift
done

# Every target's name and the directory of its fuzz package. Programs of all packages lie side by side.
declare -A home=()
targets=()
for source in crates/*/fuzz/fuzz_targets/*.rs; do
    name=$(basename "$source" .rs)
    [ -z "${home[$name]-}" ] || fail "two fuzz targets are called $name"
    home[$name]=${source%/fuzz_targets/*}
    targets+=("$name")
done
for name in "${wanted[@]}"; do
    [ -n "${home[$name]-}" ] || fail "no fuzz target is called $name; --list prints their names"
done
[ ${#wanted[@]} -eq 0 ] || targets=("${wanted[@]}")
if [ -n "$list" ]; then printf '%s\n' "${targets[@]}"; exit 0; fi

work=$(mktemp -d)
declare -A running=()
trap 'kill "${!running[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
found=${found:-$work/found}

triple=$(rustc -vV | sed -n 's/^host: //p')
target_dir=${CARGO_TARGET_DIR:-target/fuzz}
# What cargo-fuzz has the compiler do; `--target` keeps it out of build scripts.
flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
 -Cllvm-args=-sanitizer-coverage-trace-compares"
if [ -n "$stable" ]; then
    cargo=(cargo) profile=debug
else
    cargo +nightly --version >/dev/null 2>&1 || fail "no nightly toolchain: rustup toolchain install nightly"
    cargo=(cargo +nightly) profile=release
    flags+=" -Zsanitizer=address -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-stack-depth"
fi
# All of them at once: of a part, cargo would build other variants of what they share.
RUSTFLAGS=${flags//$'\n'/} "${cargo[@]}" build -q --locked --manifest-path fuzz/Cargo.toml --workspace --bins \
    --profile "${profile/debug/dev}" --target "$triple" --target-dir "$target_dir"
programs=$target_dir/$triple/$profile

# run TARGET: one target; leaves its output, its exit code, and its seconds of wall and CPU in $work.
run() {
    local seeds="${home[$1]}/corpus/$1" artifacts="${home[$1]}/artifacts/$1" begin=$SECONDS code=0 child
    mkdir -p "$found/$1" "$artifacts"
    # An input that takes 25 s hangs, also on a machine that is busy.
    local options=(-max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1
        -artifact_prefix="$artifacts/")
    if [ -n "$runs" ]; then options+=(-runs="$runs" -seed=1); fi
    if [ -e "${home[$1]}/$1.dict" ]; then options+=(-dict="${home[$1]}/$1.dict"); fi
    # libFuzzer writes into the first directory alone.
    "$programs/$1" "${options[@]}" "$found/$1" "$seeds" >"$work/$1.log" 2>&1 &
    child=$!
    trap 'kill "$child"' TERM
    wait "$child" || code=$?
    times >"$work/$1.cpu"
    rmdir "$artifacts" "$(dirname "$artifacts")" 2>/dev/null || true
    echo $((SECONDS - begin)) >"$work/$1.wall"
    echo "$code" >"$work/$1.code"
}

# last NAME PATTERN: the last thing in a target's output that the pattern captures, or nothing.
last() { sed -nE "s/.*$2.*/\1/p" "$work/$1.log" | tail -n 1; }

# row TARGET: its line of the table.
row() {
    local name=$1 wall cpu runs crashes=0 start end
    wall=$(cat "$work/$name.wall")
    # The second line of `times` is that of the children: minutes, "m", seconds.
    cpu=$(awk -F'[ms ]+' 'NR == 2 { printf "%.0f", 60 * ($1 + $3) + $2 + $4 }' "$work/$name.cpu")
    runs=$(last "$name" 'stat::number_of_executed_units: *([0-9]+)')
    start=$(sed -nE 's/.*INITED cov: ([0-9]+) ft: ([0-9]+) .*/\1, \2/p' "$work/$name.log" | head -n 1)
    end=$(sed -nE 's/.* cov: ([0-9]+) ft: ([0-9]+) .*/\1, \2/p' "$work/$name.log" | tail -n 1)
    [ "$(cat "$work/$name.code")" -eq 0 ] || crashes=1
    printf '| %-22s | %5d | %5d | %9s | %7s | %12s | %12s | %d |\n' "\`$name\`" "$wall" "$cpu" "${runs:-0}" \
        $((${runs:-0} / (wall > 0 ? wall : 1))) "${start:-?}" "${end:-?}" "$crashes"
}

start() {
    run "$1" &
    running[$!]=$1
}
# reap: waits for one target that ended, and says so.
reap() {
    local pid
    wait -n -p pid "${!running[@]}"
    echo "$(date -u +%H:%M:%S) ${running[$pid]} ended, exit code $(cat "$work/${running[$pid]}.code")" >&2
    unset "running[$pid]"
}
for name in "${targets[@]}"; do
    [ ${#running[@]} -lt "$jobs" ] || reap
    start "$name"
done
while [ ${#running[@]} -gt 0 ]; do reap; done

echo "| target | seconds | CPU s | executions | a second | cov, ft at first | cov, ft at last | crashes |"
echo "|---|---|---|---|---|---|---|---|"
for name in "${targets[@]}"; do row "$name"; done
crashed=()
for name in "${targets[@]}"; do
    [ "$(cat "$work/$name.code")" -ne 0 ] || continue
    crashed+=("$name")
    echo
    echo "$name: its inputs that fail are in ${home[$name]}/artifacts/$name; the end of its output:"
    tail -n 30 "$work/$name.log"
done
total=$(cat "$work"/*.log | awk '/stat::number_of_executed_units/ { sum += $2 } END { print sum + 0 }')
echo
if [ ${#crashed[@]} -gt 0 ]; then
    echo "fuzz: FAILED, ${#crashed[@]} of ${#targets[@]} targets: ${crashed[*]}"
    exit 1
fi
echo "fuzz: pass, ${#targets[@]} targets, $([ -n "$runs" ] || echo "$seconds s each, ")$total executions, no crash"
