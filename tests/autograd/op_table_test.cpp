// Calculus: every differentiable operation has a row in the op table, and every row is the slope
// that central differences find, for first and for second derivatives. A model must not use an
// operation that the table does not know. Next: grad_check_test.cpp, which tests the checker
// itself.
#include "autograd/op_table.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <regex>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/checks/model_rows.h"
#include "nn/transformer.h"
#include "tests/operations.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::missing;
using qkv::tests::Names;
using qkv::tests::operations_behind;

namespace {

Names names_in_table() {
  Names names;
  for (const OpCase& row : op_table()) names.insert(row.op);
  return names;
}

// Calls body(model, loss) for a small model of every kind.
template <class Body>
void for_each_model(const Body& body) {
  for (int kind = 0; kind < 16; ++kind) {
    lib::Generator generator(1);
    nn::EncoderClassifier model(
        {.vocab = 5,
         .width = 4,
         .heads = 2,
         .layers = 1,
         .feed_forward = 6,
         .max_length = 3,
         .dropout = (kind & 8) != 0 ? 0.2 : 0.0,
         .norm = (kind & 1) != 0 ? nn::Norm::pre : nn::Norm::post,
         .positions = (kind & 2) != 0 ? nn::Positions::learned : nn::Positions::sinusoidal,
         .activation = (kind & 4) != 0 ? nn::Activation::gelu : nn::Activation::relu},
        generator);
    const Tensor tokens = tensor::integers({2, 3}, 0, 5, generator);
    const nn::Mask mask = (kind & 1) != 0 ? nn::Mask::causal(3) : nn::Mask();
    body(model, cross_entropy(model.forward(tokens, mask).output, tokens));
  }
}

}  // namespace

TEST_CASE("every row of the op table passes the gradient check") {
  for (const OpCase& row : op_table()) {
    for (const uint64_t seed : {1u, 2u, 3u}) {
      lib::Generator generator(seed);
      int64_t elements = 0;
      for (const Tensor& input : row.sample(generator)) elements += input.numel();
      const GradCheckReport report = check_row(row, seed);
      CHECK_MESSAGE(report.passed, report.message);
      CHECK(report.elements == elements);
      CHECK(report.kinks.empty());  // samples keep away from them
    }
  }
}

TEST_CASE("every row of the op table passes the second-order gradient check") {
  for (const OpCase& row : op_table()) {
    for (const uint64_t seed : {1u, 2u, 3u}) {
      const GradCheckReport report = check_row_second_order(row, seed);
      CHECK_MESSAGE(report.passed, report.message);
    }
  }
}

TEST_CASE("a row whose tolerance is relaxed says why") {
  for (const auto* table : {&op_table(), &examples::model_table()}) {
    for (const OpCase& row : *table) {
      const bool relaxed = row.tolerance.atol > 1e-7 || row.tolerance.rtol > 1e-6;
      CHECK_MESSAGE(relaxed == !row.tolerance.reason.empty(), row.op, ", ", row.variant);
    }
  }
}

TEST_CASE("every operation is tried on one element and on nothing and on views") {
  struct Tried {
    bool one_element = false, nothing = false, view = false;
  };
  std::map<std::string, Tried> tried;
  for (const OpCase& row : op_table()) {
    lib::Generator generator(1);
    const std::vector<Tensor> inputs = row.sample(generator);
    Tried& shapes = tried[row.op];
    shapes.nothing |= row.apply({inputs.begin(), inputs.end()}).numel() == 0;
    for (const Tensor& input : inputs) {
      shapes.one_element |= input.numel() == 1;
      shapes.nothing |= input.numel() == 0;
      shapes.view |= !input.is_contiguous();
    }
  }
  const std::map<std::string, std::string> cannot_be_empty = {
      {"cross_entropy", "the mean over no positions is refused"},
      {"mse_loss", "the mean over no elements is refused"}};
  for (const auto& entry : tried) {
    INFO(entry.first);
    CHECK(entry.second.one_element);
    CHECK(entry.second.nothing == !cannot_be_empty.contains(entry.first));
    CHECK(entry.second.view);
  }
}

TEST_CASE("operations with kinks are marked, with the slope that they take there") {
  Names marked;
  for (const OpCase& row : op_table()) {
    if (!row.kinks.empty()) marked.insert(row.op);
  }
  CHECK(marked == Names{"max", "maximum", "relu"});
}

TEST_CASE("the op table has exactly the operations that there are") {
  // clang-format off
  const Names by_hand = {"add",         "sub",           "mul",           "div",
                         "neg",         "scale",         "shift",         "exp",
                         "log",         "sqrt",          "tanh",          "sigmoid",
                         "relu",        "erf",           "gelu",          "gelu_tanh",
                         "sum",         "mean",          "max",           "expand",
                         "reduce_to",   "reshape",       "transpose",     "permute",
                         "slice",       "slice_adjoint", "concat",        "where",
                         "masked_fill", "gather",        "scatter_add",   "embedding",
                         "dropout",     "matmul",        "linear",        "scatter_add_rows",
                         "softmax",     "layer_norm",    "rms_norm",      "masked_softmax",
                         "attention",   "log_softmax",   "cross_entropy", "maximum",
                         "pow",         "silu",          "index_select",  "index_add",
                         "unbind",      "piece",         "logsumexp",     "mse_loss",
                         "rnn_cell",    "gru_cell",      "lstm_cell",     "recurrence",
                         "causal_product"};
  // clang-format on
  CHECK(missing(by_hand, names_in_table()) == "");
  CHECK(missing(names_in_table(), by_hand) == "");
}

TEST_CASE("the op table has every operation that ops.h declares") {
  std::ifstream file(QKV_SOURCE_DIR "/autograd/ops.h");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::regex declaration(R"(\bVariable (\w+)\()");
  Names declared;
  for (std::sregex_iterator at(text.begin(), text.end(), declaration), end; at != end; ++at) {
    declared.insert((*at)[1]);
  }
  CHECK(declared.size() >= 41);
  CHECK(declared.erase("select") == 1);  // made of slice and reshape
  CHECK(declared.erase("stack") == 1);   // made of reshape and concat
  CHECK(missing(declared, names_in_table()) == "");
}

TEST_CASE("rows record the operation that they are named after") {
  for (const OpCase& row : op_table()) {
    lib::Generator generator(1);
    std::vector<Variable> inputs;
    for (const Tensor& input : row.sample(generator)) inputs.push_back(parameter(input));
    CHECK_MESSAGE(operations_behind(row.apply(inputs)).contains(row.op), row.op, ", ", row.variant);
  }
}

TEST_CASE("models use only operations of the op table") {
  Names used;
  for (const OpCase& row : examples::model_table()) {
    lib::Generator generator(1);
    std::vector<Variable> parameters;
    for (const Tensor& value : row.sample(generator)) parameters.push_back(parameter(value));
    used.merge(operations_behind(row.apply(parameters)));
  }
  for_each_model([&](auto&, const Variable& loss) { used.merge(operations_behind(loss)); });
  CHECK(missing(used, names_in_table()) == "");
  for (const std::string op : {"linear", "matmul", "masked_softmax", "softmax", "layer_norm",
                               "dropout", "relu", "gelu", "slice", "cross_entropy"}) {
    CHECK_MESSAGE(used.contains(op), op);  // else the models say nothing
  }
}

TEST_CASE("gradients of models use only operations of the op table") {
  Names used;
  for_each_model([&](auto& model, const Variable& loss) {
    for (const Variable& g : grad({loss}, model.parameters(), {}, {.create_graph = true})) {
      used.merge(operations_behind(g));
    }
  });
  CHECK(used.erase("alias") ==
        1);  // the engine's own identity, between an operand and a definition
  CHECK(missing(used, names_in_table()) == "");
  for (const std::string op : {"slice_adjoint", "where", "div", "exp", "expand"}) {
    CHECK_MESSAGE(used.contains(op), op);
  }
}
