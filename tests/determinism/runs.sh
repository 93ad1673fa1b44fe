#!/bin/sh
# The same seed trains the same model, to the last byte: twice, with 1, 2 and 3 threads, and with
# every instruction set of this machine. Another seed must train another one, or the comparison
# means nothing.
#
# usage: runs.sh LAB [key=value ...]
set -u
lab=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0 compared=0

train() { "$lab" train reverse name=now "$@" >/dev/null 2>err || { cat err; exit 1; }; }

same() {
  compared=$((compared + 1))
  if cmp -s first runs/now/model.safetensors; then echo "same: $*"; else
    echo "DIFFERENT: $*"
    failures=$((failures + 1))
  fi
}

train "$@"
cp runs/now/model.safetensors first
train "$@"
same "a second run"
for threads in 1 2 3; do
  (export QKV_NUM_THREADS=$threads && train "$@") || exit 1
  same "$threads threads"
done
for isa in scalar avx2 avx512 neon; do
  # A set that this machine lacks is refused; that refusal is tested elsewhere.
  if (export QKV_ISA=$isa && train "$@") 2>/dev/null >/dev/null; then same "$isa"; fi
done
train "$@" seed=2
if cmp -s first runs/now/model.safetensors; then
  echo "DIFFERENT SEEDS TRAINED THE SAME MODEL"
  failures=$((failures + 1))
fi
echo "$compared comparisons, $failures different"
[ "$compared" -ge 5 ] && [ "$failures" = 0 ]
