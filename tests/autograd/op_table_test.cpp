// Calculus: every differentiable operation has a row in the op table, and every row is the slope
// that central differences find, for first and for second derivatives. A model must not use an
// operation that the table does not know. Next: grad_check_test.cpp, which tests the checker
// itself.
#include "autograd/op_table.h"

#include <doctest/doctest.h>

#include <fstream>
#include <regex>
#include <set>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/transformer.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

using Names = std::set<std::string>;

Names names_in_table() {
  Names names;
  for (const OpCase& row : op_table()) names.insert(row.op);
  return names;
}

// The names of all operations that the result was made of, leaves aside.
Names operations_behind(const Variable& result) {
  Names names;
  std::set<const Node*> seen;
  std::vector<const Node*> open = {result.node().get()};
  while (!open.empty()) {
    const Node* const node = open.back();
    open.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    if (!node->is_leaf()) names.insert(node->op);
    for (const auto& input : node->inputs) open.push_back(input.get());
  }
  return names;
}

// What is in the first set and not in the second, in one line.
std::string missing(const Names& wanted, const Names& present) {
  std::string text;
  for (const std::string& name : wanted) text += present.contains(name) ? "" : name + " ";
  return text;
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
      const std::vector<Tensor> inputs = row.sample(generator);
      int64_t elements = 0;
      for (const Tensor& input : inputs) elements += input.numel();
      const GradCheckReport report =
          grad_check(row.op + ", " + row.variant, row.apply, inputs, {.seed = seed});
      CHECK_MESSAGE(report.passed, report.message);
      CHECK(report.elements == elements);
    }
  }
}

TEST_CASE("every row of the op table passes the second-order gradient check") {
  for (const OpCase& row : op_table()) {
    for (const uint64_t seed : {1u, 2u, 3u}) {
      lib::Generator generator(seed);
      const GradCheckReport report =
          grad_grad_check(row.op + ", " + row.variant, row.apply, row.sample(generator),
                          {.eps = 1e-5, .atol = 1e-7, .rtol = 1e-6, .seed = seed});
      CHECK_MESSAGE(report.passed, report.message);
    }
  }
}

TEST_CASE("the op table has exactly the operations that there are") {
  const Names by_hand = {"add",
                         "sub",
                         "mul",
                         "div",
                         "neg",
                         "scale",
                         "shift",
                         "exp",
                         "log",
                         "sqrt",
                         "tanh",
                         "sigmoid",
                         "relu",
                         "erf",
                         "gelu",
                         "gelu_tanh",
                         "sum",
                         "mean",
                         "max",
                         "expand",
                         "reduce_to",
                         "reshape",
                         "transpose",
                         "permute",
                         "slice",
                         "slice_adjoint",
                         "concat",
                         "where",
                         "masked_fill",
                         "gather",
                         "scatter_add",
                         "embedding",
                         "dropout",
                         "matmul",
                         "linear",
                         "scatter_add_rows",
                         "softmax",
                         "layer_norm",
                         "rms_norm",
                         "masked_softmax",
                         "attention",
                         "log_softmax",
                         "cross_entropy",
                         "maximum",
                         "pow",
                         "silu",
                         "index_select",
                         "index_add",
                         "logsumexp",
                         "mse_loss"};
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
  CHECK(declared.erase("stack") == 1);  // made of reshape and concat
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
