// Reading golden files: what a right one becomes, and that each malformed one is refused with its
// place. Here, too: how an operation asks a case for inputs and attributes.
#include "examples/checks/golden.h"

#include <doctest/doctest.h>

#include "examples/checks/golden_call.h"
#include "tests/compare.h"
#include "tests/temporary.h"

using namespace qkv::examples;
using namespace qkv::tests;
using Numbers = std::vector<double>;

namespace {

const std::string kTensor = R"({"dtype": "float64", "shape": [2], "data": [1, 2.5]})";

// A file of one case, from its inner part.
std::string file_of(const std::string& inside) {
  const std::string before = R"({"format": "qkv-golden-1", "source": "by hand", "cases": [)";
  return before + R"({"name": "n", "op": "neg", )" + inside + "}]}";
}

// The same with one input x.
std::string with_input(const std::string& tensor) {
  return file_of(R"("inputs": {"x": )" + tensor + R"(}, "outputs": {"output": )" + kTensor + "}");
}

std::string with_attribute(const std::string& value) {
  return file_of(R"("attrs": {"a": )" + value + R"(}, "inputs": {}, "outputs": {"output": )" +
                 kTensor + "}");
}

std::string fault(const std::string& text) {
  return refusal([&] { return parse_golden(text); });
}

GoldenCase only_case(const std::string& text) { return parse_golden(text).cases.at(0); }

}  // namespace

// ---- reading ------------------------------------------------------------------------------------

TEST_CASE("golden: a file becomes cases of tensors and attributes") {
  const GoldenFile file = parse_golden(
      R"({"format": "qkv-golden-1", "source": "by hand", "cases": [
        {"name": "first", "op": "neg", "inputs": {}, "outputs": {"y": )" +
      kTensor + R"(}}, {"name": "second", "op": "mul",
         "attrs": {"i": -3, "f": 1.5, "b": true, "w": "word", "l": [1, 2.5]},
         "inputs": {"z": )" +
      kTensor + R"(, "ids": {"dtype": "int64", "shape": [1, 2], "data": [-1, 9007199254740993]},
                    "mask": {"dtype": "bool", "shape": [], "data": [true]}},
         "outputs": {"output": {"dtype": "float64", "shape": [0, 3], "data": []}},
         "grad_outputs": {"output": {"dtype": "float64", "shape": [0, 3], "data": []}},
         "grads": {"z": )" +
      kTensor + "}}]}");
  CHECK(file.source == "by hand");
  REQUIRE(file.cases.size() == 2);
  CHECK(file.cases[0].grads.empty());
  const GoldenCase& golden = file.cases[1];
  CHECK(golden.place == "cases[1]");
  CHECK(golden.name == "second");
  CHECK(golden.op == "mul");
  REQUIRE(golden.attributes.size() == 5);
  CHECK(std::get<int64_t>(golden.attributes[0].second) == -3);
  CHECK(std::get<double>(golden.attributes[1].second) == 1.5);
  CHECK(std::get<bool>(golden.attributes[2].second));
  CHECK(std::get<std::string>(golden.attributes[3].second) == "word");
  CHECK(std::get<Numbers>(golden.attributes[4].second) == Numbers{1, 2.5});
  REQUIRE(golden.inputs.size() == 3);
  CHECK(golden.inputs[0].first == "z");  // the order of the file, not of the alphabet
  CHECK(golden.inputs[0].second.to_vector() == Numbers{1, 2.5});
  CHECK(golden.inputs[1].second.dtype() == Dtype::int64);
  CHECK(golden.inputs[1].second.data<int64_t>()[1] == 9007199254740993);
  CHECK(golden.inputs[2].second.dtype() == Dtype::boolean);
  CHECK(golden.inputs[2].second.shape() == Shape{});
  CHECK(golden.outputs[0].second.shape() == Shape{0, 3});
  CHECK(golden.grads[0].first == "z");
}

TEST_CASE("golden: text that is no JSON is refused with its line and column") {
  CHECK(fault("") == "is not valid JSON at line 1, column 1");
  CHECK(fault("{\"format\":\n  nonsense}") == "is not valid JSON at line 2, column 4, in format");
  const std::string right = with_input(kTensor);
  for (const size_t length : {size_t{1}, right.size() / 2, right.size() - 1}) {
    CHECK(fault(right.substr(0, length)).starts_with("is not valid JSON at line 1, column "));
  }
  CHECK(fault(right + "x").starts_with("is not valid JSON"));
  for (const char* word : {"NaN", "Infinity", "1e999", "1.2.3", "0x10"}) {
    CAPTURE(word);
    const std::string data = std::string("[1, ") + word + "]";
    const std::string text =
        with_input(R"({"dtype": "float64", "shape": [2], "data": )" + data + "}");
    CHECK(fault(text).starts_with("is not valid JSON"));
    CHECK(fault(text).find("in cases[0].inputs.x.data[") != std::string::npos);
  }
  CHECK(fault("\xEF\xBB\xBF" + right).find("byte order mark") != std::string::npos);
  CHECK(fault(std::string("{}\0{}", 5)).find("zero byte") != std::string::npos);
}

TEST_CASE("golden: keys that are twice there, missing or unknown are refused with their place") {
  CHECK(fault(file_of(R"("op": "neg")")) == "cases[0]: key 'op' appears twice");
  CHECK(fault(with_input(R"({"dtype": "bool", "dtype": "bool"})")) ==
        "cases[0].inputs.x: key 'dtype' appears twice");
  CHECK(fault(file_of(R"("inputs": {})")) == "cases[0].outputs: is missing");
  CHECK(fault(file_of(R"("inputs": {}, "outputs": {}, "grad": {})")) ==
        "cases[0]: key 'grad' is unknown");
  CHECK(fault(file_of(R"("inputs": {}, "outputs": {})")) ==
        "cases[0].outputs: is empty, so there is nothing to compare");
  CHECK(fault(with_input(R"({"dtype": "float64", "shape": [0]})")) ==
        "cases[0].inputs.x.data: is missing");
  CHECK(fault("[]") == "file: must be an object");
  CHECK(fault("{}") == "file.format: is missing");
  CHECK(fault(R"({"format": "qkv-golden-2"})") == "format: 'qkv-golden-2' is not qkv-golden-1");
  CHECK(fault(R"({"format": "qkv-golden-1", "source": "", "cases": []})") ==
        "cases: must be a list of at least one case");
  CHECK(fault(R"({"format": "qkv-golden-1", "source": "", "cases": [3]})") ==
        "cases[0]: must be an object");
}

TEST_CASE("golden: tensors that are none are refused before memory is taken for them") {
  const auto refused = [](const std::string& dtype, const std::string& shape,
                          const std::string& data, const std::string& reason) {
    CHECK(fault(with_input(R"({"dtype": ")" + dtype + R"(", "shape": )" + shape + R"(, "data": )" +
                           data + "}")) == "cases[0].inputs.x" + reason);
  };
  refused("float32", "[0]", "[]", ".dtype: 'float32' is none of float64, int64, bool");
  refused("float64", "2", "[]", ".shape: must be a list of at most 8 sizes");
  refused("float64", "[1,1,1,1,1,1,1,1,1]", "[3]", ".shape: must be a list of at most 8 sizes");
  refused("float64", "[-2]", "[1, 2]", ".shape[0]: must be an integer of at least 0");
  refused("float64", "[1, 2.0]", "[1, 2]", ".shape[1]: must be an integer of at least 0");
  refused("float64", "[18446744073709551615]", "[]", ".shape[0]: must be an integer of at least 0");
  refused("float64", "[2]", "3", ".data: must be a flat list");
  refused("float64", "[1]", "[[3]]", ".data[0]: is nested deeper than the data of a tensor");
  refused("float64", "[2]", "[1, null]", ".data[1]: must be a number");
  refused("float64", "[2]", "[1, true]", ".data[1]: must be a number");
  refused("int64", "[2]", "[1, 2.0]", ".data[1]: must be a 64-bit integer");
  refused("int64", "[1]", "[9223372036854775808]", ".data[0]: must be a 64-bit integer");
  refused("bool", "[1]", "[1]", ".data[0]: must be true or false");
  const auto miscounted = [&](const std::string& shape, const std::string& printed) {
    refused("float64", shape, "[1, 2, 3]",
            ".data: has 3 elements, which shape " + printed + " does not hold");
  };
  miscounted("[2]", "(2,)");
  miscounted("[]", "()");
  miscounted("[4]", "(4,)");
  miscounted("[0]", "(0,)");
  miscounted("[9000000000000000000]", "(9000000000000000000,)");
  miscounted("[4294967296, 4294967296]", "(4294967296, 4294967296)");
  // 7 times that is 1 modulo 2^64: a product that wraps around would be 3.
  miscounted("[3, 7, 7905747460161236407]", "(3, 7, 7905747460161236407)");
}

TEST_CASE("golden: gradients come in pairs and belong to floating tensors of their shape") {
  const std::string other = R"({"dtype": "float64", "shape": [1], "data": [1]})";
  const std::string flag = R"({"dtype": "bool", "shape": [], "data": [true]})";
  const auto gradients = [&](const std::string& rest) {
    return fault(file_of(R"("inputs": {"x": )" + kTensor + R"(, "m": )" + flag +
                         R"(}, "outputs": {"y": )" + kTensor + "}, " + rest));
  };
  const std::string dy = R"("grad_outputs": {"y": )" + kTensor + "}";
  CHECK(gradients(dy) == "cases[0]: grad_outputs and grads come together or not at all");
  CHECK(gradients(R"("grads": {})") ==
        "cases[0]: grad_outputs and grads come together or not at all");
  CHECK(gradients(R"("grad_outputs": {}, "grads": {})") ==
        "cases[0].grad_outputs.y: is missing; the output is floating");
  CHECK(gradients(dy + R"(, "grads": {"z": )" + kTensor + "}") ==
        "cases[0].grads.z: there is no input of this name");
  CHECK(gradients(dy + R"(, "grads": {"x": )" + other + "}") ==
        "cases[0].grads.x: has shape (1,), the input (2,)");
  CHECK(gradients(dy + R"(, "grads": {"m": )" + kTensor + "}") ==
        "cases[0].grads.m: a gradient and its input must be float64");
  CHECK(gradients(R"("grad_outputs": {"y": )" + other + R"(}, "grads": {})") ==
        "cases[0].grad_outputs.y: has shape (1,), the output (2,)");
}

TEST_CASE("golden: where one gradient is given, none of a floating input may be left out") {
  const auto with = [](const std::string& grads) {
    return file_of(R"("inputs": {"x": )" + kTensor + R"(, "z": )" + kTensor +
                   R"(, "ids": {"dtype": "int64", "shape": [1], "data": [2]}}, "outputs": {"y": )" +
                   kTensor + R"(}, "grad_outputs": {"y": )" + kTensor + R"(}, "grads": {)" + grads +
                   "}");
  };
  const std::string x = R"("x": )" + kTensor, z = R"("z": )" + kTensor;
  CHECK(fault(with("")) == "cases[0].grads.x: is missing; the input is floating");
  CHECK(fault(with(x)) == "cases[0].grads.z: is missing; the input is floating");
  CHECK(fault(with(z)) == "cases[0].grads.x: is missing; the input is floating");
  CHECK(only_case(with(x + ", " + z)).grads.size() == 2);
}

TEST_CASE("golden: attributes are simple, and nothing is nested without end") {
  CHECK(fault(with_attribute("null")).starts_with("cases[0].attrs.a: must be a number, a word"));
  CHECK(fault(with_attribute("{}")).starts_with("cases[0].attrs.a: must be a number, a word"));
  CHECK(fault(with_attribute(R"([1, "2"])")) == "cases[0].attrs.a[1]: must be a number");
  CHECK(fault(with_attribute(std::string(100'000, '['))) ==
        "cases[0].attrs.a[0][0]: is nested deeper than the data of a tensor");
  CHECK(fault(std::string(1'000'000, '[')).find("nested deeper") != std::string::npos);
}

TEST_CASE("golden: a file's mistakes are told with the path, and only regular files are read") {
  const TemporaryFolder folder;
  const std::string path = folder / "golden.json";
  CHECK(refusal([&] { return read_golden_file(path); }).find(path) != std::string::npos);
  CHECK(refusal([&] {
          return read_golden_file(folder.path().string());
        }).find(folder.path().string()) != std::string::npos);
}

// ---- asking -------------------------------------------------------------------------------------

TEST_CASE("golden: an operation gets its inputs by name, in the dtype of the call") {
  GoldenCase golden = only_case(with_input(kTensor));
  golden.inputs.emplace_back("ids", Tensor::of(std::vector<int64_t>{1, 2}, {2}));
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    GoldenCall call(golden, dtype);
    const Variable x = call.input("x");
    CHECK(x.requires_grad());
    CHECK(x.dtype() == dtype);
    CHECK(call.input("x").node() == x.node());
    CHECK_FALSE(x.value().shares_storage_with(golden.inputs[0].second));
    CHECK(call.tensor("ids", Dtype::int64).to_vector() == Numbers{1, 2});
    CHECK(call.has("ids"));
    CHECK_FALSE(call.has("y"));
    CHECK(call.input_names() == std::vector<std::string>{"x", "ids"});
    CHECK(refusal([&] { return call.input("y"); }) ==
          "cases[0].inputs.y: is missing; neg needs it");
    CHECK(refusal([&] { return call.input("ids"); }) ==
          "cases[0].inputs.ids: is int64; neg needs float64");
    CHECK(refusal([&] { return call.tensor("x", Dtype::boolean); }) ==
          "cases[0].inputs.x: is float64; neg needs bool");
  }
}

TEST_CASE("golden: an operation gets its attributes by name and type") {
  GoldenCase golden = only_case(with_attribute("3"));
  golden.attributes = {{"i", int64_t{3}},     {"f", 0.5},
                       {"b", true},           {"w", "word"},
                       {"l", Numbers{1, -2}}, {"h", Numbers{1, 0.5}}};
  GoldenCall call(golden, Dtype::float64);
  CHECK(call.integer("i") == 3);
  CHECK(call.number("i") == 3);  // every integer is a number
  CHECK(call.axis("i") == 3);
  CHECK(call.number("f") == 0.5);
  CHECK(call.flag("b"));
  CHECK(call.text("w") == "word");
  CHECK(call.numbers("h") == Numbers{1, 0.5});
  CHECK(call.integers("l") == std::vector<int64_t>{1, -2});
  CHECK(call.has_attribute("f"));
  CHECK_FALSE(call.has_attribute("x"));
  CHECK(call.integer("x", 7) == 7);
  CHECK(call.number("x", 0.25) == 0.25);
  CHECK(call.flag("x", false) == false);
  CHECK(call.text("x", "none") == "none");
  CHECK(refusal([&] { return call.integer("x"); }) == "cases[0].attrs.x: is missing; neg needs it");
  CHECK(refusal([&] { return call.integer("f", 1); }) == "cases[0].attrs.f: must be an integer");
  CHECK(refusal([&] { return call.number("w"); }) == "cases[0].attrs.w: must be a number");
  CHECK(refusal([&] { return call.flag("i"); }) == "cases[0].attrs.i: must be true or false");
  CHECK(refusal([&] { return call.text("b"); }) == "cases[0].attrs.b: must be a string");
  CHECK(refusal([&] { return call.integers("h"); }) == "cases[0].attrs.h: 0.5 is not an integer");
  golden.attributes[0].second = int64_t{1} << 40;
  CHECK(refusal([&] { return call.axis("i"); }) ==
        "cases[0].attrs.i: 1099511627776 is not an axis");
}

TEST_CASE("golden: an operation can insist on a shape, on a matrix and on no gradients") {
  GoldenCase golden = only_case(with_input(kTensor));
  golden.inputs.emplace_back("w", Tensor::of(Numbers{1, 2}, {1, 2}));
  golden.inputs.emplace_back("none", Tensor::of(Numbers{}, {8000, 0}));
  GoldenCall call(golden, Dtype::float64);
  CHECK(call.input("x", {2}).node() == call.input("x").node());
  CHECK(refusal([&] {
          return call.input("x", {1, 2});
        }) == "cases[0].inputs.x: has shape (2,); with the other weights, neg needs (1, 2)");
  CHECK(call.matrix("w").shape() == Shape{1, 2});
  CHECK(refusal([&] { return call.matrix("x"); }) ==
        "cases[0].inputs.x: has shape (2,); neg needs a matrix that is not empty");
  CHECK(refusal([&] { return call.matrix("none"); }) ==
        "cases[0].inputs.none: has shape (8000, 0); neg needs a matrix that is not empty");
  call.require_no_gradients();
  golden.grad_outputs = golden.outputs;
  CHECK(refusal([&] { call.require_no_gradients(); }) ==
        "cases[0].grad_outputs: neg is not differentiated");
  golden.grads = golden.inputs;
  CHECK(refusal([&] { call.require_no_gradients(); }) ==
        "cases[0].grads: neg is not differentiated");
}
