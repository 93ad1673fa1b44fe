#!/bin/sh
# The whole book: written from the chapters as they are built, it is one page that fetches nothing
# and lacks nothing.
#
# usage: book.sh BOOK CHAPTERS      in the project's folder
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
page=$work/book.html
failures=0

problem() { echo "PROBLEM: $*"; failures=$((failures + 1)); }

"$1" "$2" "$page" || exit 1
size=$(wc -c <"$page")
[ "$size" -lt 5000000 ] || problem "the page has $size bytes"

# No reference leads out of the page: to a file, a host, a style sheet or an image.
tr '>' '\n' <"$page" | grep -E '<[^<]* (src|srcset|href|data|action|poster)="' |
  grep -v -E 'href="(#|data:,")| src="data:image/svg[+]xml,' >"$work/outside" &&
  problem "it refers to $(cat "$work/outside")"
sed -n '/^<style>/,/^<\/style>/p' "$page" | grep -E 'url\(|@import|@font-face' >"$work/outside" &&
  problem "its style refers to $(cat "$work/outside")"
grep -n -E '(fetch|import)\(|XMLHttpRequest|WebSocket' examples/book/page.js && problem "its script"

# Every chapter, every section of what its program prints, and beside each its source.
for source in examples/[0-9]*.cpp; do
  name=$(basename "$source" .cpp)
  number=${name%%_*}
  number=${number#0}
  grep -q "<article class=\"chapter\" id=\"chapter-$number\"" "$page" ||
    problem "chapter $number is missing"
  grep -q "href=\"#chapter-$number\"" "$page" || problem "chapter $number is not in the contents"
  awk '/^-+$/ && before ~ /^[0-9]+[.] / { print before + 0 } { before = $0 }' \
    "tests/story/$name.txt" >"$work/sections"
  [ -s "$work/sections" ] || problem "chapter $number has no sections"
  while read -r section; do
    grep -q "<section id=\"section-$number-$section\"" "$page" ||
      problem "section $number.$section is missing"
    cat "$source" "examples/${name#*_}"/*.h 2>/dev/null | grep -q "^ *// $section\. " ||
      problem "$source has no comment '// $section. '"
  done <"$work/sections"
done
sections=$(grep -c '<section ' "$page")
sources=$(grep -c '<pre class="source"' "$page")
chapters=$(grep -c '<article class="chapter"' "$page")
[ "$sources" = $((sections + chapters)) ] ||
  problem "$sources sources for $sections sections and $chapters chapters"

# Without arguments, or without chapters, it says why there is no page.
"$1" "$work" "$work/none.html" 2>"$work/err" && problem "it wrote a book of no chapters"
grep -q "$work/[0-9]" "$work/err" || problem "it did not name a program: $(cat "$work/err")"
[ ! -e "$work/none.html" ] || problem "it left a page behind"
"$1" 2>"$work/err" && problem "without arguments it ended well"
grep -q '^usage: ' "$work/err" || problem "it did not say its usage: $(cat "$work/err")"

echo "$failures problems"
[ "$failures" = 0 ]
