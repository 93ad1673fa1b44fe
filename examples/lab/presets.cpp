// Which model suits which task, with which training; and the published settings.
#include "examples/lab/presets.h"

#include "examples/lab/tasks.h"
#include "examples/lab/words.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

std::string suiting_kind(const std::string& task) {
  if (task == "text") return "decoder";
  if (task == "translate") return "seq2seq";
  return answers_are_as_long(task) ? "encoder" : "encoder_decoder";
}

// ---- what trains well, by model and task --------------------------------------------------------

void suit_transformer(Config& c) {
  c.clip = 1;
  c.steps = 1500;
  c.learning_rate = 2e-3;
  c.warmup = 100;
  c.model.width = 64;
  c.model.heads = 4;
  c.model.layers = 2;
  c.model.feed_forward = 256;
  c.model.norm = "pre";
}

void suit_model(Config& c) {
  if (c.model.kind == "encoder") return;  // what Config itself says
  if (c.model.kind != "seq2seq") return suit_transformer(c);
  c.clip = 1;
  c.steps = 600;
  c.learning_rate = 5e-3;
  c.model.width = 64;
}

void suit_task(Config& c) {
  if (c.task == "text") {
    if (c.model.kind == "encoder") suit_transformer(c);
    c.learning_rate = 3e-3;
  }
  if (c.task == "translate") {
    c.train_size = 50000;
    c.steps = 1500;
    c.learning_rate = 3e-3;
  }
  if (c.task == "add") {
    c.min_length = 1;
    c.length = 4;
    c.train_size = 200000;
    c.steps = 3000;
    if (c.model.kind == "seq2seq") c.model.width = 128, c.learning_rate = 3e-3;
  }
  if (c.task == "recall") {
    c.min_length = 2;
    c.length = 5;
    c.train_size = 100000;
    c.steps = 2000;
    if (c.model.kind == "seq2seq") {
      c.model.attention = "general";
      c.learning_rate = 3e-3;
      c.steps = 5000;
    }
  }
  if ((c.task == "sort" || c.task == "mixed") && c.model.kind == "encoder") suit_transformer(c);
}

Config suiting(const std::string& task, const std::string& kind) {
  Config c;
  if (!task.empty()) c.task = task;
  c.model.kind = kind.empty() ? suiting_kind(c.task) : kind;
  suit_model(c);
  suit_task(c);
  return c;
}

// ---- published settings -------------------------------------------------------------------------

struct Preset {
  const char* name;
  const char* task;
  const char* kind;
  void (*set)(Config&);
};

// The Deep Learning tutorials of the University of Amsterdam, number 6: 10,346 parameters.
void uva(Config& c) {
  c.length = 16, c.symbols = 10;
  c.train_size = 50000, c.validation_size = 1000, c.test_size = 10000;
  c.steps = 3900, c.batch = 128;
  c.optimizer = "adam", c.learning_rate = 5e-4, c.schedule = "cosine", c.warmup = 50;
  c.clip = 5;
  c.model.width = 32, c.model.heads = 1, c.model.layers = 1, c.model.feed_forward = 64;
}

// JoeyNMT, rnn_reverse: 5 epochs of 50,000 sequences in batches of 24.
void joeynmt_reverse(Config& c) {
  c.length = 25, c.min_length = 1, c.test_length = 30, c.symbols = 50;
  c.train_size = 50000, c.validation_size = 1000, c.test_size = 1000;
  c.steps = 10415, c.batch = 24;
  c.optimizer = "adam", c.learning_rate = 1e-3, c.schedule = "constant", c.warmup = 0;
  c.clip = 1;
  c.model.width = 64, c.model.embedding = 16, c.model.dropout = 0.1;
  c.model.cell = "lstm", c.model.attention = "general", c.model.input_feeding = true;
}

// minGPT, its demo.
// The source keeps its rate to the end; here it falls. (Kept, it left one seed of five at 98.92 %
// of the sequences, in a dip that the others had passed.)
void mingpt_sort(Config& c) {
  c.length = 6, c.symbols = 3;
  c.train_size = 50000, c.validation_size = 1000, c.test_size = 5000;
  c.steps = 2000, c.batch = 64;
  c.optimizer = "adamw", c.learning_rate = 5e-4, c.schedule = "cosine", c.warmup = 0;
  c.weight_decay = 0.1, c.beta2 = 0.95, c.clip = 1;
  c.model.width = 48, c.model.heads = 3, c.model.layers = 3, c.model.feed_forward = 192;
  c.model.norm = "pre", c.model.positions = "learned", c.model.dropout = 0.1;
}

// TinyTorch, milestone 05: 60 epochs of 600 sequences in batches of 16.
void tinytorch_m05(Config& c) {
  c.length = 6, c.symbols = 26;
  c.train_size = 600, c.validation_size = 200, c.test_size = 1000;
  c.steps = 2250, c.batch = 16;
  c.optimizer = "adam", c.learning_rate = 1e-3, c.schedule = "constant", c.warmup = 0;
  c.clip = 1;
  c.model.width = 64, c.model.heads = 4, c.model.layers = 2, c.model.feed_forward = 256;
}

// The Annotated Transformer. Its schedule: the rate peaks at 1/√C · 1/√warmup.
void annotated_copy(Config& c) {
  c.length = 10, c.symbols = 10;
  c.train_size = 100000, c.validation_size = 1000, c.test_size = 1000;
  c.steps = 200, c.batch = 30;
  c.optimizer = "adam", c.learning_rate = 0.00221, c.schedule = "inverse_sqrt", c.warmup = 400;
  c.beta2 = 0.98, c.clip = 0;
  c.model.width = 512, c.model.heads = 8, c.model.layers = 2, c.model.feed_forward = 2048;
  c.model.dropout = 0.1, c.model.norm = "pre";
}

// The same task with 9,988 parameters in place of 14,732,300.
void annotated_copy_small(Config& c) {
  annotated_copy(c);
  c.steps = 1000, c.learning_rate = 1e-2, c.schedule = "cosine", c.warmup = 50, c.clip = 1;
  c.model.width = 20, c.model.heads = 2, c.model.layers = 1, c.model.feed_forward = 48;
  c.model.dropout = 0;
}

const Preset kPresets[] = {
    {"uva", "reverse", "encoder", uva},
    {"joeynmt-reverse", "reverse", "seq2seq", joeynmt_reverse},
    {"mingpt-sort", "sort", "decoder", mingpt_sort},
    {"tinytorch-m05", "reverse", "encoder", tinytorch_m05},
    {"annotated-copy", "copy", "encoder_decoder", annotated_copy},
    {"annotated-copy-small", "copy", "encoder_decoder", annotated_copy_small},
};

const Preset* find_preset(const std::string& name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

}  // namespace

Words model_kinds() { return {"encoder", "decoder", "encoder_decoder", "seq2seq", "ngram"}; }

Words preset_names() {
  Words names = {"default"};
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
}

void check_pair(const std::string& task, const std::string& kind) {
  const auto refuse = [&](const char* why, const std::string& instead) {
    lib::fail("config: model=", kind, " cannot learn task=", task, ": ", why,
              "; try model=", instead);
  };
  if (task == "text") {
    if (kind == "seq2seq" || kind == "encoder_decoder") {
      refuse("a text has no source to encode, it is only continued", "decoder");
    }
    return;
  }
  if (kind == "ngram")
    refuse("an n-gram model continues a text, it answers no question", "decoder");
  if (kind == "encoder" && !answers_are_as_long(task)) {
    refuse("an encoder answers at each place of the question, and here the answer is not as long",
           suiting_kind(task));
  }
}

Config preset_values(const std::string& name, const std::string& task, const std::string& kind) {
  const Preset* preset = find_preset(name);
  if (preset == nullptr) return suiting(task, kind);
  Config c;
  c.preset = name;
  c.task = task.empty() ? preset->task : task;
  c.model.kind = kind.empty() ? preset->kind : kind;
  preset->set(c);
  return c;
}

}  // namespace qkv::examples
