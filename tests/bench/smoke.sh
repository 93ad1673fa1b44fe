#!/bin/sh
# Does the benchmark run? One row of it, its JSON, the tables made of that, and mistakes. What it
# measures is not looked at: tests run beside each other.
#
# usage: smoke.sh BUILD
set -u
bench=$1/qkv-bench table=$1/qkv-bench-table work=$1/bench_smoke
if [ ! -x "$bench" ]; then exit 77; fi
mkdir -p "$work"
failures=0
wrong() { echo "bench: $*"; failures=$((failures + 1)); }

"$bench" --benchmark_list_tests >"$work/names" || wrong "listing fails"
grep -q -x 'matmul/256/AB' "$work/names" || wrong "matmul/256/AB is not listed"

if ! "$bench" '--benchmark_filter=^matmul/16/AB$' "--json=$work/result.json" >"$work/out"; then
  wrong "it fails:"
  cat "$work/out"
fi
grep -q '^matmul/16/AB .* GFLOP/s .* % of FMA' "$work/out" || wrong "its line has no speed and peak"

# The tables of this result hold the row; written twice they are the same.
printf 'page\n<!-- bench: begin -->\n<!-- bench: end -->\nend\n' >"$work/page.md"
"$table" "$work/result.json" "$work/page.md" --check 2>/dev/null && wrong "a page without is right"
"$table" "$work/result.json" "$work/page.md" || wrong "no tables from its JSON"
"$table" "$work/result.json" "$work/page.md" --check || wrong "its own tables are not right"
grep -q '^| \*\*A B\*\* | [0-9]' "$work/page.md" || wrong "the row is not in the tables"
[ "$(tail -n 1 "$work/page.md")" = end ] || wrong "the end of the page is lost"

# fails CODE COMMAND ...: ends with that code.
fails() {
  expected=$1
  shift
  "$@" >"$work/out" 2>&1
  code=$?
  [ $code = "$expected" ] || wrong "'$*' ends with $code, not $expected"
}
fails 1 "$bench" --benchmark_filter=no_such_kernel
fails 2 "$bench" --no-such-option
fails 1 "$bench" '--benchmark_filter=^matmul/16/AB$' --json=/no/such/folder/file
fails 1 "$table" /no/such/file "$work/page.md"
fails 1 "$table" "$work/page.md" "$work/page.md"
fails 2 "$table"
fails 2 ./qkv bench --no-such-option
fails 2 ./qkv bench --json
fails 2 ./qkv bench one two
[ $failures = 0 ]
