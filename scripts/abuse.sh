#!/usr/bin/env bash
# The abuse table of docs/security.md, played: `bash scripts/abuse.sh [ROW...]`.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { cat <<'HELP'
usage: scripts/abuse.sh [ROW...]

Runs the tests that the abuse table of docs/security.md names, those that are too long for every run too, or the tests
of these rows alone. For each row it says how many passed, and which did not; it ends with one line.

Tests that need what is not here say SKIPPED, and are counted.
HELP
}

wanted=()
for word in "$@"; do
    case $word in
        --help) usage; exit 0 ;;
        '' | *[!0-9]*) echo "$word: no row, which is a number" >&2; usage >&2; exit 2 ;;
        *) wanted+=("$word") ;;
    esac
done

# The table, a line for each test: its row, its file, its name.
cases=$(awk -F'|' '/^\| [0-9]+ \|/ {
    row = $2 + 0
    while (match($0, /`[^` ]+\.rs::[a-z0-9_]+`/)) {
        split(substr($0, RSTART + 1, RLENGTH - 2), part, "::")
        print row, part[1], part[2]
        $0 = substr($0, RSTART + RLENGTH)
    }
}' docs/security.md)
if [ ${#wanted[@]} -gt 0 ]; then
    for row in "${wanted[@]}"; do
        grep -q "^$row " <<<"$cases" || { echo "row $row has no test" >&2; exit 2; }
    done
    cases=$(grep -E "^($(IFS='|'; echo "${wanted[*]}")) " <<<"$cases")
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
mapfile -t names < <(awk '{ print $3 }' <<<"$cases" | sort -u)
code=0
# Of the whole workspace, so that cargo builds what `cargo test` has built.
cargo test --workspace --locked --tests --no-fail-fast -- --include-ignored "${names[@]}" 2>&1 | tee "$log" || code=$?

# module FILE: where the tests of a file are within its program.
module() {
    local path=${1#crates/*/}
    case $path in
        src/*) path=${path#src/} ;;
        tests/it/*) path=${path#tests/it/} ;;
        *) path= ;;
    esac
    path=${path%.rs}
    echo "${path//\//::}${path:+::}"
}

echo
failed=0 ran=0 skipped=0 row_before='' passed=0
# said ROW: how the row went, once all its tests are counted.
said() { [ -z "$1" ] || echo "row $1: $passed ok"; }
while read -r row file name; do
    if [ "$row" != "$row_before" ]; then said "$row_before"; row_before=$row passed=0; fi
    # A macro may give it a module of its own.
    result=$(sed -nE "s/^test $(module "$file")([a-z0-9_:]*::)?$name \.\.\. (.*)/\2/p" "$log" | sort -u)
    # What it lacks, a test says, and passes.
    if grep -qE "^SKIPPED: ([a-z0-9_]+::)*$name: " "$log"; then
        skipped=$((skipped + 1))
        echo "row $row: $file::$name: skipped"
    elif [ "$result" = ok ]; then
        passed=$((passed + 1)) ran=$((ran + 1))
    else
        failed=$((failed + 1))
        echo "row $row: $file::$name: ${result:-did not run}"
    fi
done <<<"$cases"
said "$row_before"
if [ ${#wanted[@]} -eq 0 ]; then
    awk -F' *\\| *' '/^\| [0-9]+ \|/ && !/\.rs::/ { print "row " $2 ": no test, " $5 }' docs/security.md
fi
rows=$(awk '{ print $1 }' <<<"$cases" | sort -u | wc -l)
figures="$rows rows, $ran tests ok, $failed failed, $skipped skipped, in $SECONDS s"
if [ "$failed" -gt 0 ] || [ "$code" -ne 0 ]; then
    echo "abuse: FAILED: $figures"
    exit 1
fi
echo "abuse: pass: $figures"
