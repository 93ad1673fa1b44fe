#!/bin/sh
# A stub as it ships is not right, and its grader says what is wrong with it, in words that help:
# each has a phrase here that no other mistake has. A stub that was edited is left out (77).
#
# usage: exercise.sh PROGRAM SOURCE
set -u
program=$1 source=$2

grep -q '// your code' "$source" || { echo "$source was edited: not checked"; exit 77; }

name=$(basename "$source" .cpp)
number=${name%%_*}
case $name in
  01_*) phrase='dz came through unchanged' ;;
  02_*) phrase='the slope 1 - y^2 is missing' ;;
  03_*) phrase='db is (2, 3, 4), expected (4,)' ;;
  04_*) phrase='dC has no part in it' ;;
  05_*) phrase='every row must sum to 1' ;;
  06_*) phrase='dy came through unchanged' ;;
  07_*) phrase='disconnected: backward sends nothing but zeros' ;;
  08_*) phrase='V itself: nothing was averaged' ;;
  09_*) phrase='no weights a, no means taken off' ;;
  10_*) phrase='neither the query nor the weights had a part in it' ;;
  11_*) phrase='c came through unchanged' ;;
  12_*) phrase='f keeps only a share of c' ;;
  13_*) phrase='a list has 3 symbols, expected 4: BOS is one more to read' ;;
  14_*) phrase='every query may see the future' ;;
  15_*) phrase='padding that may be attended to' ;;
  16_*) phrase='a softmax without the mask' ;;
  17_*) phrase='nothing but zeros: is it written yet?' ;;
  18_*) phrase='x came through unchanged' ;;
  19_*) phrase='nothing was normalised' ;;
  20_*) phrase='the weights have not moved' ;;
  21_*) phrase='as before the first number' ;;
  *) echo "$name has no phrase in tests/story/exercise.sh"; exit 1 ;;
esac

said=$("$program" 2>&1)
code=$?
echo "$said"
problems=0
problem() { echo "PROBLEM: $*"; problems=1; }

[ $code = 1 ] || problem "it ended with $code, expected 1"
echo "$said" | grep -q '^tried    ' || problem "it does not say what it tried"
echo "$said" | grep -q '^wrong    ' || problem "it does not say what is wrong"
echo "$said" | grep -qF -e "$phrase" || problem "it does not say '$phrase'"
[ "$(echo "$said" | tail -n 1)" = "exercise $number: not yet" ] || problem "it ends otherwise"
exit $problems
