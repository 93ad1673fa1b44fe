#!/bin/sh
# Tests check.sh: a small project that keeps every rule passes; then each rule is broken once, in a
# copy, and check.sh must name the file and the rule.
set -eu
check=$PWD/tests/style/check.sh
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
failures=0

# A project that breaks no rule.
good=$place/good
for folder in lib tensor autograd nn examples/exercises/solutions tests; do
  mkdir -p "$good/$folder"
done
cd "$good"
echo '#include "lib/low.h"' >tensor/high.h
echo '// Nothing above is known here.' >lib/low.h
echo '#define CHECK(x)' >lib/check.h
{
  echo '#include "lib/check.h"'
  echo '#include <nlohmann/json.hpp>'
  echo "// $(printf 'α%.0s' $(seq 97))" # 100 characters, 197 bytes
} >lib/low.cpp
printf 'TEST_CASE("rows sum to 1,\n"\n          " even at (0, 1)") {\n' >tests/low_test.cpp
echo '// Listed by its name.' >examples/exercises/solutions/08_listed.cpp
printf 'add_library(qkv\n  lib/low.cpp)\nset(tests\n  low lib/high)\nset(exercises 08_listed)\n' \
  >CMakeLists.txt
mkdir build runs

# caught RULE FILE TEXT: TEXT, put at the end of FILE, must be reported as RULE.
caught() {
  cp -R "$good" "$place/bad"
  printf '%s\n' "$3" >>"$place/bad/$2"
  if report=$(sh "$check" "$place/bad"); then verdict='was let through'
  elif echo "$report" | grep "^$2:" | grep -q -e "$1"; then verdict=''
  else verdict="was reported as: $report"
  fi
  if [ -n "$verdict" ]; then
    echo "the breach '$1' in $2 $verdict"
    failures=$((failures + 1))
  fi
  rm -rf "$place/bad"
}

if ! report=$(sh "$check" "$good"); then
  echo "a project without a breach was refused: $report"
  failures=1
fi

long=$(printf '%0101d' 0)
caught '101 columns' lib/low.h "$long"
caught '101 columns' CMakeLists.txt "# ${long#00}"
caught '101 columns' examples/page.css "$long"
caught 'more than 300 lines' examples/page.js "$(printf '//\n%.0s' $(seq 301))"
caught 'more than 300 lines' tensor/high.h "$(printf '//\n%.0s' $(seq 300))"
caught 'arrows point down' lib/low.h '#include "tensor/high.h"'
caught 'arrows point down' lib/low.cpp '#include "examples/lab/tasks.h"'
caught 'not a path from the root' tensor/high.h '#include "shape.h"'
caught 'does not exist' tensor/high.h '#include "lib/lost.h"'
caught 'from a header' tensor/high.h '#include "lib/check.h"'
caught 'from a header' tensor/high.h '#include <nlohmann/json.hpp>'
caught 'not in the plan' notes.txt 'A file that nobody planned.'
caught 'a note to self' lib/low.h '// TO''DO: later'
caught 'a note to self' examples/page.js '// TO''DO: later'
caught 'a note to self' CMakeLists.txt '# FIX''ME'
caught 'changes results' CMakeLists.txt 'add_compile_options(-ffast-''math)'
caught 'changes results' CMakePresets.json '"-mar''ch=native"'
caught 'changes results' CMakeLists.txt '-ma''vx2'
caught 'not listed' lib/orphan.cpp '// Nobody compiles this.'
caught 'not listed' lib/high.cpp '// Only a test has this name in the list.'
caught 'not listed' tests/orphan_test.cpp '// Nobody runs this.'
caught 'not listed' examples/09_orphan.cpp '// Nobody compiles this either.'
caught 'not listed' examples/exercises/09_orphan.cpp '// Nor this.'
caught 'not listed' examples/exercises/solutions/09_orphan.cpp '// Nor its solution.'
caught 'a test name' tests/low_test.cpp 'TEST_CASE("this; is lost") {'
caught 'a test name' tests/low_test.cpp 'TEST_CASE("numbers in [0, 1)") {'

[ "$failures" = 0 ]
