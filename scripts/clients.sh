#!/usr/bin/env bash
# Which programs get through, and by which way: `bash scripts/clients.sh [--tools DIRECTORY]`.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { cat <<'HELP'
bash scripts/clients.sh [--tools DIRECTORY]

Drives the real programs that are installed here through narrows-proxy: curl, wget, git, apt, pip, npm, Python's
requests, urllib3, httpx and aiohttp, Node's undici and global-agent, Java, Go, openssl s_client, Chromium; each
directly, through a Squid without and with a password, and through narrows-gateway by HTTP/1.1 and HTTP/2. Also
programs that need no narrows-proxy: curl, Node's http2 and Squid as the gateway's clients. What was fetched, and what
the logs of all parties say of it, must be right.

It prints a table, client by way, and why a client is skipped or has failed. They are the tests in tests/it/clients.

  --tools DIR   where the Python and Node modules that are missing are installed, to find them there the next time
                [a directory that goes again]

All on loopback, with certificates made for the purpose; no setting of the system is read or changed.
HELP
}

tools=
while [ $# -gt 0 ]; do
    case $1 in
        --help) usage; exit 0 ;;
        --tools) tools=${2:?--tools needs a directory}; shift 2 ;;
        *) echo "$1: no such flag"; usage; exit 2 ;;
    esac
done
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
mkdir -p "${tools:=$log/tools}"
tools=$(cd "$tools" && pwd)

python_modules=(requests urllib3 httpx aiohttp)
has_python_modules() { python3 -c "import $(IFS=,; echo "${python_modules[*]}")" 2>/dev/null; }
if command -v python3 >/dev/null && ! has_python_modules; then
    export PATH="$tools/python/bin:$PATH"
    has_python_modules || { python3 -m venv "$tools/python" &&
        "$tools/python/bin/pip" install -q --disable-pip-version-check "${python_modules[@]}"; } ||
        echo "the modules for Python cannot be had"
fi
export NARROWS_NODE_MODULES=${NARROWS_NODE_MODULES:-$tools/node/node_modules}
has_node_modules() { NODE_PATH=$NARROWS_NODE_MODULES node -e 'require("undici"); require("global-agent")' 2>/dev/null; }
if command -v npm >/dev/null && ! has_node_modules; then
    npm install --silent --no-audit --no-fund --prefix "$tools/node" undici@6 global-agent@3 ||
        echo "the modules for Node cannot be had"
fi

# version NAME COMMAND...: the first number with a dot that it prints.
version() {
    local name=$1 found
    shift
    found=$("$@" 2>&1 </dev/null | grep -oEm1 '[0-9]+\.[0-9][0-9.a-z]*' | head -n 1) || true
    echo "$name ${found:-is not installed}"
}
python_version() { version "$1" python3 -c "import $1; print($1.__version__)"; }
node_version() { version "$1" node -p "require('$NARROWS_NODE_MODULES/$1/package.json').version"; }
{
    version curl curl --version; version wget wget --version; version git git --version
    version apt apt-get --version; version pip python3 -m pip --version; version npm npm --version
    version Python python3 --version
    for module in "${python_modules[@]}"; do python_version "$module"; done
    version Node node --version; node_version undici; node_version global-agent
    version Java java -version; version Go go version; version OpenSSL openssl version
    version Chromium chromium --version; version Squid "$(PATH=$PATH:/usr/sbin command -v squid || echo squid)" -v
} | paste -sd, | sed 's/,/, /g'

# All of it first: a test that finds no program builds one, and that takes its time.
cargo build --locked -p narrows-proxy -p narrows-gateway -p narrows-probe
cargo test --locked -p narrows-tests --test it --no-run
# What a test says of itself goes to standard error, and its verdict to standard output.
cargo test -q --locked -p narrows-tests --test it -- --format pretty clients:: gateway::strangers:: \
    >"$log/out" 2>"$log/err" || true

awk -v seconds=$SECONDS '
function cell(name, verdict,    parts, n, row) {
    sub(/^(clients|gateway)::/, "", name)
    n = split(name, parts, "::")
    if (parts[1] == "strangers") { others[parts[2]] = verdict; return }
    row = parts[1] " " parts[2]
    gsub(/_/, " ", row)
    if (!(row in seen)) { seen[row] = 1; rows[++count] = row }
    table[row, parts[n]] = verdict
}
FILENAME ~ /err$/ && /^SKIPPED: / {
    name = $2
    sub(/:$/, "", name)
    sub(/^SKIPPED: [^ ]+: /, "")
    skipped[name] = $0
    next
}
/^test .* \.\.\. / {
    name = $2
    verdict = $NF
    if (verdict == "ok" && name in skipped) { verdict = "skipped"; skips++; why[skipped[name]] = why[skipped[name]] " " name }
    if (verdict == "ok") passed++
    if (verdict == "FAILED") failed++
    cell(name, verdict)
}
/^---- .* stdout ----$/ { name = $2; next }
name != "" && /panicked at / { getline message; if (!(name in first)) first[name] = message }
END {
    split("direct through_squid through_squid_with_basic through_gateway_h1 through_gateway_h2", ways, " ")
    printf "%-26s %-9s %-9s %-15s %-11s %-11s\n", "client", "direct", "Squid", "Squid, password", "gateway h1", "gateway h2"
    for (at = 1; at <= count; at++) {
        row = rows[at]
        printf "%-26s %-9s %-9s %-15s %-11s %-11s\n", row, table[row, ways[1]], table[row, ways[2]], table[row, ways[3]], table[row, ways[4]], table[row, ways[5]]
    }
    for (name in others) { shown = name; gsub(/_/, " ", shown); printf "%-62s %s\n", shown, others[name] }
    for (reason in why) printf "SKIPPED: %s:%s\n", reason, why[reason]
    for (name in first) printf "FAILED: %s: %s\n", name, first[name]
    printf "clients: %s: %d ok, %d failed, %d skipped, in %d s\n", failed || !passed ? "FAILED" : "pass", passed, failed, skips, seconds
    exit failed || !passed
}' "$log/err" "$log/out" || { code=$?; [ -s "$log/out" ] || cat "$log/err"; exit "$code"; }
