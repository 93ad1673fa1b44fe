# The commands of ./qkv for those who read: chapters, the book and exercises. ./qkv reads this file
# in; say, need, build and caller are its own.

list_chapters() {
  for source in examples/[0-9]*.cpp; do
    name=$(basename "$source" .cpp)
    printf '  %-20s %s\n' "$name" "$(sed -n '1s,^// *,,p' "$source")"
  done
}

# find_numbered FOLDER WORD: a chapter or an exercise goes by its whole name, by its number, or by
# the rest of its name.
find_numbered() {
  for source in "$1"/[0-9]*.cpp; do
    name=$(basename "$source" .cpp)
    number=${name%%_*}
    case $2 in "$name" | "$number" | "${number#0}" | "${name#*_}") echo "$name"; return ;; esac
  done
  return 1
}

example() {
  if [ $# = 0 ]; then list_chapters; return; fi
  if ! chapter=$(find_numbered examples "$1"); then
    say "there is no chapter '$1'; there are:"
    list_chapters >&2
    exit 2
  fi
  need
  build "chapter_$chapter"
  exec "build/chapters/$chapter"
}

# All chapters on one page, in the caller's folder.
book() {
  case ${1:-book.html} in
    -*) say "book: '$1' is refused; it takes the name of a file"; exit 2 ;;
    /*) file=$1 ;;
    *) file=$caller/${1:-book.html} ;;
  esac
  need
  build qkv_book
  build/qkv-book build/chapters "$file"
  echo "$file"
}

# ---- exercises ----------------------------------------------------------------------------------

# How an exercise was last graded, and the checksum of the file then: once it is edited, it counts
# as not tried.
graded() { echo "build/exercises/$1.graded"; }
checksum() { cksum <"examples/exercises/$1.cpp"; }

list_exercises() {
  for source in examples/exercises/[0-9]*.cpp; do
    name=$(basename "$source" .cpp)
    state=$(sed -n "s/^$(checksum "$name") //p" "$(graded "$name")" 2>/dev/null || true)
    printf '  %-10s %-26s %s\n' "${state:-not tried}" "$name" \
      "$(sed -n '1s,^// [A-Z][a-z]* [0-9]*\. *,,p' "$source")"
  done
}

exercise() {
  if [ $# = 0 ]; then list_exercises; return; fi
  if ! name=$(find_numbered examples/exercises "$1"); then
    say "there is no exercise '$1'; there are:"
    list_exercises >&2
    exit 2
  fi
  need
  sum=$(checksum "$name") # of what is built now: it may be edited while it is graded
  build "exercise_$name"
  status=0 state=right
  "build/exercises/$name" || { status=$? state='not yet'; }
  echo "$sum $state" >"$(graded "$name")"
  case $status in
    0) echo "compare with examples/exercises/solutions/$name.cpp" ;;
    1) echo "edit examples/exercises/$name.cpp, then ./qkv exercise ${name%%_*} once more" ;;
    *) say "the program ended with $status, as after an index out of range"; exit 1 ;;
  esac
  exit $status
}
