// One case of a golden file as the operation sees it: inputs and attributes, asked for by name.
// Whatever is missing, of the wrong type, or there without being asked for, is the file's mistake,
// and is reported with its place. Next: golden_ops.h.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "autograd/variable.h"
#include "examples/checks/golden.h"

namespace qkv::examples {

using autograd::Variable;

// Each function throws std::invalid_argument, "cases[3].inputs.query: ...", unless the file has
// what is asked for; attributes may have a value for the case that they are left out.
class GoldenCall {
 public:
  // Floating inputs are converted to `dtype`, float64 or float32. The case must outlive the call.
  GoldenCall(const GoldenCase& golden, Dtype dtype) : golden_(golden), dtype_(dtype) {}

  // A floating input, as a parameter() of dtype(); the same one at every call.
  [[nodiscard]] Variable input(const std::string& name);

  // The same, refused unless it has that shape.
  [[nodiscard]] Variable input(const std::string& name, const Shape& shape);

  // The same, refused unless it has two axes, both at least 1: the matrix of weights from which an
  // operation reads how wide a module must be. The other weights must fit it before one is made:
  // then a file can ask for no more memory than it has numbers for.
  [[nodiscard]] Variable matrix(const std::string& name);

  // An input of ids (Dtype::int64) or a mask (Dtype::boolean).
  [[nodiscard]] Tensor tensor(const std::string& name, Dtype dtype);

  [[nodiscard]] bool has(const std::string& name) const;  // an input of this name
  [[nodiscard]] std::vector<std::string> input_names() const;
  [[nodiscard]] Dtype dtype() const { return dtype_; }

  // ---- attributes -------------------------------------------------------------------------------
  [[nodiscard]] bool has_attribute(const std::string& name) const;
  [[nodiscard]] double number(const std::string& name, std::optional<double> otherwise = {});
  [[nodiscard]] int64_t integer(const std::string& name, std::optional<int64_t> otherwise = {});
  [[nodiscard]] bool flag(const std::string& name, std::optional<bool> otherwise = {});
  [[nodiscard]] std::string text(const std::string& name,
                                 std::optional<std::string> otherwise = {});
  [[nodiscard]] std::vector<double> numbers(const std::string& name,
                                            std::optional<std::vector<double>> otherwise = {});
  [[nodiscard]] std::vector<int64_t> integers(const std::string& name);
  [[nodiscard]] int axis(const std::string& name);  // an integer of at most kMaxRank either way

  // For an operation that has no gradient of its own: throws if the case has gradients.
  void require_no_gradients() const;

  // For whoever runs the call: throws if an input or an attribute was never asked for.
  void require_all_read() const;

 private:
  template <class T>
  [[nodiscard]] T read(const std::string& name, std::optional<T> otherwise, const char* type);
  [[nodiscard]] const Attribute* find(const std::string& name);
  [[nodiscard]] const Tensor& find_input(const std::string& name);
  [[nodiscard]] std::string at(const char* part, const std::string& name) const;

  const GoldenCase& golden_;
  Dtype dtype_;
  std::map<std::string, Variable> parameters_;
  std::set<std::string> inputs_read_, attributes_read_;
};

}  // namespace qkv::examples
