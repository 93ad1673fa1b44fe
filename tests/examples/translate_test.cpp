// The translations by a second opinion: a small French lexicon, written down here once more, that
// checks gender and number in both languages without the grammar.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "examples/lab/task_kinds.h"

using namespace qkv;
using namespace qkv::examples;

namespace {

constexpr Split kSplits[] = {Split::train, Split::validation, Split::test, Split::longer};

Task translate(int64_t seed = 1) {
  Config config;
  config.task = "translate";
  config.seed = seed;
  return make_task(config);
}

// What a word can be: sm, sf, pm, pf. Words that are not here agree with nothing.
std::map<std::string, std::set<std::string>> french_forms() {
  std::map<std::string, std::set<std::string>> forms;
  const auto add = [&](const std::set<std::string>& values, const std::vector<std::string>& words) {
    for (const std::string& word : words) forms[word] = values;
  };
  add({"sm"}, {"le", "un", "ce", "mon", "chat", "chien", "roi", "lit", "jardin", "petit", "bon",
               "grand", "noir", "blanc", "vert"});
  add({"sf"}, {"la", "une", "cette", "ma", "fille", "reine", "table", "maison", "chaise", "longue",
               "pomme", "grande", "petite", "bonne", "noire", "blanche", "verte"});
  add({"pm"}, {"chats", "chiens", "rois", "lits", "jardins", "grands", "petits", "bons", "noirs",
               "blancs", "verts"});
  add({"pf"}, {"filles", "reines", "tables", "maisons", "chaises", "longues", "pommes", "grandes",
               "petites", "bonnes", "noires", "blanches", "vertes"});
  add({"pm", "pf"}, {"les", "ces", "mes", "deux", "trois", "rouges"});
  add({"sm", "sf"}, {"rouge"});
  add({"sm", "pm"}, {"tapis"});
  add({"sf", "pf"}, {"souris"});
  return forms;
}

const std::set<std::string> kSingularVerbs = {"s'assied", "s'assit", "dort", "dormit", "court",
                                              "courut",   "voit",    "vit",  "suit",   "suivit",
                                              "prend",    "prit",    "est"};
const std::set<std::string> kPluralVerbs = {
    "s'asseyent", "s'assirent", "dorment",   "dormirent", "courent", "coururent", "voient",
    "virent",     "suivent",    "suivirent", "prennent",  "prirent", "sont"};
const std::set<std::string> kArticles = {"le",    "la",  "les", "un",  "une",  "ce",   "ces",
                                         "cette", "mon", "ma",  "mes", "deux", "trois"};
const std::set<std::string> kLinkWords = {"de", "terre"}, kBetween = {"sur", "sous", "dans", "et"};

void keep_common(std::set<std::string>& a, const std::set<std::string>& b) {
  std::erase_if(a, [&](const std::string& x) { return b.count(x) == 0; });
}

// Walks the words; each noun phrase must leave one gender and number possible, a verb must have
// the number of the first noun phrase of its clause, and an adjective after est or sont both.
std::string complaint(const std::vector<std::string>& words) {
  static const auto forms = french_forms();
  const std::set<std::string> any = {"sm", "sf", "pm", "pf"};
  std::set<std::string> phrase = any, subject;
  bool verb_seen = false;
  for (const std::string& word : words) {
    const bool singular = kSingularVerbs.count(word) > 0, plural = kPluralVerbs.count(word) > 0;
    if (kArticles.count(word) || kBetween.count(word) || singular || plural) {
      if (phrase != any && subject.empty()) subject = phrase;
      phrase = any;
    }
    if (word == "et") subject.clear(), verb_seen = false;
    if (singular || plural) {
      if (verb_seen) return word + ": a second verb";
      verb_seen = true;
      keep_common(subject,
                  singular ? std::set<std::string>{"sm", "sf"} : std::set<std::string>{"pm", "pf"});
      if (subject.empty()) return word + ": not the number of its subject";
      if (word == "est" || word == "sont") phrase = subject;
    } else if (forms.count(word)) {
      keep_common(phrase, forms.at(word));
      if (phrase.empty()) return word + ": does not agree";
    } else if (!kBetween.count(word) && !kLinkWords.count(word)) {
      return word + ": unknown";
    }
  }
  return verb_seen ? "" : "no verb";
}

}  // namespace

TEST_CASE("translate: the second opinion sees wrong French") {
  const auto says = [](const std::vector<std::string>& words) { return complaint(words); };
  CHECK(says({"le", "chat", "noir", "dort"}).empty());
  CHECK(says({"la", "chat", "dort"}) == "chat: does not agree");
  CHECK(says({"le", "chat", "noire", "dort"}) == "noire: does not agree");
  CHECK(says({"les", "souris", "dort"}) == "dort: not the number of its subject");
  CHECK(says({"le", "chat", "sur", "les", "tables", "dorment"}) ==
        "dorment: not the number of its subject");
  CHECK(says({"les", "souris", "sont", "blanche"}) == "blanche: does not agree");
}

TEST_CASE("translate: French agrees in gender and number in every split") {
  for (const int64_t seed : {1, 7}) {
    const Task task = translate(seed);
    for (const Split split : kSplits) {
      for (int64_t i = 0; i < 200; ++i) {
        const Example e = example(task, split, i);
        CAPTURE(target_text(task, e.target));
        REQUIRE(complaint(target_labels(task, e.target)).empty());
      }
    }
  }
}

TEST_CASE("translate: English verbs in the present have the number of the first noun") {
  const std::set<std::string> plurals = {"cats", "dogs", "kings", "mice", "girls", "queens"};
  const std::set<std::string> beings = {"cat", "dog", "king", "mouse", "girl", "queen"};
  const std::set<std::string> ones = {"sits", "sleeps", "runs", "sees", "follows", "takes", "is"};
  const std::set<std::string> many = {"sit", "sleep", "run", "see", "follow", "take", "are"};
  const Task task = translate();
  for (int64_t i = 0; i < 600; ++i) {
    const std::vector<std::string> words =
        source_labels(task, example(task, Split::train, i).source);
    int number = 0;  // of the subject, the first being
    for (size_t w = 0; w < words.size(); ++w) {
      const std::string& word = words[w];
      if (number == 0) number = beings.count(word) ? 1 : plurals.count(word) ? 2 : 0;
      if (ones.count(word)) REQUIRE(number == 1);
      if (many.count(word)) REQUIRE(number == 2);
      if (word == "a") REQUIRE(std::string("aeiou").find(words[w + 1][0]) == std::string::npos);
    }
    REQUIRE(number != 0);
  }
}

TEST_CASE("translate: the gold links cover each French word once, with words that translate it") {
  const Task task = translate();
  std::map<std::string, std::set<std::string>> meanings;  // of the English word
  for (const Split split : kSplits) {
    for (int64_t i = 0; i < 200; ++i) {
      const Example e = example(task, split, i);
      REQUIRE(e.links.size() == e.target.size());
      const auto english = source_labels(task, e.source), french = target_labels(task, e.target);
      std::set<int64_t> used;
      for (size_t t = 0; t < e.links.size(); ++t) {
        REQUIRE(e.links[t].target == static_cast<int64_t>(t));
        const auto s = static_cast<size_t>(e.links[t].source);
        REQUIRE(s < english.size());
        used.insert(e.links[t].source);
        meanings[english[s]].insert(french[t]);
      }
      REQUIRE(used.size() == e.source.size());  // no English word goes untranslated
    }
  }
  CHECK(meanings["cat"] == std::set<std::string>{"chat"});
  CHECK(meanings["the"] == std::set<std::string>{"le", "la", "les"});
  CHECK(meanings["white"] == std::set<std::string>{"blanc", "blanche", "blancs", "blanches"});
  CHECK(meanings["sat"] == std::set<std::string>{"s'assit", "s'assirent"});
  CHECK(meanings["potato"] == std::set<std::string>{"pomme", "de", "terre"});
}

TEST_CASE("translate: colours change places with their noun, and qualities do not") {
  const Task task = translate();
  int colours = 0;
  for (int64_t i = 0; i < 500; ++i) {
    const Example e = example(task, Split::train, i);
    const auto english = source_labels(task, e.source);
    for (size_t t = 0; t + 1 < e.links.size(); ++t) {
      if (e.links[t].source <= e.links[t + 1].source) continue;
      const std::string& moved = english[static_cast<size_t>(e.links[t + 1].source)];
      REQUIRE((moved == "black" || moved == "white" || moved == "green" || moved == "red"));
      ++colours;
    }
  }
  CHECK(colours > 100);
}

TEST_CASE("translate: the cat on the mat is the first of the test split, and is never trained on") {
  const Task task = translate();
  const Example cat = example(task, Split::test, 0);
  CHECK(source_text(task, cat.source) == "the cat sat on the mat");
  CHECK(target_text(task, cat.target) == "le chat s'assit sur le tapis");
  CHECK(cat.links == std::vector<Link>{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}});
  CHECK(example(translate(2), Split::test, 0).source == cat.source);
  CHECK(task.kind->split(cat) == Split::test);
}

TEST_CASE("translate: splits share no phrase whatever the seed, and the longer ones are longer") {
  std::set<Sequence> trained;
  for (const int64_t seed : {1, 2}) {
    const Task task = translate(seed);
    for (int64_t i = 0; i < 2000; ++i) trained.insert(example(task, Split::train, i).source);
  }
  CHECK(trained.size() > 3500);
  for (const int64_t seed : {1, 2, 3}) {
    const Task task = translate(seed);
    for (int64_t i = 0; i < 200; ++i) {
      REQUIRE(trained.count(example(task, Split::validation, i).source) == 0);
      REQUIRE(trained.count(example(task, Split::test, i).source) == 0);
      const Example longer = example(task, Split::longer, i);
      REQUIRE(static_cast<int64_t>(longer.source.size()) > task.longest_source(Split::train));
      REQUIRE(static_cast<int64_t>(longer.target.size()) <= task.longest_target(Split::longer));
    }
  }
}

TEST_CASE("translate: vocabularies are small, lower case, and without accents") {
  const Task task = translate();
  CHECK(task.source_symbols == 64);
  CHECK(task.target_symbols > 80);
  CHECK(task.target_symbols < 100);
  CHECK_FALSE(answers_are_as_long(task.name));
  for (int64_t s = 0; s < task.target_symbols; ++s) {
    for (const char c : target_text(task, {s})) CHECK(((c >= 'a' && c <= 'z') || c == '\''));
  }
}
