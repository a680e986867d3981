#!/usr/bin/env bash
# Builds everything with the oldest toolchain that the root Cargo.toml promises (`rust-version`).
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
    cat <<'USAGE'
Checks that the libraries, binaries, examples, tests and benches build with the oldest toolchain that
`rust-version` in the root Cargo.toml promises, and with the locked dependencies.

  scripts/msrv.sh

Its results stand in target/msrv (or $CARGO_TARGET_DIR), apart from those of the usual toolchain. What needs no
second toolchain is checked with every `cargo test` (tests/it/supply/toolchain.rs: what each dependency asks for)
and `cargo clippy` (incompatible_msrv: what the standard library had then).
USAGE
    [ "$1" = --help ] || [ "$1" = -h ] || exit 2
    exit 0
fi

oldest=$(sed -nE 's/^rust-version = "(.*)"$/\1/p' Cargo.toml)
# A toolchain is named by all three numbers.
toolchain=$oldest
[[ $oldest == *.*.* ]] || toolchain=$oldest.0
if ! cargo "+$toolchain" --version >/dev/null 2>&1; then
    echo "SKIPPED: Rust $toolchain is not installed: rustup toolchain install $toolchain --profile minimal"
    exit 0
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/msrv}
if ! cargo "+$toolchain" check --workspace --all-targets --locked; then
    echo "FAILED: something needs a newer toolchain than Rust $oldest, which Cargo.toml promises"
    exit 1
fi
members=$(cargo metadata --format-version=1 --no-deps --locked | grep -o '"manifest_path"' | wc -l)
echo "ran cargo check with Rust $toolchain on all targets of $members packages: pass"
