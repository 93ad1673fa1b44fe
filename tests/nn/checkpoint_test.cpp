// Checkpoints of models: there and back to the bit; a file that does not fit says everything at
// once and changes nothing. The format itself: safetensors_test.cpp.
#include "nn/checkpoint.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "lib/file.h"
#include "lib/text.h"
#include "nn/safetensors.h"
#include "nn/transformer.h"
#include "tests/temporary.h"

using namespace qkv;
using namespace qkv::nn;

namespace {

namespace fs = std::filesystem;

// The path of a file that is gone, as is its folder, at the end of the test.
struct Scratch {
  tests::TemporaryFolder folder;
  std::string path = folder / "model.safetensors";
};

struct TwoLayers : Module {
  TwoLayers(int64_t in, int64_t hidden, uint64_t seed)
      : TwoLayers(in, hidden, lib::Generator(seed)) {}
  TwoLayers(int64_t in, int64_t hidden, lib::Generator generator)
      : first(in, hidden, generator), second(hidden, 2, generator) {
    add("first", first);
    add("second", second);
  }
  Linear first, second;
};

std::vector<double> all_numbers(const Module& module) {
  std::vector<double> all;
  for (const Variable& p : module.parameters()) {
    const auto values = p.value().to_vector();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

// What load_parameters says; it names the file, and has changed nothing.
std::string complaint(const std::string& path, Module& module) {
  const std::vector<double> before = all_numbers(module);
  std::string text = "no error";
  try {
    load_parameters(path, module);
  } catch (const std::runtime_error& error) {
    text = error.what();
  }
  CHECK(all_numbers(module) == before);
  CHECK(text.find(path) != std::string::npos);
  return text;
}

}  // namespace

TEST_CASE("a model saved and loaded has the same bits and gives the same output") {
  const Scratch scratch;
  lib::Generator one(1), two(2);
  const TransformerConfig config{.width = 8, .heads = 2, .positions = Positions::learned};
  EncoderClassifier saved(config, one), loaded(config, two);
  const Tensor tokens = tensor::integers({2, 5}, 0, 10, one);
  const auto run = [&](auto& model) { return model.forward(tokens).output.value().to_vector(); };
  CHECK(run(saved) != run(loaded));
  save_parameters(scratch.path, saved);
  load_parameters(scratch.path, loaded);
  CHECK(all_numbers(loaded) == all_numbers(saved));
  CHECK(run(loaded) == run(saved));
}

TEST_CASE("equal models make equal files whose keys are the parameters' names") {
  const Scratch scratch;
  const std::string other = scratch.path + ".other";
  const TwoLayers a(3, 4, 1), b(3, 4, 1);
  save_parameters(scratch.path, a, {{"task", "copy"}});
  save_parameters(other, b, {{"task", "copy"}});
  CHECK(lib::read_file(scratch.path, 1 << 20) == lib::read_file(other, 1 << 20));
  const SafetensorsFile file = load_safetensors(scratch.path);
  CHECK(file.metadata.at("task") == "copy");
  std::vector<std::string> names;
  for (const NamedTensor& tensor : file.tensors) names.push_back(tensor.name);
  CHECK(names ==
        std::vector<std::string>{"first.bias", "first.weight", "second.bias", "second.weight"});
}

TEST_CASE("a float64 model goes there and back") {
  const Scratch scratch;
  TwoLayers saved(3, 4, 1), loaded(3, 4, 2);
  saved.to(Dtype::float64);
  saved.first.bias.mutable_value().fill_(1.0 / 3);
  loaded.to(Dtype::float64);
  save_parameters(scratch.path, saved);
  load_parameters(scratch.path, loaded);
  CHECK(all_numbers(loaded) == all_numbers(saved));
}

TEST_CASE("loading keeps the parameters' identity") {
  const Scratch scratch;
  TwoLayers model(3, 4, 1);
  save_parameters(scratch.path, model);
  const auto node = model.first.weight.node();
  const Variable held = model.first.weight;  // as an optimiser holds it
  model.first.weight.mutable_value().fill_(0);
  load_parameters(scratch.path, model);
  CHECK(model.first.weight.node() == node);
  CHECK(held.value().to_vector() == TwoLayers(3, 4, 1).first.weight.value().to_vector());
}

TEST_CASE("a file that does not fit lists everything and changes nothing") {
  const Scratch scratch;
  save_safetensors(scratch.path, {{"first.weight", tensor::ones({4, 3})},
                                  {"first.bias", tensor::ones({4}, Dtype::float64)},
                                  {"second.weight", tensor::ones({4, 2})},
                                  {"third.weight", tensor::ones({1})}});
  TwoLayers model(3, 4, 1);
  CHECK(complaint(scratch.path, model) ==
        scratch.path +
            ": does not fit the model: 'first.bias' is (4,) float64, the model needs (4,) float32; "
            "'second.weight' is (4, 2) float32, the model needs (2, 4) float32; "
            "'second.bias' is missing; 'third.weight' is not a parameter of the model");
}

TEST_CASE("a truncated file is refused at every length and changes nothing") {
  const Scratch scratch;
  TwoLayers model(1, 1, 1);
  save_parameters(scratch.path, model);
  const std::string bytes = lib::read_file(scratch.path, 1 << 20);
  for (size_t length = 0; length < bytes.size(); length += 7) {
    std::ofstream(scratch.path, std::ios::binary | std::ios::trunc) << bytes.substr(0, length);
    INFO(length, " of ", bytes.size(), " bytes");
    CHECK(complaint(scratch.path, model) != "no error");
  }
}

TEST_CASE("a missing file or folder is a clear error") {
  const Scratch scratch;
  TwoLayers model(1, 1, 1);
  const auto message = [](const auto& action) -> std::string {
    try {
      action();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  };
  const std::string missing = message([&] { load_parameters(scratch.path, model); });
  CHECK(missing.find(scratch.path) != std::string::npos);
  const std::string nowhere = (scratch.folder.path() / "none" / "model.safetensors").string();
  CHECK(message([&] { save_parameters(nowhere, model); }).find(nowhere) != std::string::npos);
  CHECK(fs::is_empty(scratch.folder.path()));
}
