#!/bin/sh
# The book in a real browser: headless Chromium (Debian's package chromium), driven by
# playwright-core, which npm brings. Screenshots, light and dark, wide and narrow, are left in WORK.
#
#   sh tests/browser/run.sh [BUILD [WORK]]      in the project's folder, after ./qkv book
set -eu
build=$(cd "${1:-build}" && pwd)
work=${2:-$build/browser}
mkdir -p "$work"
for program in node npm chromium; do
  command -v $program >/dev/null || { echo "$program is needed"; exit 1; }
done
cp tests/browser/package.json tests/browser/package-lock.json "$work"
[ "$work/node_modules/.package-lock.json" -nt "$work/package-lock.json" ] ||
  (cd "$work" && npm ci --no-audit --no-fund)

"$build/qkv-book" "$build/chapters" "$work/book.html"

# A book of one chapter, made up of the worst that a program may say.
hostile=$work/hostile
mkdir -p "$hostile/examples/book" "$hostile/chapters"
cp examples/book/page.css examples/book/page.js "$hostile/examples/book"
cp tests/browser/hostile.md "$hostile/examples/seeds.md"
cp tests/browser/hostile.cpp.txt "$hostile/examples/01_hostile.cpp"
printf '#!/bin/sh\ncat "%s"\n' "$PWD/tests/browser/hostile.jsonl" >"$hostile/chapters/01_hostile"
chmod +x "$hostile/chapters/01_hostile"
(cd "$hostile" && "$build/qkv-book" chapters "$work/hostile.html")

NODE_PATH=$work/node_modules QKV_BROWSER_WORK=$work QKV_CHAPTERS=$build/chapters \
  node --test tests/browser/*.test.js
