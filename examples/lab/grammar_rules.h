// The grammar of the tasks translate and text: English phrases and their French, rule by rule.
//
//   N is s or p, singular or plural; G is m or f, masculine or feminine; K is a being or a thing.
//   One letter has one value in the whole of a rule: that is all there is to agreement. A letter
//   that only the parts have takes each of its values equally often.
// Next: grammar.h, what is done with them.
#pragma once

namespace qkv::examples {

// `whole` is made of `parts` in this share of its cases (shares of one whole are relative to their
// sum). French has the parts in `order`; "" is the English order.
struct Rule {
  const char* whole;
  double share;
  const char* parts;
  const char* order = "";
};

constexpr Rule kRules[] = {
    // ---- what the tasks ask for
    {"phrase", 1, "clause.N.G"},
    {"two-phrases", 1, "phrase and phrase"},
    {"line", 1, "phrase stop"},
    {"long-line", 1, "phrase comma and phrase stop"},

    // ---- clauses: the verb has the number of its subject, however far away that is
    {"clause.N.G", 4, "subject.N.G rests.N place"},     // the cat sat on the mat
    {"clause.N.G", 1, "subject.N.G rests.N"},           // the queen sleeps
    {"clause.N.G", 4, "subject.N.G handles.N object"},  // my dogs follow the king
    {"clause.N.G", 1, "subject.N.G is.N colour.N.G"},   // the mice are white
    {"subject.N.G", 7, "named.being.N.G"},
    {"subject.N.G", 3, "named.being.N.G place"},  // the dogs under the table
    {"object", 1, "named.K.N.G"},
    {"place", 1, "where named.thing.N.G"},

    // ---- noun phrases: in French colours follow the noun, and all agree with it
    {"named.K.N.G", 6, "the.N.G noun.K.N.G"},
    {"named.K.N.G", 3, "the.N.G quality.N.G noun.K.N.G"},          // the big cat: grand chat
    {"named.K.N.G", 3, "the.N.G colour.N.G noun.K.N.G", "1 3 2"},  // the black cat: chat noir
    {"named.K.N.G", 1, "the.N.G quality.N.G colour.N.G noun.K.N.G", "1 2 4 3"},
};

// A word and its French, by form: one form for all cases, or singular|plural, or singular
// masculine|singular feminine|plural masculine|plural feminine. "-": there is no such form. All
// words of a French form translate the one English word.
struct Word {
  const char* whole;
  double share;
  const char* english;
  const char* french;
};

constexpr Word kWords[] = {
    // The French article also depends on the noun. If the English one were nearly always "the", a
    // model could well write "les" while it looks at the noun alone, and the links say otherwise.
    {"the.N.G", 1, "the", "le|la|les|les"},
    {"the.N.G", 1, "a|-", "un|une|-|-"},
    {"the.N.G", 1, "this|these", "ce|cette|ces|ces"},
    {"the.N.G", 1, "my", "mon|ma|mes|mes"},
    {"the.p.G", 1, "two", "deux"},
    {"the.p.G", 1, "three", "trois"},

    {"noun.being.N.m", 1, "cat|cats", "chat|chats"},
    {"noun.being.N.m", 1, "dog|dogs", "chien|chiens"},
    {"noun.being.N.m", 1, "king|kings", "roi|rois"},
    {"noun.being.N.f", 1, "mouse|mice", "souris|souris"},
    {"noun.being.N.f", 1, "girl|girls", "fille|filles"},
    {"noun.being.N.f", 1, "queen|queens", "reine|reines"},

    {"noun.thing.N.m", 1, "mat|mats", "tapis|tapis"},
    {"noun.thing.N.m", 1, "bed|beds", "lit|lits"},
    {"noun.thing.N.m", 1, "garden|gardens", "jardin|jardins"},
    {"noun.thing.N.f", 1, "table|tables", "table|tables"},
    {"noun.thing.N.f", 1, "house|houses", "maison|maisons"},
    {"noun.thing.N.f", 1, "deckchair|deckchairs", "chaise longue|chaises longues"},
    {"noun.thing.N.f", 1, "potato|potatoes", "pomme de terre|pommes de terre"},

    // Not "gros": that is fat of a queen, and nobody says it of a garden.
    {"quality.N.G", 1, "big", "grand|grande|grands|grandes"},
    {"quality.N.G", 1, "little", "petit|petite|petits|petites"},
    {"quality.N.G", 1, "good", "bon|bonne|bons|bonnes"},
    {"colour.N.G", 1, "black", "noir|noire|noirs|noires"},
    {"colour.N.G", 1, "white", "blanc|blanche|blancs|blanches"},
    {"colour.N.G", 1, "green", "vert|verte|verts|vertes"},
    {"colour.N.G", 1, "red", "rouge|rouges"},

    // "sat" is "s'assit", did sit down: the tense of tales in both languages, and one word for one.
    // The famous "le chat était sur le tapis" says that the cat was on the mat, and leaves "sat"
    // untranslated; "était assis", was sitting, would be the other right answer.
    {"rests.N", 1, "sits|sit", "s'assied|s'asseyent"},
    {"rests.N", 1, "sat", "s'assit|s'assirent"},
    {"rests.N", 1, "sleeps|sleep", "dort|dorment"},
    {"rests.N", 1, "slept", "dormit|dormirent"},
    {"rests.N", 1, "runs|run", "court|courent"},
    {"rests.N", 1, "ran", "courut|coururent"},
    {"handles.N", 1, "sees|see", "voit|voient"},
    {"handles.N", 1, "saw", "vit|virent"},
    {"handles.N", 1, "follows|follow", "suit|suivent"},
    {"handles.N", 1, "followed", "suivit|suivirent"},
    {"handles.N", 1, "takes|take", "prend|prennent"},
    {"handles.N", 1, "took", "prit|prirent"},
    {"is.N", 1, "is|are", "est|sont"},

    {"where", 1, "on", "sur"},
    {"where", 1, "under", "sous"},
    {"where", 1, "in", "dans"},
    {"and", 1, "and", "et"},
    {"comma", 1, ",", ","},
    {"stop", 4, ".", "."},
    {"stop", 1, "!", "!"},
};

}  // namespace qkv::examples
