#!/usr/bin/env bash
# Builds the Dockerfile without a container engine, starts what comes out, sends it a turn, stops it, and measures it.
# Needs root, buildah, curl and, where BASE is not given, debootstrap (Debian: apt-get install buildah debootstrap curl).
# Each line of the result begins with "ok" or "FAILED"; the exit code is 0 where all are ok.
#
#   deploy/build_and_try.sh              build on a Debian bookworm made here by debootstrap, and try it
#   BASE=python:3.13-slim-bookworm deploy/build_and_try.sh      on another image, which buildah fetches
#
# STORE     where images and containers are kept           [/var/tmp/toolmend-image]
# BASE      base image                                     [made by debootstrap: python3, python3-venv, ca-certificates]
# MIRROR    Debian mirror for debootstrap                  [debootstrap's own]
# CA        file of certificates that pip trusts, too      [none]
# PACKAGES  list of packages: base, or otel                [base]
# PORT      first of two free ports on loopback            [21000]
# TAG       name of the image                              [localhost/toolmend:try]
# ISOLATION buildah's: chroot needs no engine; oci is stricter  [chroot]
set -euo pipefail
cd "$(dirname "$0")/.."

STORE=${STORE:-/var/tmp/toolmend-image}
TAG=${TAG:-localhost/toolmend:try}
PORT=${PORT:-21000}
MODEL_PORT=$((PORT + 1))
ISOLATION=${ISOLATION:-chroot}
URL=http://127.0.0.1:$PORT
failed=0
containers=()
model= proxy=
mkdir -p "$STORE"

b() { buildah --root "$STORE/root" --runroot "$STORE/run" --storage-driver vfs "$@"; }
tell() { # tell NAME COMMAND...: say whether the command succeeds
    local what=$1
    shift
    if "$@" >"$STORE/out" 2>&1; then echo "ok      $what"; else
        echo "FAILED  $what"
        sed 's/^/        /' "$STORE/out"
        failed=1
    fi
}
below() { # below PID: the last of its line of children, which is the container's own process
    local child=$1 next
    while next=$(pgrep -P "$child" -n); do child=$next; done
    echo "$child"
}
clean() {
    for each in $proxy $model; do kill "$(below "$each")" 2>/dev/null || true; done
    wait
    for each in "${containers[@]}"; do b rm "$each" >/dev/null || true; done
}
trap clean EXIT
container() { # container NAME: one to run in, from the image
    b from --name "$1" --pull-never "$TAG" >/dev/null
    containers+=("$1")
}
wait_for() { for _ in $(seq 100); do curl --silent --fail --output /dev/null "$1" && return; sleep 0.1; done; echo "no answer: $1" && return 1; }

# 1. The base, and the build
if [ -z "${BASE:-}" ]; then
    BASE=localhost/toolmend-base:bookworm-slim
    if ! b inspect --type image "$BASE" >/dev/null 2>&1; then
        rm -rf "$STORE/rootfs"
        debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$STORE/rootfs" ${MIRROR:+"$MIRROR"} \
            >"$STORE/debootstrap.log"
        rm -rf "$STORE"/rootfs/var/cache/apt/archives/*.deb "$STORE"/rootfs/var/lib/apt/lists/*
        # What Debian's own slim images leave out as well
        rm -rf "$STORE"/rootfs/usr/share/{doc,man,info,groff,lintian,linda}/* "$STORE"/rootfs/usr/share/locale/[!C]*
        base=$(b from scratch)
        b copy -q "$base" "$STORE/rootfs" / >/dev/null
        b config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$base"
        b commit -q "$base" "$BASE" >/dev/null
        b rm "$base" >/dev/null
        rm -rf "$STORE/rootfs"
    fi
fi
trust=()
[ -z "${CA:-}" ] || trust=(--volume "$CA:/run/ca.crt:ro" --build-arg PIP_CERT=/run/ca.crt)
tell "the Dockerfile builds on $BASE" b bud --isolation "$ISOLATION" --format docker --build-arg "BASE=$BASE" --build-arg "PACKAGES=${PACKAGES:-base}" \
    --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)" "${trust[@]}" --tag "$TAG" .
[ $failed = 0 ] || exit 1

# 2. What is in it
name=toolmend-try-$$
container "$name"
inside() { b run --isolation "$ISOLATION" "$name" -- "$@"; }
root=$(b mount "$name")
tell "it runs as 10001" test "$(inside python3 -c 'import os; print(os.getuid(), os.getgid())')" = "10001 10001"
tell "the version is told" inside toolmend --version
tell "no pip, no compiler" inside python3 -c 'import importlib.util as u, shutil, sys
assert not u.find_spec("pip") and not u.find_spec("ensurepip") and not u.find_spec("setuptools")
assert not any(map(shutil.which, ("pip", "pip3", "gcc", "cc", "make")))'
tell "every module was compiled at build" inside python3 -c 'import importlib.util as u, pathlib, site
files = [f for s in site.getsitepackages() for f in pathlib.Path(s).rglob("*.py")]
missing = [str(f) for f in files if not pathlib.Path(u.cache_from_source(str(f))).exists()]
assert files and not missing, missing'
tell "it can write to /journal and places for temporary files only" inside python3 -c 'import os
found = {top for top, folders, _ in os.walk("/") if top.split("/")[1] not in ("proc", "sys", "dev") and os.access(top, os.W_OK)}
print(sorted(found)); assert found <= {"/journal", "/tmp", "/var/tmp", "/run/lock", "/run/secrets"}, found'
refuses() {
    local code=0
    inside toolmend serve --upstream http://127.0.0.1:1 || code=$?
    test "$code" = 2 && grep -q 'refusing to listen on "0.0.0.0" without a key' "$STORE/out"
}
tell "beyond loopback it refuses to start without a key" refuses

# 3. A turn, with a simulated model that errs as Gemma 4 did
b run --isolation "$ISOLATION" "$name" -- python3 -c "from aiohttp import web; from proxy.demo.model import make_model
web.run_app(make_model(), host='127.0.0.1', port=$MODEL_PORT, print=None)" &
model=$!
tell "the simulated model answers" wait_for "http://127.0.0.1:$MODEL_PORT/v1/models"

serve() { # serve ENTRY...: start toolmend by the given way in, as an engine would, and wait until it is ready
    "$@" toolmend serve --upstream "http://127.0.0.1:$MODEL_PORT" --host 127.0.0.1 --port "$PORT" --journal /journal >"$STORE/log" &
    proxy=$!
    tell "it is healthy" wait_for "$URL/healthz"
    tell "it is ready" wait_for "$URL/readyz"
}
turn() {
    curl --silent --show-error --fail --include "$URL/v1/chat/completions" -H 'Content-Type: application/json' -d '{
      "model": "gemma-4-simulated", "messages": [{"role": "user", "content": "Fix calc.py."}],
      "tools": [{"type": "function", "function": {"name": "execute_bash", "parameters": {"type": "object",
        "properties": {"command": {"type": "string"}}, "required": ["command"]}}}]}' | tee "$STORE/answer"
    grep -qi '^x-toolmend-outcome: mended' "$STORE/answer" && grep -q '"name": *"execute_bash"' "$STORE/answer"
}
stop() { # stop: as an engine does; the exit code has to be 0
    kill -TERM "$(below $proxy)"
    wait "$proxy"
}
serve inside
tell "a wrong turn is mended" turn
tell "the image's health check succeeds" inside env "TOOLMEND_PORT=$PORT" python3 -c "$(b inspect --type image \
    --format '{{index .Docker.ContainerConfig.Healthcheck.Test 3}}' "$TAG")"
tell "the turn is in the journal" bash -c "cat '$root'/journal/*.jsonl | grep -q execute_bash"
begun=$(date +%s%N)
tell "SIGTERM ends it with exit code 0" stop
echo "        after $((($(date +%s%N) - begun) / 1000000)) ms, with nothing to drain"
proxy=

# 4. The same on a root file system that really cannot be written to: chroot isolation has no such switch, a mount has
read_only() {
    unshare --mount --fork --kill-child bash -c 'set -e
        mount --make-rprivate /; mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"
        mount -t tmpfs -o mode=0700,uid=10001,gid=10001 tmpfs "$1/journal"; mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"
        ! touch "$1/written" 2>/dev/null || exit 9
        shift; cd /; exec chroot --userspec=10001:10001 "$0" env -i PATH=/opt/toolmend/bin:/usr/local/bin:/usr/bin:/bin \
            PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 "$@"' "$root" "$root" "$@"
}
if unshare --mount true 2>/dev/null; then
    echo "on a read-only root:"
    serve read_only
    tell "a wrong turn is mended" turn
    tell "SIGTERM ends it with exit code 0" stop
    proxy=
else
    echo "not tried: a read-only root (this user may not mount)"
fi

# 5. How large
size() { b images --format '{{.Size}}' "$1"; }
rm -rf "$STORE/oci"
b push -q "$TAG" "oci:$STORE/oci"
compressed=$(find "$STORE/oci/blobs" -type f -printf '%s\n' | awk '{ all += $1 } END { printf "%.0f", all / 1e6 }')
rm -rf "$STORE/oci"
echo "image $(size "$TAG"), compressed $compressed MB; base $(size "$BASE")"
echo "/opt/toolmend: $(du -sm --apparent-size "$root/opt/toolmend" | cut -f1) MB, most of it:"
du -sm --apparent-size "$root"/opt/toolmend/lib/python3*/site-packages/* | sort -rn | awk -F/ 'NR <= 6 { print "        " $1 $NF }'
exit $failed
