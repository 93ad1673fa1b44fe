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
  sed -n '1s,^// *,,p' "examples/$chapter.cpp"
  echo "beside it: examples/$chapter.cpp"
  exec "build/chapters/$chapter"
}

# All chapters on one page, in the caller's folder. A file that cannot be written is refused before
# anything is built.
book() {
  case ${1-book.html} in
    '' | -*) say "book: '$1' is refused; it takes the name of a file"; exit 2 ;;
    /*) file=$1 ;;
    *) file=$caller/${1:-book.html} ;;
  esac
  if [ -d "$file" ]; then say "book: cannot write $file: it is a folder"; exit 1; fi
  if [ -e "$file" ] && [ ! -f "$file" ]; then
    say "book: cannot write $file: it is not a regular file"
    exit 1
  fi
  if [ ! -d "${file%/*}/" ]; then
    say "book: cannot write $file: there is no folder ${file%/*}"
    exit 1
  fi
  if [ ! -w "${file%/*}/" ]; then
    say "book: cannot write $file: the folder ${file%/*} is read-only"
    exit 1
  fi
  need
  build qkv_book
  say "running all chapters ..."
  build/qkv-book build/chapters "$file"
  echo "$file"
}

# ---- exercises ----------------------------------------------------------------------------------

# How an exercise was last graded, and the checksum of the file then: with another checksum it has
# been edited since.
graded() { echo "build/exercises/$1.graded"; }
checksum() { cksum <"examples/exercises/$1.cpp"; }

list_exercises() {
  for source in examples/exercises/[0-9]*.cpp; do
    name=$(basename "$source" .cpp)
    state=''
    if [ -f "$(graded "$name")" ]; then
      state=$(sed -n "s/^$(checksum "$name") //p" "$(graded "$name")")
      state=${state:-edited}
    fi
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
    1) ;;
    *)
      say "the program crashed ($status): perhaps an index out of range, or calls without an end"
      status=1 ;;
  esac
  if [ $status = 1 ]; then
    echo "edit examples/exercises/$name.cpp, then ./qkv exercise ${name%%_*} once more"
  fi
  exit $status
}
