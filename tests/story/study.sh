#!/bin/sh
# A study's small version: its claims hold, its table says what the study is there to show (asked
# here of the printed numbers, not of the program), its files are whole, and they are the same
# however many jobs run at once.
#
# usage: study.sh STUDY NAME
set -u
study=$1 name=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

problem() { echo "PROBLEM: $*"; failures=$((failures + 1)); }

"$study" study "$name" quick=true >out 2>err || problem "it ended with $?: $(cat err)"
cat out
grep -q "^  yes  " out || problem "it claims nothing"
! grep -q "^  NO   " out || problem "a claim does not hold"

folder=runs/study-$name-quick
for file in result.json chart.svg; do
  [ -s $folder/$file ] || problem "there is no $file"
done
[ "$(find runs -type f | wc -l)" -eq 2 ] || problem "there are other files: $(find runs)"
if command -v xmllint >/dev/null 2>&1; then
  xmllint --noout $folder/chart.svg || problem "the chart is not well formed"
fi

# rows TITLE: the rows of a table, means only.
rows() {
  awk -v title="$1" '$0 == title { inside = 1; getline; next } inside && !NF { exit } inside' out |
    sed 's/([^)]*)//g'
}

# holds WHAT TITLE PROGRAM: for all rows of a table, of which there must be some.
holds() {
  rows "$2" | awk "$3"' END { exit !(NR >= 2 && !bad) }' || problem "$1: $(rows "$2")"
}

case $name in
  bottleneck) # columns: length, fixed vector, additive
    holds "the fixed vector forgets, attention does not" "reverse: exact sequences, %" \
      '$1 == 4 && $2 < 80 || $1 == 12 && $2 > 60 || $3 < 99 { bad = 1 }' ;;
  positions) # columns: length, rotary, alibi
    holds "rotary positions end with the training, ALiBi goes on" "copy: exact sequences, %" \
      '$1 == 8 && $2 < 60 || $1 == 9 && ($2 > 20 || $3 < 40) { bad = 1 }' ;;
  heads) # columns: heads, copy, reverse
    maps=$(grep -c "^[12] heads*: layer 1, head [12]" out)
    [ "$maps" = 3 ] || problem "there are $maps maps"
    holds "copy is learned" "exact sequences, %" '$2 < 95 { bad = 1 }' ;;
  translate)
    holds "a longer phrase is harder" "exact phrases, %" '$1 == 3 && $2 < 90 { bad = 1 }'
    grep -q "^  *keys the cat sat  *on the mat  *sum$" out || problem "the map is not there" ;;
  text) # columns: longest order, Transformer, the grammar itself, n-grams
    holds "no model is less surprised than the grammar" "perplexity" \
      '$3 < 1.5 || $3 > 1.7 || $2 <= $3 || $4 <= $3 { bad = 1 }' ;;
  references)
    [ "$(grep -c "^  [a-z].*exact.*2250$\|^  annotated.* 1000$" out)" = 2 ] ||
      problem "the table has other rows" ;;
  scaling)
    holds "the variance is 1" "variance of the scores" '$2 < 0.8 || $2 > 1.2 { bad = 1 }'
    holds "the variance is D" "variance of the scores" '$3 < 0.8 * $1 || $3 > 1.2 * $1 { bad = 1 }'
    holds "one key is left" "entropy of the weights" \
      '$1 == 256 && ($2 < 3.5 || $3 > 0.5) { bad = 1 }'
    holds "the gradient is lost" "gradient that reaches the scores" \
      '$1 == 1 { first = $3 } $1 == 256 && ($2 < 0.1 || $3 > first / 5) { bad = 1 }' ;;
  reach) # columns: distance, RNN, LSTM, LSTM with open forget gates, attention, Transformer
    sed -i.all 's/LSTM, forget +1/LSTM+1/; s/RNN with attention/attention/' out
    holds "recurrent nets forget exponentially" "gradient at the first input" \
      '$1 == 8 { a = $2; b = $3 } $1 == 64 && ($2 > 1e-4 * a || $3 > 1e-4 * b) { bad = 1 }'
    holds "attention does not" "gradient at the first input" \
      '$1 == 8 { a = $5; b = $6 } $1 == 64 && ($5 < 0.04 * a || $6 < 0.04 * b) { bad = 1 }' ;;
  parallel)
    holds "the chain of an LSTM grows as the length" "operations that wait for one another" \
      '$2 < $1 || ($3 != first && NR > 1) { bad = 1 } { first = $3 }' ;;
esac

# Seconds differ, all else may not.
if [ "$name" != parallel ]; then
  mv runs before
  QKV_NUM_THREADS=3 "$study" study "$name" quick=true >/dev/null 2>&1
  cmp $folder/result.json before/study-$name-quick/result.json || problem "the numbers changed"
  cmp $folder/chart.svg before/study-$name-quick/chart.svg || problem "the chart changed"
fi

echo "$failures problems"
[ "$failures" = 0 ]
