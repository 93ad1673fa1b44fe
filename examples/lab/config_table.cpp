// Every key, in the order of ./qkv train --help.
#include "examples/lab/config_table.h"

#include "examples/lab/presets.h"
#include "examples/lab/tasks.h"

namespace qkv::examples {
namespace {

const Words kAny = {};
const Words kSwitch = {"true", "false"};
const Words kTrained = {"encoder", "decoder", "encoder_decoder", "seq2seq"};
const Words kTransformers = {"encoder", "decoder", "encoder_decoder"};
const Words kSymbolBySymbol = {"decoder", "encoder_decoder", "seq2seq"};
const Words kDecoder = {"decoder"};
const Words kSeq2Seq = {"seq2seq"};

const Words kDrawn = {"copy", "reverse", "sort", "mixed", "add", "recall"};  // not by the grammar
const Words kQuestions = {"copy", "reverse", "sort", "mixed", "add", "recall", "translate"};
const Words kText = {"text"};

void data_keys(Config& c, std::vector<Key>& keys) {
  keys.insert(
      keys.end(),
      {{"task", &c.task, task_names(), "what to learn"},
       {"preset", &c.preset, preset_names(), "a named set of values, overridden by others"},
       {"name", &c.name, Words{}, "the run folder is runs/NAME; if not given, the task's name",
        kTrained},
       {"seed", &c.seed, Range{0, 4294967295}, "chooses data, initial weights and dropout"},
       {"length", &c.length, Range{1, 1024},
        "symbols of the training, at most; of add digits, of recall pairs", kAny, kDrawn},
       {"min_length", &c.min_length, Range{0, 1024}, "the same, at least; 0: as length", kAny,
        kDrawn},
       {"test_length", &c.test_length, Range{0, 1024},
        "the same in held-out sequences, at most; 0: as length", kAny, kDrawn},
       {"symbols", &c.symbols, Range{2, 10000},
        "different symbols; of recall values, of add the base", kAny, kDrawn},
       {"train_size", &c.train_size, Range{1, 1e9}, "training sequences"},
       {"validation_size", &c.validation_size, Range{1, 1e7},
        "held-out sequences to choose settings by"},
       {"test_size", &c.test_size, Range{1, 1e7}, "held-out sequences for the final figures"}});
}

void training_keys(Config& c, std::vector<Key>& keys) {
  keys.insert(
      keys.end(),
      {{"steps", &c.steps, Range{1, 1e8}, "optimiser steps", kTrained},
       {"batch", &c.batch, Range{1, 65536}, "sequences in a step", kTrained},
       {"optimizer", &c.optimizer, Words{"sgd", "adam", "adamw"}, "the rule that moves the weights",
        kTrained},
       {"learning_rate", &c.learning_rate, Range{0, 10}, "the largest step size of the schedule",
        kTrained},
       {"schedule", &c.schedule, Words{"constant", "linear", "cosine", "inverse_sqrt"},
        "how the rate falls", kTrained},
       {"warmup", &c.warmup, Range{0, 1e8}, "steps in which the rate rises from 0", kTrained},
       {"clip", &c.clip, Range{0, 1e6}, "longest gradient (Euclidean norm); 0: any length",
        kTrained},
       {"weight_decay", &c.weight_decay, Range{0, 10}, "pull of the weights towards 0", kTrained},
       {"beta2", &c.beta2, Range{0, 0.999999}, "Adam's memory of squared gradients", kTrained},
       {"label_smoothing", &c.label_smoothing, Range{0, 0.9},
        "share of the target spread over all symbols", kTrained}});
}

void model_keys(Config& c, std::vector<Key>& keys) {
  ModelConfig& m = c.model;
  keys.insert(
      keys.end(),
      {{"model.kind", &m.kind, model_kinds(), "model=KIND for short; if not given, by the task"},
       {"model.width", &m.width, Range{1, 4096},
        "numbers in a position's vector (C), or in a recurrent net's state", kTrained},
       {"model.layers", &m.layers, Range{1, 64}, "layers, of the encoder and of the decoder",
        kTrained},
       {"model.dropout", &m.dropout, Range{0, 0.95}, "probability of dropping a number", kTrained},
       {"model.heads", &m.heads, Range{1, 64}, "attention heads (H); must divide the width",
        kTransformers},
       {"model.kv_heads", &m.kv_heads, Range{0, 64},
        "heads of keys and values; must divide heads; 0: as many", kTransformers},
       {"model.window", &m.window, Range{0, 1024},
        "positions so far away and farther are out of sight; 0: all are in sight", kTransformers},
       {"model.sinks", &m.sinks, Range{0, 1024},
        "so many first positions stay in sight of a window", kTransformers},
       {"model.variation", &m.variation,
        Words{"none", "soft_cap", "sink", "kernel", "hard", "linear"},
        "how queries weigh keys, if not by a plain softmax: see nn/variations.h", kTransformers},
       {"model.feed_forward", &m.feed_forward, Range{1, 16384}, "hidden width of the feed-forward",
        kTransformers},
       {"model.positions", &m.positions, Words{"none", "sinusoidal", "learned", "rotary", "alibi"},
        "how a position is told", kTransformers},
       {"model.norm", &m.norm, Words{"post", "pre"}, "layer norm after or before each sublayer",
        kTransformers},
       {"model.tied", &m.tied, kSwitch, "output weights are those of the embedding",
        Words{"decoder", "encoder_decoder"}},
       {"model.cell", &m.cell, Words{"rnn", "gru", "lstm"}, "the recurrent cell", kSeq2Seq},
       {"model.attention", &m.attention,
        Words{"none", "additive", "dot", "scaled_dot", "general", "concat", "local"},
        "how the decoder looks at the source", kSeq2Seq},
       {"model.embedding", &m.embedding, Range{1, 4096}, "numbers in a symbol's vector", kSeq2Seq},
       {"model.bidirectional", &m.bidirectional, kSwitch, "the encoder also reads backwards",
        kSeq2Seq},
       {"model.input_feeding", &m.input_feeding, kSwitch,
        "each step of the decoder sees where the last one looked", kSeq2Seq},
       {"model.order", &m.order, Range{1, 40}, "symbols of the longest n-gram", Words{"ngram"}}});
}

void decoding_keys(Config& c, std::vector<Key>& keys) {
  DecodingConfig& d = c.decoding;
  keys.insert(keys.end(),
              {{"decoding.beam", &d.beam, Range{1, 64}, "width of the beam search; 1: greedy",
                kSymbolBySymbol, kQuestions},
               {"decoding.temperature", &d.temperature, Range{0.01, 100},
                "of sampled text: below 1 bolder, above 1 wilder", kDecoder, kText},
               {"decoding.top_k", &d.top_k, Range{0, 10000},
                "sample from the k likeliest only; 0: all", kDecoder, kText},
               {"decoding.top_p", &d.top_p, Range{0.01, 1},
                "sample from the fewest that together have this probability", kDecoder, kText}});
}

}  // namespace

std::vector<Key> config_table(Config& config) {
  std::vector<Key> keys;
  data_keys(config, keys);
  training_keys(config, keys);
  model_keys(config, keys);
  decoding_keys(config, keys);
  return keys;
}

}  // namespace qkv::examples
