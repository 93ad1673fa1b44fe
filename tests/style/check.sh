#!/bin/sh
# The house rules that a program can check. Prints each breach as file:line: rule, and ends with 1
# if there are any. self_test.sh plants one breach of each kind and sees it reported.
#
#   sh tests/style/check.sh [FOLDER]      FOLDER is the project, by default the current one
set -u # not -e: a grep that finds nothing is good news here
export LC_ALL=C
cd "${1:-.}" || exit

folders='lib tensor autograd nn examples tests'
found=$(mktemp)
trap 'rm -f "$found"' EXIT

files() { # files PATTERN ...: those in our folders whose names match
  for pattern; do find $folders -type f -name "$pattern"; done | sort
}

sources=$(files '*.cpp' '*.h' '*.inl')
build_files=$(
  ls CMakeLists.txt CMakePresets.json qkv .ci/run .github/workflows/*.yml 2>/dev/null
  files '*.cmake' '*.in' CMakeLists.txt '*.sh' | grep -v '^tests/style/'
)
page_files=$(files '*.css' '*.js')
style_files=$(files '*.sh' | grep '^tests/style/')

# At most 300 lines, of at most 100 characters. In UTF-8 every byte but the first of a character is
# 0x80 to 0xBF, so leaving those out counts characters.
awk '
  FNR == 301 { print FILENAME ":301: more than 300 lines" }
  { gsub(/[\200-\277]/, ""); sub(/\r$/, "") }
  length($0) > 100 { print FILENAME ":" FNR ": " length($0) " columns, more than 100" }
' $sources $build_files $page_files $style_files >>"$found"

# Arrows point down: a folder includes itself and those before it, by a path from the root. check.h
# has macros, so it stays out of headers; so does nlohmann/json, which is nobody else's business.
awk '
  BEGIN {
    split("lib tensor autograd nn examples tests", order)
    for (i in order) rank[order[i]] = i
  }
  /^ *# *include *"/ {
    split(FILENAME, path, "/"); split($0, quoted, "\""); split(quoted[2], target, "/")
    where = FILENAME ":" FNR ": includes " quoted[2]
    if (!(target[1] in rank)) print where ", which is not a path from the root"
    else if (rank[target[1]] + 0 > rank[path[1]] + 0) print where ", and arrows point down only"
    else if ((getline line < quoted[2]) < 0) print where ", which does not exist"
    close(quoted[2])
    if (quoted[2] == "lib/check.h" && FILENAME !~ /\.cpp$/) print where ", from a header"
  }
  /^ *# *include *<nlohmann/ && FILENAME ~ /^(lib|tensor|autograd|nn)\/.*\.(h|inl)$/ {
    print FILENAME ":" FNR ": includes nlohmann/json, from a header"
  }
' $sources >>"$found"

# Nothing at the top but the plan; what .gitignore names may lie about.
for entry in *; do
  case " $folders CMakeLists.txt CMakePresets.json LICENSE README.md qkv " in
    *" $entry "*) ;;
    *)
      case $entry in build* | runs) ;; *) echo "$entry:1: not in the plan of the top level" ;; esac
      ;;
  esac
done >>"$found"

# No notes to self, and no flags that change results or tie the program to one machine. (Eigen may:
# it is a peer of the benchmark, in a module of its own.)
everything="$sources $build_files $page_files $style_files"
grep -n -w -E 'TO''DO|FIX''ME|X''XX|HA''CK' $everything /dev/null |
  sed 's/$/  <- a note to self/' >>"$found"
grep -n -E -e '-ffast-''math|-Of''ast|-mar''ch=|-ma''vx|-mf''ma|/ar''ch:' $build_files /dev/null |
  grep -v 'qkv_bench_eigen' | sed 's/$/  <- a flag that changes results/' >>"$found"

# CMake lists every source, by hand: chapters, exercises and tests by name, the others by path. The
# outside project of tests/install has its own list.
lists="CMakeLists.txt $(files '*.cmake')"
for source in $(files '*.cpp' | grep -v '^tests/install/'); do
  name=$(echo "$source" |
    sed -e 's,^examples/\([0-9].*\)\.cpp$,\1,' \
      -e 's,^examples/exercises/\([a-z]*/\)*\([0-9].*\)\.cpp$,\2,' \
      -e 's,^tests/\(.*\)_test\.cpp$,\1,')
  grep -q -E "(^|[ (])($source|$name)([ )]|\$)" $lists ||
    echo "$source:1: not listed for CMake"
done >>"$found"

# The list of tests goes through CMake, where ; separates and [ ] \ " have meanings: a test with one
# of them in its name would be lost, silently.
awk '
  FNR == 1 { name = "" }
  /TEST_CASE[A-Z_]*\(/ { name = " "; line = FNR }
  name != "" {
    name = name $0
    if (name ~ /\) *\{?$/) {
      sub(/^[^"]*"/, "", name); sub(/"[^"]*$/, "", name); gsub(/" *"/, "", name)
      if (name ~ /[];\\"[]/) print FILENAME ":" line ": a test name holds one of ; [ ] \\ \""
      name = ""
    }
  }
' $(files '*.cpp' | grep '^tests/') /dev/null >>"$found"

cat "$found"
[ ! -s "$found" ]
