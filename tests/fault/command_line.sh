#!/bin/sh
# A user's mistakes at the command line: each ends with the right exit code and one sentence that
# names what is wrong, and leaves nothing behind.
#
# usage: command_line.sh LAB CHECK
set -u
lab=$1 check=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

problem() { echo "PROBLEM: $*"; failures=$((failures + 1)); }

# The program behind a command of ./qkv.
program() {
  case $1 in
    gradcheck | mutants | verify) echo "$check" ;;
    *) echo "$lab" ;;
  esac
}

# refused CODE TEXT WORD ...: the command ends with CODE, says TEXT on stderr in a few lines, and
# writes nothing.
refused() {
  code=$1 text=$2
  shift 2
  "$(program "${1:-}")" "$@" >out 2>err
  got=$?
  [ "$got" = "$code" ] || problem "'$*' ended with $got, expected $code: $(cat err)"
  grep -qF -e "$text" err || problem "'$*' did not say '$text' but: $(cat err)"
  case $text in usage:) lines=12 ;; *) lines=3 ;; esac # the usage has a line for each command
  [ "$(wc -l <err)" -le $lines ] || problem "'$*' said more than $lines lines"
  [ ! -e runs ] || { problem "'$*' left runs/ behind"; rm -rf runs; }
}

refused 2 "usage:" nonsense
refused 2 "usage:"
refused 2 "usage:" mutants softmax attention
refused 2 "task=revers is refused; task must be one of copy, reverse" train revers
refused 2 "lenght" train reverse lenght=8
refused 2 "steps" train reverse steps=0
refused 2 "steps" train reverse steps=many
refused 2 "steps" train reverse steps=1.5
refused 2 "learning_rate" train reverse learning_rate=nan
refused 2 "model.width" train reverse model.width=10 model.heads=3
refused 2 "model.heads=3 is refused" train reverse heads=3
refused 2 "length=1 is refused; length must be at least min_length=2" train recall length=1
refused 2 "length=8 is refused; task=translate does not use it" train translate length=8
refused 2 "decoding.beam=4 is refused; task=text does not use it" train text beam=4
refused 2 "test_length=7 is refused" train copy length=8 test_length=7
refused 2 "so it needs model.window too" train copy sinks=1
refused 2 "model.tied must be one of true, false" train sort model=decoder tied=yes
refused 2 "missing.json" train reverse config=missing.json
echo '{"seed": "one"}' >bad.json
refused 2 "seed" train reverse config=bad.json
echo '{"seed": 1' >torn.json
refused 2 "torn.json" train reverse config=torn.json
refused 2 "name" train reverse name=../elsewhere
refused 2 "symbols" train reverse length=2 symbols=3

# verify: a file that is none, malformed, of an unknown operation, or wrong.
refused 2 "usage:" verify
refused 2 "needs at least one file" verify --float32
refused 2 "unknown option '--float16'" verify --float16 golden.json
refused 2 "missing.json" verify missing.json
refused 2 "not a regular file" verify .
refused 2 "is not valid JSON at line 2, column 1, in seed" verify torn.json
: >empty.json
refused 2 "is not valid JSON at line 1, column 1" verify empty.json
golden() { # golden OP DATA: a file of one case, whose output is [-1, 2]
  cat <<END
{"format": "qkv-golden-1", "source": "by hand", "cases": [{"name": "one", "op": "$1",
  "inputs": {"input": {"dtype": "float64", "shape": [2], "data": $2}},
  "outputs": {"output": {"dtype": "float64", "shape": [2], "data": [-1, 2]}}}]}
END
}
golden neg '[1, -2]' >right.json
golden nag '[1, -2]' >unknown.json
golden neg '[1]' >short.json
golden neg '[1, NaN]' >nan.json
golden neg '[1, -3]' >wrong.json
refused 2 "'unknown.json': cases[0].op: unknown operation 'nag'" verify unknown.json
refused 2 "'short.json': cases[0].inputs.input.data: has 1 elements" verify right.json short.json
refused 2 "line 2, column 70, in cases[0].inputs.input.data[1]" verify nan.json
"$check" verify wrong.json >out 2>err
[ $? = 1 ] || problem "a wrong case did not end with 1"
grep -q "WRONG .* output (1,) is 3, expected 2" out || problem "a wrong case is not in: $(cat out)"
"$check" verify right.json >out 2>err || problem "a right golden file ended with $?"
"$check" verify --float32 right.json right.json >out 2>err || problem "--float32 ended with $?"
"$check" verify --help >help 2>err || problem "verify --help ended with $?"
grep -q "^usage: qkv verify" help || problem "verify --help printed no usage: $(cat help)"
grep -q "2 of 2 cases are right" out || problem "the cases were not counted: $(cat out)"

refused 2 "no operation or model has 'nothing' in its name" gradcheck nothing
refused 2 "unknown option '--eps'; ./qkv gradcheck --help lists them" gradcheck softmax --eps
refused 2 "--eps-sweep needs the name of an operation" gradcheck --eps-sweep
refused 2 "takes one name, got 'relu' and 'gelu'" gradcheck relu gelu

QKV_ISA=sse9 refused 2 "unknown instruction set 'sse9'" train reverse
QKV_NUM_THREADS=0 refused 2 "QKV_NUM_THREADS" train reverse

# A place where no folder can be made: a file stands in the way.
touch runs
"$lab" train reverse steps=2 >out 2>err
[ $? = 1 ] || problem "an unwritable run folder did not end with 1"
grep -q "runs" err || problem "an unwritable run folder was not named: $(cat err)"
rm runs

# Interrupted: the step in progress is finished, everything is saved, exit 130.
"$lab" train reverse steps=1000000 batch=8 >out 2>err &
pid=$!
sleep 2
kill -INT $pid
wait $pid
[ $? = 130 ] || problem "an interrupted run did not end with 130"
grep -q "interrupted after" out || problem "an interrupted run did not say so: $(cat out)"
for file in config.json metrics.jsonl model.safetensors; do
  [ -s runs/reverse/$file ] || problem "an interrupted run did not save $file"
done
rm -rf runs

echo "$failures problems"
[ "$failures" = 0 ]
