#!/usr/bin/env bash
# The floors of the house: arrows point down only, floors 0 and 1 stay pure.
# The rules and their self-test live in tests/src/layering.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo test --workspace --locked --test it -- layering::
