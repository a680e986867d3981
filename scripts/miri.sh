#!/usr/bin/env bash
# The tests that need no system, under Miri: see --help.
set -euo pipefail
cd "$(dirname "$0")/.."

# Of each part: its packages, and the modules whose tests are run. Others take minutes a test there, or ask the
# system for what is not there: sockets, files, the time of day.
declare -A packages=(
    [floors]="narrows-connect narrows-endpoint narrows-log"
    [threads]="narrows-server narrows-admin"
)
declare -A modules=(
    [floors]="address:: host:: pattern:: credentials:: encode:: judge:: list:: page:: quote:: refusal:: request:: split:: writer::tests"
    [threads]="admission:: connection:: detours:: dials:: live:: prefixed:: serving:: watch::histogram"
)

usage() {
    cat <<TEXT
Usage: scripts/miri.sh [--seed N] [PART...]

Runs unit tests under Miri, which interprets them. It finds undefined behaviour in the unsafe code of our dependencies
as we use it, races of data, and, as it picks the order of threads and how late a relaxed load sees a store, orders
that a processor rarely shows. The parts:

  floors   what has no I/O (${packages[floors]}),
           and the hand-over of log lines between threads
  threads  who is let in, counted and waited for (${packages[threads]})

Left out are property tests (to make one text takes a minute there) and what needs sockets, files or C.

  --seed N  another seed makes other orders of threads and other addresses (default 0)

Its results stand in target/miri (or \$CARGO_TARGET_DIR/miri). A run repeats with its seed. Needs a nightly toolchain
with Miri, and for threads a C compiler, since its packages are linked with what is C; no test calls that.
TEXT
}

seed=0 parts=()
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit ;;
        --seed) seed=${2:?--seed wants a number}; shift ;;
        floors | threads) parts+=("$1") ;;
        *) echo "miri.sh: $1 is no part: floors, threads" >&2; exit 2 ;;
    esac
    shift
done
[[ $seed =~ ^[0-9]+$ ]] || { echo "miri.sh: $seed is no number" >&2; exit 2; }
if ! cargo +nightly miri --version >/dev/null 2>&1; then
    echo "SKIPPED: no nightly toolchain with Miri: rustup toolchain install nightly --profile minimal -c miri,rust-src"
    exit
fi
[ ${#parts[@]} -gt 0 ] || parts=(floors threads)

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/miri
# Isolated from the machine: the clock goes as fast as the interpreter, so that no test misses its time.
export MIRIFLAGS="-Zmiri-seed=$seed"
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# properties PACKAGE...: an argument of the test program for each function within a `proptest!`.
properties() {
    find "${@/#/crates/}" -name '*.rs' -path '*/src/*' -exec awk '
        /^ *proptest! \{$/ { match($0, /^ */); indent = RLENGTH; inside = 1; next }
        inside && /^ *\}$/ { match($0, /^ */); inside = RLENGTH != indent }
        inside && /^ *fn [a-z0-9_]+\(/ { sub(/^ *fn /, ""); sub(/\(.*/, ""); print "--skip=tests::" $0 }' {} +
}

failed=() ran=0
for part in "${parts[@]}"; do
    read -ra names <<<"${packages[$part]}"
    read -ra wanted <<<"${modules[$part]}"
    mapfile -t skips < <(properties "${names[@]}")
    # All of it first, so that the time below is that of the tests.
    cargo +nightly miri test --locked "${names[@]/#/--package=}" --lib --no-run
    start=$SECONDS code=0
    cargo +nightly miri test --locked "${names[@]/#/--package=}" --lib --no-fail-fast -- "${wanted[@]}" "${skips[@]}" 2>&1 |
        tee "$said" || code=$?
    passed=$(awk '/^test result:/ { all += $4 } END { print all + 0 }' "$said")
    echo "miri: $part: $passed tests in $((SECONDS - start)) s"
    ran=$((ran + passed))
    if [ "$code" -ne 0 ] || [ "$passed" -eq 0 ]; then failed+=("$part"); fi
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "miri: FAILED in ${failed[*]} ($ran tests passed, $SECONDS s with the build)"
    exit 1
fi
echo "miri: pass, $ran tests, seed $seed, $SECONDS s with the build, $(rustc +nightly --version)"
