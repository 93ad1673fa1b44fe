#!/bin/sh
# ./qkv exercise and ./qkv book, with nothing built: a compiler and a CMake that only pretend, and
# programs that end as told. What is listed as right, as not yet, as edited and as not tried, and
# how an exercise is named.
set -u
project=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
problem() { echo "PROBLEM: $*"; failures=$((failures + 1)); }

mkdir -p "$work/bin" "$work/qkv/examples" || exit 1
cp "$project/qkv" "$work/qkv"
cp "$project/examples/commands.sh" "$work/qkv/examples"
cp -R "$project/examples/exercises" "$work/qkv/examples"
for tool in cmake make pretended; do printf '#!/bin/sh\nexit 0\n' >"$work/bin/$tool"; done
chmod +x "$work/bin"/*
cd "$work/qkv" || exit 1
export PATH="$work/bin:$PATH" CXX=pretended

# grading CODE WORD: the program of each exercise ends with CODE; ./qkv exercise WORD.
grading() {
  for source in examples/exercises/[0-9]*.cpp; do
    program=build/exercises/$(basename "$source" .cpp)
    mkdir -p build/exercises
    printf '#!/bin/sh\necho "graded $0"\nexit %s\n' "$1" >"$program"
    chmod +x "$program"
  done
  ./qkv exercise "$2" >out 2>err
}

# listed STATE NAME: the list of all says so.
listed() {
  ./qkv exercise >list || problem "the list ended with $?"
  grep -q "^  $1  *$2 " list || problem "$2 is not listed as '$1': $(grep -e "$2" list)"
}

listed 'not tried' 07_cross_entropy_backward
[ "$(wc -l <list)" = "$(ls examples/exercises/[0-9]*.cpp | wc -l)" ] || problem "the list is short"
[ ! -e build ] || problem "listing has built something"

for word in 07 7 cross_entropy_backward 07_cross_entropy_backward; do
  rm -rf build
  grading 0 "$word" || problem "a right exercise ended with $?: $(cat err)"
  grep -q 'graded build/exercises/07_cross_entropy_backward' out || problem "$word ran: $(cat out)"
  grep -q 'solutions/07_cross_entropy_backward.cpp' out || problem "the solution is not named"
  listed right 07_cross_entropy_backward
  listed 'not tried' 08_attention
done

echo '// edited' >>examples/exercises/07_cross_entropy_backward.cpp
listed edited 07_cross_entropy_backward
grading 1 07
[ $? = 1 ] || problem "a wrong exercise did not end with 1"
listed 'not yet' 07_cross_entropy_backward

grading 134 08 # as after abort()
[ $? = 1 ] || problem "an exercise that was aborted did not end with 1"
grep -q 'crashed (134)' err || problem "the abort was not told: $(cat err)"
listed 'not yet' 08_attention

# A book that cannot be written is refused before anything is built.
for file in '' /dev/full . "$work/none/book.html"; do
  rm -rf build
  ./qkv book "$file" >out 2>err && problem "book '$file' ended well"
  grep -q '^qkv: book: ' err || problem "book '$file' was told: $(cat err)"
  [ ! -e build ] || problem "book '$file' has built something"
done

./qkv exercise 99 >out 2>err
[ $? = 2 ] || problem "an unknown exercise did not end with 2"
grep -q "there is no exercise '99'" err || problem "an unknown exercise was told: $(cat err)"
./qkv exercise 1 2 >out 2>err
[ $? = 2 ] || problem "two exercises at once did not end with 2"
./qkv help | grep -q './qkv exercise' || problem "the help does not know it"

echo "$failures problems"
[ "$failures" = 0 ]
