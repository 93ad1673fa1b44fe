#!/bin/sh
# Which lines of tensor/, autograd/ and nn/ the unit tests have run, by gcov:
#
#   sh tests/coverage/coverage.sh FOLDER      a build with -D QKV_COVERAGE=ON whose tests have run
#
# Prints every line that was not, with the reason, and a table of folders. The reason stands in the
# line itself, after "not covered:"; a closing brace alone is where the compiler puts what is to be
# undone after an exception. Ends with 1 if a folder is below 98 % or a line gives no reason.
set -eu
export LC_ALL=C
least=98

objects=$(cd "$1" && find "$PWD/CMakeFiles/qkv.dir" -name '*.gcda')
if [ -z "$objects" ]; then
  echo "coverage: no results in $1; build with -D QKV_COVERAGE=ON and run the tests" >&2
  exit 2
fi

# gcov prints each source file of an object with a count before every line:
#
#         -:    0:Source:/.../tensor/shape.cpp
#       412:   17:  if (sizes.size() > kMaxRank) {      times that it ran; a * may follow the count
#     #####:   18:    fail(...                          never; ===== if only an exception leads here
#         -:   19:                                      nothing to run
#
# A line of a header or a template comes once for every object: it has run if it ran in one of them.
(cd "$1" && gcov --stdout $objects 2>/dev/null) | awk -v least="$least" '
  {
    count = $0; sub(/:.*/, "", count); gsub(/[ *]/, "", count)
    rest = substr($0, index($0, ":") + 1)
    line = rest; sub(/:.*/, "", line); gsub(/ /, "", line)
    text = substr(rest, index(rest, ":") + 1)
  }
  line == "0" && text ~ /^Source:/ {
    wanted = match(text, /(tensor|autograd|nn)\/[a-z_]+\.(h|cpp)$/)
    file = substr(text, RSTART)
  }
  !wanted || line !~ /^[1-9][0-9]*$/ || count == "-" { next }
  {
    at = file ":" line
    if (!(at in seen)) { seen[at] = 0; source[at] = text; order[++lines] = at }
    if (count ~ /^[1-9]/) seen[at] = 1
  }
  END {
    for (i = 1; i <= lines; ++i) {
      at = order[i]; folder = at; sub(/\/.*/, "", folder)
      all[folder]++; ran[folder] += seen[at]
      if (seen[at]) continue
      if (source[at] ~ /^ *}[;)]*$/) source[at] = source[at] "  // not covered: undoing"
      print at ": " source[at] | "sort -t: -k1,1 -k2,2n"
      if (source[at] !~ /not covered: /) unexplained++
    }
    close("sort -t: -k1,1 -k2,2n")
    printf "\n%-10s %7s %7s %9s\n", "folder", "lines", "run", "coverage"
    bad = lines == 0
    for (i = split("tensor autograd nn", folders); i >= 1; --i) names[i] = folders[i]
    for (i = 1; i <= 3; ++i) {
      f = names[i]; share = all[f] ? 100 * ran[f] / all[f] : 0
      printf "%-10s %7d %7d %8.2f %%\n", f, all[f], ran[f], share
      if (share < least) bad = 1
    }
    if (unexplained) printf "%d lines that did not run say no reason\n", unexplained
    exit bad || unexplained > 0
  }'
