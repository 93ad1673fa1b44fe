#!/bin/sh
# Is what the README shows still what the commands print? After a line
#
#   <!-- prints: COMMAND -->
#
# the next fenced block must be what COMMAND prints on stdout, its first line "$ COMMAND" aside.
# Timings and rounding errors differ from machine to machine; both sides have them masked. `./qkv`
# is run as the program behind the command, so nothing is installed or built; of `./qkv test` only
# the closing line is compared, of an exercise what its grader says.
#
# usage: readme.sh README LAB CHECK STUDY BUILD
set -u
readme=$1 lab=$2 check=$3 study=$4 build=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Golden files and stored studies are named as from the project's folder.
ln -s "$PWD/tests" "$PWD/examples" "$work"
unset QKV_ISA QKV_NUM_THREADS

mask() { sed -e 's/[0-9.]* s$/# s/' -e 's/[0-9]\.[0-9]e[-+][0-9][0-9]/#e-##/g'; }

# The block that belongs to command $1, its first line left out.
shown() {
  awk -v marker="<!-- prints: $1 -->" '
    $0 == marker { found = 1; next }
    found && /^```/ { if (inside) exit; inside = 1; getline; next }
    inside { print }' "$readme"
}

printed() {
  case $1 in
    "./qkv test") ctest --test-dir "$build" -N | sed -n 's/^Total Tests: \(.*\)/...\
100% tests passed, 0 tests failed out of \1/p' ;;
    "./qkv train"*) (cd "$work" && "$lab" ${1#./qkv } 2>/dev/null) ;;
    "./qkv study"*) (cd "$work" && "$study" ${1#./qkv } 2>/dev/null) ;;
    "./qkv exercise "*) "$build/exercises/$(basename examples/exercises/"${1##* }"_*.cpp .cpp)" ;;
    "./qkv "*) (cd "$work" && "$check" ${1#./qkv } 2>/dev/null) ;;
  esac
}

failures=0 checked=0
while IFS= read -r command; do
  checked=$((checked + 1))
  shown "$command" | mask >"$work/shown"
  printed "$command" | mask >"$work/printed"
  if [ ! -s "$work/shown" ] || ! diff -u "$work/shown" "$work/printed"; then
    echo "README: '$command' prints something else (above: - README, + command)"
    failures=$((failures + 1))
  fi
done <<END
$(sed -n 's/^<!-- prints: \(.*\) -->$/\1/p' "$readme")
END

echo "$checked commands compared, $failures different"
[ "$checked" -ge 3 ] && [ "$failures" = 0 ]
