#!/usr/bin/env bash
# What the workspace may depend on: deny.toml and the advisories in tests/advisories, checked offline by
# tests/src/supply, and by cargo-deny when it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --workspace --locked --test it -- supply::
if command -v cargo-deny >/dev/null; then
    cargo deny --offline check bans licenses sources
else
    echo "SKIPPED: cargo-deny is not installed"
fi
bash scripts/advisories.sh
