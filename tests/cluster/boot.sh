#!/usr/bin/env bash
# Boots a control plane on the given loopback ports in a fresh temporary folder, prints its kubeconfig's path as the last
# line, and runs until standard input closes (so however its starter ends, nothing outlives it).
# Usage: boot.sh BIN ETCD-PORT PEER-PORT API-PORT KUBELET-PORT
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$1 etcd=$2 peer=$3 api=$4 kubelet=$5
dir=$(mktemp -d "${TMPDIR:-/tmp}/pilothouse-plane.XXXXXX")
pids=()
cleanup() {
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill -9 "${pids[i]}" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP
cd "$dir"

run() { # NAME PROGRAM [ARG ...]
  local log=$dir/$1.log program=$2
  shift 2
  "$bin/$program" "$@" >"$log" 2>&1 </dev/null &
  pids+=($!)
}
until_ok() { # WHAT COMMAND [ARG ...]: tries for 60 s
  local what=$1 deadline=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS > deadline)); then
      echo "$what did not come up; its log ends:" >&2
      tail -n 20 "$dir/$what.log" >&2 || true
      exit 1
    fi
    sleep 0.1
  done
}
mkdir certs
openssl genrsa -out sa.key 2048 2>/dev/null
openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout kubelet.key -out kubelet.crt -days 30 -subj /CN=kwok -addext subjectAltName=IP:127.0.0.1 2>/dev/null
printf '%s\n' 'admin-token,admin,admin,system:masters' 'walker-token,walker,walker' 'reader-token,reader,reader' 'mute-token,mute,mute' >tokens.csv
{
  printf 'apiVersion: v1\nkind: Config\ncurrent-context: test\n'
  printf 'clusters:\n- {name: test, cluster: {server: "https://127.0.0.1:%s", insecure-skip-tls-verify: true}}\n' "$api"
  printf 'users:\n'
  for user in admin walker reader mute; do printf -- '- {name: %s, user: {token: %s-token}}\n' $user $user; done
  printf 'contexts:\n- {name: test, context: {cluster: test, user: admin, namespace: default}}\n'
  for user in walker reader mute; do printf -- '- {name: %s, context: {cluster: test, user: %s, namespace: default}}\n' $user $user; done
} >kubeconfig
printf '2026-01-01T00:00:00.000000000Z stdout F starting up\n2026-01-01T00:00:01.000000000Z stdout F ready\n' >pod.log
sed "s#LOGS_FILE#$dir/pod.log#" "$here/kwok.yaml" >kwok.yaml
export KUBECONFIG=$dir/kubeconfig

run etcd server --data-dir etcd --unsafe-no-fsync \
  --listen-client-urls "http://127.0.0.1:$etcd" --advertise-client-urls "http://127.0.0.1:$etcd" \
  --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "default=http://127.0.0.1:$peer"
run kube-apiserver kube-apiserver --etcd-servers "http://127.0.0.1:$etcd" --secure-port "$api" --bind-address 127.0.0.1 --cert-dir certs \
  --token-auth-file tokens.csv --authorization-mode RBAC --service-account-issuer https://kubernetes.default.svc \
  --service-account-signing-key-file sa.key --service-account-key-file sa.pub --service-cluster-ip-range 10.0.0.0/16
until_ok kube-apiserver "$bin/kubectl" get --raw /readyz
run kube-controller-manager kube-controller-manager --kubeconfig kubeconfig --service-account-private-key-file sa.key --leader-elect=false --secure-port 0 --controllers '*'
run kube-scheduler kube-scheduler --kubeconfig kubeconfig --leader-elect=false --secure-port 0
run kwok kwok --kubeconfig kubeconfig --manage-all-nodes=true --config kwok.yaml --node-ip 127.0.0.1 --node-port "$kubelet" \
  --server-address "127.0.0.1:$kubelet" --tls-cert-file kubelet.crt --tls-private-key-file kubelet.key
until_ok kwok bash -c "</dev/tcp/127.0.0.1/$kubelet"
"$bin/kubectl" apply -f "$here/cluster.yaml" >/dev/null
until_ok kube-controller-manager "$bin/kubectl" get serviceaccount default -n default
until_ok kwok "$bin/kubectl" wait --for=condition=Ready node/node-1 --timeout=1s

echo "$dir/kubeconfig"
cat >/dev/null
