#!/bin/sh
# The default run of each task reaches at least 99 % of exact sequences, with each of five seeds.
#
# usage: every_seed_learns.sh LAB TASK
set -u
lab=$1 task=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
good=0
for seed in 1 2 3 4 5; do
  last=$("$lab" train "$task" seed=$seed 2>/dev/null | tail -n 1)
  echo "seed $seed  $last"
  case $last in
    "$task: exact-sequence 100."* | "$task: exact-sequence 99."*) good=$((good + 1)) ;;
  esac
done
echo "$good of 5 seeds"
[ "$good" = 5 ]
