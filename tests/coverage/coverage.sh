#!/bin/sh
# Which lines of tensor/, autograd/ and nn/ the unit tests have run, by gcov:
#
#   sh tests/coverage/coverage.sh FOLDER      a build with -D QKV_COVERAGE=ON whose tests have run
#
# Prints every line that was not, with its reason from explained.txt, and a table of folders. A
# closing brace alone is where the compiler puts what is to be undone after an exception. Ends with
# 1 if a folder is below 98 % or a line has no reason.
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
  BEGIN {
    while ((getline line < "tests/coverage/explained.txt") > 0) {
      if (line ~ /^#/ || split(line, part, " [|] ") != 3) continue
      beginning[++explained] = part[2]; where[explained] = part[1]; reason[explained] = part[3]
    }
  }
  function why(file, text, i) {
    sub(/^ +/, "", text)
    if (text ~ /^}[;)]*$/) return "undoing after an exception"
    for (i = 1; i <= explained; ++i) {
      if (where[i] == file && index(text, beginning[i]) == 1) return reason[i]
    }
    return "NO REASON GIVEN"
  }
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
      file = at; sub(/:.*/, "", file)
      because = why(file, source[at])
      if (because ~ /^NO/) unexplained++
      print at ": " source[at] "    <- " because | "sort -t: -k1,1 -k2,2n"
    }
    close("sort -t: -k1,1 -k2,2n")
    printf "\n%-10s %7s %7s %9s\n", "folder", "lines", "run", "coverage"
    bad = lines == 0
    for (i = 1; i <= split("tensor autograd nn", folders); ++i) {
      f = folders[i]; share = all[f] ? 100 * ran[f] / all[f] : 0
      printf "%-10s %7d %7d %8.2f %%\n", f, all[f], ran[f], share
      if (share < least) bad = 1
    }
    if (unexplained) printf "%d lines have no reason in explained.txt\n", unexplained
    exit bad || unexplained > 0
  }'
