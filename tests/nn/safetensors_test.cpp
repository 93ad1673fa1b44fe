// Tensors to a file and back: every dtype, every kind of shape, and the bytes themselves, which
// other programs must understand. Files that are refused: safetensors_faults_test.cpp.
#include "nn/safetensors.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "lib/file.h"
#include "lib/text.h"
#include "tensor/views.h"
#include "tests/temporary.h"

namespace qkv::nn {
namespace {

namespace fs = std::filesystem;
using tensor::Dtype;
using tensor::Shape;
using tensor::Tensor;

// The path of a file that is gone, as is its folder, at the end of the test.
struct Scratch {
  tests::TemporaryFolder folder;
  std::string path = folder / "model.safetensors";
  std::string bytes() const { return lib::read_file(path, 1 << 20); }
};

// The numbers' bytes in row-major order: equal for NaN and -0 only if they are the same bits.
std::string bits(const Tensor& t) {
  const Tensor c = t.contiguous();
  const size_t bytes = static_cast<size_t>(c.numel()) * tensor::dtype_size(c.dtype());
  return tensor::dispatch(c.dtype(), [&]<class T>(T) {
    return bytes == 0 ? "" : std::string(reinterpret_cast<const char*>(c.data<T>()), bytes);
  });
}

void check_same(const Tensor& loaded, const Tensor& saved) {
  CHECK(loaded.dtype() == saved.dtype());
  CHECK(loaded.shape() == saved.shape());
  CHECK(bits(loaded) == bits(saved));
  CHECK(loaded.is_contiguous());
}

std::string save_error(const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {}) {
  const Scratch scratch;
  std::string message;
  try {
    save_safetensors(scratch.path, tensors, metadata);
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  CHECK(fs::is_empty(scratch.folder.path()));
  const std::string prefix = "cannot write " + scratch.path + ": ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : "unprefixed: " + message;
}

TEST_CASE("every dtype comes back bit for bit, extreme values included") {
  using F = std::numeric_limits<float>;
  using D = std::numeric_limits<double>;
  using I = std::numeric_limits<int64_t>;
  const Scratch scratch;
  const std::vector<NamedTensor> saved = {
      {"f64", Tensor::of<double>({-0.0, D::denorm_min(), D::max(), D::quiet_NaN(), 0.1}, {5})},
      {"i64", Tensor::of<int64_t>({I::min(), I::max(), -1}, {3, 1})},
      {"f32", Tensor::of<float>({-0.0f, F::denorm_min(), -F::infinity(), F::quiet_NaN()}, {2, 2})},
      {"bool", Tensor::of<bool>({true, false, true}, {1, 3})}};
  save_safetensors(scratch.path, saved);
  const SafetensorsFile file = load_safetensors(scratch.path);
  REQUIRE(file.tensors.size() == saved.size());
  for (size_t i = 0; i < saved.size(); ++i) {
    CHECK(file.tensors[i].name == saved[i].name);
    check_same(file.tensors[i].value, saved[i].value);
  }
  CHECK(file.metadata.empty());
}

TEST_CASE("rank 0, rank 8 and zero-size tensors come back with their shapes") {
  const Scratch scratch;
  const std::vector<NamedTensor> saved = {{"a", tensor::scalar(3.5)},
                                          {"b", tensor::zeros({0})},
                                          {"c", tensor::zeros({3, 0, (int64_t{1} << 48) - 1})},
                                          {"d", tensor::full({1, 2, 1, 3, 1, 1, 2, 1}, 0.5)},
                                          {"e", tensor::zeros({2, 0})}};
  save_safetensors(scratch.path, saved);
  const SafetensorsFile file = load_safetensors(scratch.path);
  REQUIRE(file.tensors.size() == saved.size());
  for (size_t i = 0; i < saved.size(); ++i) {
    CHECK(file.tensors[i].name == saved[i].name);
    check_same(file.tensors[i].value, saved[i].value);
  }
}

TEST_CASE("a file without tensors is a valid file") {
  const Scratch scratch;
  save_safetensors(scratch.path, {});
  CHECK(scratch.bytes() == std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
  CHECK(load_safetensors(scratch.path).tensors.empty());
  save_safetensors(scratch.path, {}, {{"only", "metadata"}});
  CHECK(load_safetensors(scratch.path).metadata.at("only") == "metadata");
}

TEST_CASE("views are saved as what they show, not as what they share") {
  const Scratch scratch;
  const Tensor base = tensor::arange(35, Dtype::float32);
  const Tensor matrix = tensor::reshape(base, {5, 7});
  const std::vector<NamedTensor> saved = {{"expanded", tensor::expand(base, {3, 35})},
                                          {"slice", tensor::slice(matrix, 1, 1, 6, 2)},
                                          {"transposed", tensor::transpose(matrix)}};
  save_safetensors(scratch.path, saved);
  const SafetensorsFile file = load_safetensors(scratch.path);
  REQUIRE(file.tensors.size() == 3);
  for (size_t i = 0; i < saved.size(); ++i) check_same(file.tensors[i].value, saved[i].value);
  CHECK(file.tensors[2].value.at({6, 4}) == 34);
}

TEST_CASE("metadata and names come back, quotes and other alphabets included") {
  const Scratch scratch;
  const std::map<std::string, std::string> metadata = {
      {"", "empty key"}, {"config", "{\"width\": 64}\n"}, {"naïve \"quote\"", "日本\t\\"}};
  save_safetensors(scratch.path, {{"poids.à \"{0}\"", tensor::scalar(1)}}, metadata);
  const SafetensorsFile file = load_safetensors(scratch.path);
  CHECK(file.metadata == metadata);
  CHECK(file.tensors.at(0).name == "poids.à \"{0}\"");
}

TEST_CASE("the bytes of a small file, written out") {
  const Scratch scratch;
  save_safetensors(scratch.path,
                   {{"mask", Tensor::of<bool>({true, false, true}, {3})},
                    {"w", Tensor::of<float>({1.0f, -2.0f}, {1, 2})},
                    {"step", Tensor::of<int64_t>({258}, {})}},
                   {{"k", "v"}});
  const std::string length("\xC8\0\0\0\0\0\0\0", 8);  // 200: 196 and padding
  const std::string header = R"({"__metadata__":{"k":"v"},)"
                             R"("step":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                             R"("w":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},)"
                             R"("mask":{"dtype":"BOOL","shape":[3],"data_offsets":[16,19]}})";
  const std::string padding(200 - header.size(), ' ');
  const std::string data(
      "\x02\x01\0\0\0\0\0\0"
      "\0\0\x80\x3F\0\0\0\xC0"
      "\x01\0\x01",
      19);
  CHECK(padding.size() < 8);
  CHECK(scratch.bytes() == length + header + padding + data);
}

TEST_CASE("the order of the tensors given does not change the bytes") {
  const Scratch scratch;
  const NamedTensor a = {"a", tensor::full({3}, 1, Dtype::boolean)}, b = {"b", tensor::scalar(2)},
                    c = {"c", tensor::scalar(3, Dtype::int64)},
                    d = {"d", tensor::scalar(4, Dtype::float64)};
  save_safetensors(scratch.path, {a, b, c, d}, {{"x", "1"}, {"y", "2"}});
  const std::string once = scratch.bytes();
  save_safetensors(scratch.path, {d, a, c, b}, {{"y", "2"}, {"x", "1"}});
  CHECK(scratch.bytes() == once);
  std::string names;
  for (const NamedTensor& t : load_safetensors(scratch.path).tensors) names += t.name;
  CHECK(names == "cdba");  // 8 bytes an element, 4, 1
}

TEST_CASE("data at an odd address, spaces around the header and shuffled keys are read") {
  const Scratch scratch;
  const std::string header =
      " \n{\"z\":{\"data_offsets\":[0,1],\"shape\":[1],\"dtype\":\"BOOL\"} ,"
      "\"w\":{\"shape\":[ 1 ],\"dtype\":\"F32\",\"data_offsets\":[1,5]}, \"__metadata__\":{}}";
  const std::string data("\x01\0\0\xC0\x3F", 5);
  std::ofstream(scratch.path, std::ios::binary)
      << std::string{static_cast<char>(header.size())} << std::string(7, '\0') << header << data;
  const SafetensorsFile file = load_safetensors(scratch.path);
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.tensors[0].name == "z");
  CHECK(file.tensors[1].value.at({0}) == 1.5);
}

TEST_CASE("what could not be read back is not written") {
  const Tensor t = tensor::scalar(1);
  CHECK(save_error({{"", t}}) == "a tensor has an empty name");
  CHECK(save_error({{"w", t}, {"w", t}}) == "the name \"w\" appears twice");
  CHECK(save_error({{"__metadata__", t}}) == "the name \"__metadata__\" is reserved");
  CHECK(save_error({{"w", Tensor()}}) == "tensor \"w\" is undefined");
  CHECK(save_error({{"a\nb", t}}) == "tensor name \"a\\nb\" contains a control character");
  CHECK(save_error({{std::string(256, 'x'), t}}) ==
        "tensor name \"" + std::string(80, 'x') + "\"... has 256 bytes; at most 255 are allowed");
  CHECK(save_error({{"\xFF", t}}) == "the text \"\\ufffd\" is not valid UTF-8");
  CHECK(save_error({{"w", t}}, {{"k", "\xC0\xAF"}}) ==
        "the text \"\\ufffd\\ufffd\" is not valid UTF-8");
  CHECK(save_error({{"w", tensor::zeros({0, int64_t{1} << 48})}}) ==
        "tensor \"w\": an axis of (0, 281474976710656) is longer than 2^48 - 1");
  CHECK(save_error({{"w", t}}, {{"k", std::string((16 << 20) - 66, 'v')}})
            .starts_with("names and metadata take 167772"));
  CHECK(save_error(std::vector<NamedTensor>(65537, {"w", t})) == "more than 65536 tensors");
}

TEST_CASE("the longest name and the longest header are written and read") {
  const Scratch scratch;
  const std::string name(255, 'n'), text((16 << 20) - 400, 'v');
  save_safetensors(scratch.path, {{name, tensor::scalar(1)}}, {{"k", text}});
  const SafetensorsFile file = load_safetensors(scratch.path);
  CHECK(file.tensors.at(0).name == name);
  CHECK(file.metadata.at("k") == text);
}

}  // namespace
}  // namespace qkv::nn
