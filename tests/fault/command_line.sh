#!/bin/sh
# A user's mistakes at the command line: each ends with the right exit code and one sentence that
# names what is wrong, and leaves nothing behind.
#
# usage: command_line.sh LAB
set -u
lab=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

problem() { echo "PROBLEM: $*"; failures=$((failures + 1)); }

# refused CODE TEXT WORD ...: the command ends with CODE, says TEXT on stderr in a few lines, and
# writes nothing.
refused() {
  code=$1 text=$2
  shift 2
  "$lab" "$@" >out 2>err
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
refused 2 "missing.json" train reverse config=missing.json
echo '{"seed": "one"}' >bad.json
refused 2 "seed" train reverse config=bad.json
echo '{"seed": 1' >torn.json
refused 2 "torn.json" train reverse config=torn.json
refused 2 "name" train reverse name=../elsewhere
refused 2 "symbols" train reverse length=2 symbols=3

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
