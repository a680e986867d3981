#!/usr/bin/env bash
# Known faults of what we depend on, from a copy of the RustSec database, without the network.
set -euo pipefail
cd "$(dirname "$0")/.."
# A copy that is older says nothing about half a year of faults.
stale_days=180
copy=tests/advisories

usage() {
    cat <<'USAGE'
Checks every locked crate, those of the fuzz targets too, against the advisories in tests/advisories.

  scripts/advisories.sh                checks: our own test, and cargo-deny where it is installed
  scripts/advisories.sh --from GITDIR  replaces the copy by what GITDIR, a clone of
                                       https://github.com/rustsec/advisory-db, has at its HEAD, and checks
USAGE
}

# refresh GITDIR: the advisories of every locked crate, and the names of all crates that have any, so that a
# crate which enters a lock file later is known to be without advisories or known to be missing here.
refresh() {
    local from names paths
    from=$(git -C "$1" rev-parse --absolute-git-dir)
    names=$(git --git-dir "$from" ls-tree --name-only HEAD crates/ | sed 's#^crates/##')
    rm -rf "$copy/crates"
    printf '%s\n' "$names" >"$copy/names.txt"
    mapfile -t paths < <(sed -nE 's/^name = "(.*)"$/\1/p' Cargo.lock fuzz/Cargo.lock | sort -u |
        comm -12 - <(printf '%s\n' "$names" | sort) | sed 's#^#crates/#')
    git --git-dir "$from" archive HEAD "${paths[@]}" | tar -x -C "$copy"
    cat >"$copy/copy.toml" <<TOML
# Written by scripts/advisories.sh: what this is a copy of.
source = "https://github.com/rustsec/advisory-db"
commit = "$(git --git-dir "$from" rev-parse HEAD)"
date = "$(TZ=UTC git --git-dir "$from" log -1 --date=short-local --format=%cd HEAD)"
TOML
}

# cargo-deny takes its database from git alone: a repository of the copy stands in for the real one.
deny() {
    local work git_config=()
    work=$(mktemp -d)
    # shellcheck disable=SC2064 # expanded now, while the name is known
    trap "rm -rf '$work'" EXIT
    cp -r "$copy" "$work/copy"
    git -C "$work/copy" init -q -b main
    git -C "$work/copy" add -f crates
    git -C "$work/copy" -c user.name=copy -c user.email=copy@localhost -c commit.gpgsign=false commit -q -m copy
    sed "s#^\[advisories\]#&\\ndb-path = \"$work/databases\"\\ngit-fetch-with-cli = true#" deny.toml >"$work/deny.toml"
    git_config=(GIT_CONFIG_COUNT=1 "GIT_CONFIG_KEY_0=url.file://$work/copy.insteadOf"
        GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db)
    env "${git_config[@]}" CARGO_NET_OFFLINE=true cargo deny --config "$work/deny.toml" check advisories
}

case ${1:-} in
    "") ;;
    --from) [ $# -eq 2 ] || { usage >&2; exit 2; }; refresh "$2" ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac

# The whole workspace, as in .ci/run: cargo would build much again for one package.
cargo test --workspace --locked --test it --no-run
cargo test -q --workspace --locked --test it -- supply::advisories
if ! command -v cargo-deny >/dev/null; then
    echo "SKIPPED: cargo-deny is not installed: only our own test read the advisories"
elif ! command -v git >/dev/null; then
    echo "SKIPPED: git is not installed, and cargo-deny takes advisories from git alone"
else
    deny
fi
date=$(sed -nE 's/^date = "(.*)"$/\1/p' "$copy/copy.toml")
days=$((($(date +%s) - $(date -d "$date" +%s)) / 86400))
if [ $days -gt $stale_days ]; then
    echo "WARNING: the advisories are $days days old: bring them up to date with scripts/advisories.sh --from GITDIR"
fi
crates=$(sed -nE 's/^name = "(.*)"$/\1/p' Cargo.lock fuzz/Cargo.lock | sort -u | wc -l)
echo "ran $crates locked crates against $(find "$copy/crates" -name '*.md' | wc -l) advisories of $date, $days days old: pass"
