#!/usr/bin/env bash
# Builds everything with the lowest versions that our manifests allow.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
    cat <<'USAGE'
Checks that the requirements in the root Cargo.toml are true: that the workspace builds when each dependency that it
names is taken in the lowest version that its requirement allows. What those depend on is taken in the newest,
since their requirements are not ours to mend.

  scripts/minimal-versions.sh

Works on a copy of the tree, so that our Cargo.lock stays as it is. Needs a nightly cargo for the choice of versions
(-Z direct-minimal-versions), and the registry's index; the build itself is done with the usual toolchain.
USAGE
    [ "$1" = --help ] || [ "$1" = -h ] || exit 2
    exit 0
fi

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "SKIPPED: no nightly cargo: rustup toolchain install nightly --profile minimal"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/minimal-versions}
git ls-files -z | xargs -0 cp --parents -t "$work"
cd "$work"
rm Cargo.lock
if ! cargo +nightly update -Z direct-minimal-versions; then
    echo "FAILED: a requirement in Cargo.toml is lower than what another dependency wants of the same crate"
    exit 1
fi
if ! cargo check --workspace --all-targets --locked; then
    echo "FAILED: a requirement in Cargo.toml is lower than what we use"
    exit 1
fi
echo "ran cargo check with the lowest versions of $(grep -c '^name = ' Cargo.lock) crates that Cargo.toml allows: pass"
