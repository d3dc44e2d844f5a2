#!/usr/bin/env bash
# Runs PostgreSQL on the given loopback port in a fresh temporary folder, with TLS, and until standard input closes (so
# however its starter ends, nothing outlives it). When it answers, prints the folder, where its certificate is `server.crt`.
# The user `helm` has the password `p@ss w'rd/`. The server refuses to run as root, who therefore becomes `postgres`.
# Usage: postgres.sh PORT
set -euo pipefail
port=$1
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/initdb" ] || { echo "PostgreSQL is not there: apt-get install postgresql" >&2; exit 1; }
as=()
if [ "$(id -u)" = 0 ]; then as=(runuser -u postgres --); fi
dir=$("${as[@]}" mktemp -d /tmp/pilothouse-postgres.XXXXXX)
cleanup() {
  "${as[@]}" "$bin/pg_ctl" stop -D "$dir/data" -m immediate >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP
cd "$dir"

"${as[@]}" openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.crt -days 30 -subj /CN=database \
  -addext subjectAltName=DNS:localhost 2>/dev/null
chmod a+rx . && chmod a+r server.crt
"${as[@]}" tee password >/dev/null <<<"p@ss w'rd/"
"${as[@]}" "$bin/initdb" -D data -U helm --auth=scram-sha-256 --pwfile=password --no-sync >initdb.log 2>&1 ||
  { cat initdb.log >&2; exit 1; }
"${as[@]}" "$bin/pg_ctl" start -w -D data -l "$dir/server.log" -o "-c listen_addresses=localhost -c port=$port \
  -c unix_socket_directories=$dir -c fsync=off -c ssl=on -c ssl_cert_file=$dir/server.crt -c ssl_key_file=$dir/server.key" \
  >start.log 2>&1 || { cat start.log server.log >&2; exit 1; }

echo "$dir"
cat >/dev/null
