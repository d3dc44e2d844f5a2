#!/usr/bin/env bash
# Builds the programs of the test control plane (etcd, the Kubernetes control plane, kwok, kubectl, Helm) from the Go
# module beside this file into a cache folder and prints that folder. Does nothing when they are there already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/go.mod" "$here/go.sum" | sha256sum | cut -c1-16)
bin=${XDG_CACHE_HOME:-$HOME/.cache}/pilothouse/control-plane-$key
if [ ! -e "$bin/complete" ]; then
  command -v go >/dev/null || { echo "the control plane tests need Go 1.26 to build their programs" >&2; exit 1; }
  mkdir -p "$bin"
  stamp=k8s.io/component-base/version
  # The version stamp matters: without it clients cannot parse the server's version.
  (cd "$here" && go build -trimpath -ldflags "-s -w -X $stamp.gitVersion=v1.36.1 -X $stamp.gitMajor=1 -X $stamp.gitMinor=36" -o "$bin/" tool) >&2
  touch "$bin/complete"
fi
echo "$bin"
