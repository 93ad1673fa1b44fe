#!/bin/sh
# Studies that go wrong: mistakes at the command line, a job that is killed, an interrupt. Each ends
# with the right exit code and a reason, no job outlives it, and nothing half-done is left.
#
# usage: study.sh STUDY
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$1" "$work/qkv-study-$$" # so that its processes can be told from those of other tests
cd "$work" || exit 1
study=./qkv-study-$$
failures=0

problem() { echo "PROBLEM: $*"; failures=$((failures + 1)); }

# refused CODE TEXT WORD ...
refused() {
  code=$1 text=$2
  shift 2
  "$study" "$@" >out 2>err
  got=$?
  [ "$got" = "$code" ] || problem "'$*' ended with $got, expected $code: $(cat err)"
  grep -qF -e "$text" err || problem "'$*' did not say '$text' but: $(cat err)"
  [ "$(wc -l <err)" -le 3 ] || problem "'$*' said more than 3 lines"
  [ ! -e runs ] || { problem "'$*' left runs/ behind"; rm -rf runs; }
}

refused 2 "usage:"
refused 2 "usage:" train reverse
refused 2 "there is no study 'scalin'; did you mean 'scaling'?" study scalin
refused 2 "unknown key 'quik'; did you mean 'quick'?" study scaling quik=true
refused 2 "quick=yes is refused; quick must be true or false" study scaling quick=yes
refused 2 "seeds=0 is refused; seeds must be an integer from 1 to 1000" study scaling seeds=0
refused 2 "seeds=1.5" study scaling seeds=1.5
refused 2 "seeds= is refused" study scaling seeds=
refused 2 "'seeds' is not of the form key=value" study scaling seeds
refused 2 "unknown key 'name'" study scaling name=x
refused 2 "from=FILE goes alone" study scaling from=x.json seeds=3
refused 1 "nowhere.json" study scaling from=nowhere.json
echo '{}' >other.json
refused 1 "other.json: it is not the result.json of a study" study scaling from=other.json
refused 2 "unknown key 'lines'" study --job scaling lines=3
QKV_NUM_THREADS=0 refused 2 "QKV_NUM_THREADS" study scaling quick=true

"$study" study scaling seeds=2 quick=true >first 2>err || problem "a study ended with $?"
"$study" study scaling from=runs/study-scaling-quick/result.json >again 2>err ||
  problem "a stored study ended with $?: $(cat err)"
for file in first again; do grep -v -e "^saved" -e "^scaling: " -e "^$" $file >$file.findings; done
cmp first.findings again.findings || problem "a stored study is shown as: $(cat again)"
rm -r runs

"$study" study >out || problem "the list ended with $?"
grep -q "^  scaling  *Why does attention" out || problem "the list is: $(cat out)"
"$study" study --help >out || problem "the help ended with $?"
grep -q "^usage: qkv study NAME" out || problem "the help is: $(cat out)"

touch runs
"$study" study scaling quick=true >out 2>err
[ $? = 1 ] || problem "an unwritable folder did not end with 1"
grep -q "cannot make the folder runs/study-scaling" err || problem "it is not named: $(cat err)"
rm runs

# The jobs that are running: their process ids.
jobs_running() {
  if [ -d /proc/self ]; then
    grep -l -a -e "[q]kv-study-$$.*--job" /proc/[0-9]*/cmdline 2>/dev/null |
      sed 's,/proc/\([0-9]*\)/.*,\1,'
  else
    ps -A -o pid,args | awk -v name="[q]kv-study-$$" '$0 ~ name ".*--job" { print $1 }'
  fi
}

# Starts a study that takes long, as $pid, and waits until a job is running.
start_long() {
  "$study" study scaling seeds=1000 >out 2>err &
  pid=$!
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -z "$(jobs_running)" ] || return
    sleep 0.2
  done
  problem "no job was started: $(cat out err)"
}

nothing_left() {
  [ -z "$(jobs_running)" ] || problem "after $1 jobs are running: $(jobs_running)"
  [ -z "$(find runs -type f)" ] || problem "after $1 there are files: $(find runs -type f)"
  [ ! -e runs/study-scaling ] || problem "after $1 its folder is there"
  rm -rf runs
}

for signal in INT TERM; do
  start_long
  kill -$signal $pid
  wait $pid
  [ $? = 130 ] || problem "a study interrupted by $signal did not end with 130"
  grep -q "interrupted; nothing is written" out || problem "it did not say so: $(cat out)"
  nothing_left "an interrupt by $signal"
done

start_long
kill -9 $(jobs_running | head -n 1)
wait $pid
[ $? = 1 ] || problem "a study whose job was killed did not end with 1"
grep -q "job '.*--job scaling seed=[0-9]*' was ended by signal 9 (Killed" err ||
  problem "the killed job was not named: $(cat err)"
nothing_left "a killed job"

echo "$failures problems"
[ "$failures" = 0 ]
