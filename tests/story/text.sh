#!/bin/sh
# What a run on text prints: a model's perplexity beside those of the n-grams it has replaced and of
# the grammar that wrote the lines; and that a masked encoder's is one of hidden characters.
#
# usage: text.sh LAB
set -u
lab=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# run TEXT ... -- WORD ...: a short run of `train text` with these words prints each TEXT.
run() {
  : >wanted
  while [ "$1" != -- ]; do
    echo "$1" >>wanted
    shift
  done
  shift
  "$lab" train text train_size=300 validation_size=20 test_size=20 "$@" >out 2>err || {
    echo "PROBLEM: '$*' ended with $?: $(cat err)"
    failures=$((failures + 1))
  }
  while read -r text; do
    grep -q -e "$text" out || {
      echo "PROBLEM: '$*' did not print '$text' but: $(cat out)"
      failures=$((failures + 1))
    }
  done <wanted
}

figures='  *[0-9]*\.[0-9][0-9][0-9][0-9]  *[0-9]*\.[0-9][0-9][0-9][0-9]'
run '^perplexity of a character  *test  *longer$' "^decoder, width 8, heads 2, layers 1$figures" \
  "^n-gram, order [0-9]*, [-A-Za-z]*$figures" "^the grammar itself$figures" \
  '^what it makes of text$' '^text: loss .* nats, perplexity [0-9.]*, token ' \
  -- width=8 heads=2 layers=1 feed_forward=8 steps=2
run 'nats, perplexity .* of hidden characters, ' '  ->  ' \
  -- model=encoder width=8 heads=2 layers=1 feed_forward=8 steps=2
run '^Kneser-Ney  *3 ' "^the grammar itself$figures" '^text: the best n-gram has order [123]: ' \
  -- model=ngram order=3

echo "$failures problems"
[ "$failures" = 0 ]
