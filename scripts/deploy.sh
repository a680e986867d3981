#!/usr/bin/env bash
# The container file is without fault (hadolint). Of the Kubernetes files, every object fits its schema
# (kubernetes-validate, which brings the schemas along), the kustomization renders (kubectl), a pod's grace is
# longer than its drain, and the gateway starts from the directory that the pod gets. No engine, no cluster.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
here=deploy/kubernetes
fail() { echo "$*"; exit 1; }

if command -v hadolint >/dev/null; then
    hadolint deploy/container/Dockerfile
else
    echo "SKIPPED: hadolint is not installed: nobody judged the container file"
fi

# What only an operator can make.
cargo build -q --workspace --locked --bin narrows-gateway
gateway=${CARGO_TARGET_DIR:-target}/debug/narrows-gateway
cp -r "$here" "$work/files"
"$gateway" --dir "$work/files" create fleet --domain example.net >/dev/null
"$gateway" --dir "$work/files" token issue fleet >/dev/null

if command -v kubernetes-validate >/dev/null; then
    for file in "$here"/*.yaml; do
        case $file in */kustomization.yaml) continue ;; esac
        kubernetes-validate --strict "$file"
    done
else
    echo "SKIPPED: kubernetes-validate is not installed: no object was held against its schema"
fi
if kubectl kustomize --help >/dev/null 2>&1; then
    kubectl kustomize "$work/files" >"$work/all.yaml"
    if command -v kubernetes-validate >/dev/null; then
        kubernetes-validate --strict --quiet "$work/all.yaml"
    fi
    for kind in ConfigMap Deployment HorizontalPodAutoscaler NetworkPolicy PodDisruptionBudget Secret Service; do
        grep -qx "kind: $kind" "$work/all.yaml" || fail "the kustomization has no $kind"
    done
else
    echo "SKIPPED: kubectl is not installed: the kustomization was not rendered"
fi

grace=$(sed -nE 's/^ *terminationGracePeriodSeconds: ([0-9]+)$/\1/p' "$here/deployment.yaml")
unready=$(sed -nE 's/^unready_seconds = ([0-9]+)$/\1/p' "$here/gateway.toml")
drain=$(sed -nE '/^\[drain\]/,$ s/^seconds = ([0-9]+)$/\1/p' "$here/gateway.toml")
[ "$grace" -ge $((unready + drain + 10)) ] || fail "grace $grace s is too short for $unready s unready and a drain of $drain s"

# The directory of a pod, with the certificate of a trial.
"$gateway" --dir "$work/trial" init >/dev/null
mkdir -p "$work/pod/gateways" "$work/pod/tls"
cp "$work/files/gateway.toml" "$work/files/tokens.json" "$work/pod"
cp "$work/files/gateways/fleet.json" "$work/pod/gateways"
cp "$work/trial/tls/certificate.pem" "$work/trial/tls/key.pem" "$work/pod/tls"
"$gateway" run --dir "$work/pod" --listen 127.0.0.1:0 2>"$work/said" &
pid=$!
deadline=$((SECONDS + 20))
until grep -q 'listening on' "$work/said"; do
    [ $SECONDS -lt $deadline ] && kill -0 "$pid" 2>/dev/null || { cat "$work/said"; fail "the gateway did not start"; }
    sleep 0.05
done
echo "ran the checks of the container and Kubernetes files"
