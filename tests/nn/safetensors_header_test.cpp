// Headers that promise what is not so, each refused with one sentence that names the file, the
// tensor and the rule. The files around them are in safetensors_faults_test.cpp.
#include "nn/safetensors_header.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "lib/text.h"

namespace qkv::nn {
namespace {

// What parse_header says about this text, without "cannot read FILE: "; "" if it takes it.
std::string refusal(const std::string& header, uint64_t data_bytes) {
  try {
    (void)parse_header("FILE", header, data_bytes);
  } catch (const std::runtime_error& error) {
    const std::string message = error.what(), prefix = "cannot read FILE: ";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : "unprefixed: " + message;
  }
  return "";
}

struct Case {
  std::string header;
  uint64_t data_bytes;
  std::string sentence;  // what the refusal must be
};

void check_cases(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.header);
    CHECK(refusal(c.header, c.data_bytes) == c.sentence);
  }
}

// The header of one tensor "w".
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"w":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

TEST_CASE("a header says what is where, in any order") {
  const SafetensorsHeader header = parse_header(
      "FILE",
      R"({"b":{"shape":[3,1],"data_offsets":[16,19],"dtype":"BOOL"}, "__metadata__":{"k":"v"},)"
      R"("a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}})",
      19);
  REQUIRE(header.entries.size() == 2);
  CHECK(header.entries[0].name == "a");
  CHECK(header.entries[0].dtype == tensor::Dtype::float64);
  CHECK(header.entries[0].begin == 0);
  CHECK(header.entries[0].end == 16);
  CHECK(header.entries[1].name == "b");
  CHECK(header.entries[1].shape == tensor::Shape{3, 1});
  CHECK(header.metadata == std::map<std::string, std::string>{{"k", "v"}});
  CHECK(refusal(entry("\"F32\"", "[2]", "[0,8]"), 8).empty());  // the pattern of what follows
}

TEST_CASE("a header that is not JSON is refused") {
  const auto bad = [](int at) {
    return lib::str("the header is not valid JSON in UTF-8 at byte ", at);
  };
  check_cases({
      {"", 0, bad(1)},
      {"   ", 0, bad(4)},
      {"{", 0, bad(2)},
      {"{}{}", 0, bad(3)},
      {"{},", 0, bad(3)},
      {"{\"a\":NaN}", 0, bad(6)},
      {"{/**/}", 0, bad(2)},
      {"{\"\xFF\":1}", 0, bad(3)},
      {R"({"\ud800":1})", 0, bad(9)},
      {entry("\"F32\"", "[007]", "[0,28]"), 28, bad(31)},
      {entry("\"F32\"", "[1e400]", "[0,4]"), 4, bad(34)},
      {"\xEF\xBB\xBF{}", 0, "the header begins with a byte order mark"},
      {std::string("{}\0", 3), 0, "the header contains a zero byte"},
      {std::string("{}\0{\"hidden\"", 12), 0, "the header contains a zero byte"},
  });
}

TEST_CASE("a header of another structure is refused") {
  check_cases({
      {"[]", 0, "the header must be a JSON object, got a list"},
      {"7", 0, "the header must be a JSON object, got 7"},
      {"null", 0, "the header must be a JSON object, got null"},
      {R"({"w":3})", 0, R"(tensor "w" must be an object, got 3)"},
      {R"({"w":[]})", 0, R"(tensor "w" must be an object, got a list)"},
      {R"({"w":{}})", 0, R"(tensor "w": dtype is missing)"},
      {R"({"w":{"dtype":"F32","data_offsets":[0,4]}})", 4, R"(tensor "w": shape is missing)"},
      {R"({"w":{"dtype":"F32","shape":[1]}})", 4, R"(tensor "w": data_offsets is missing)"},
      {R"({"w":{"strides":[1]}})", 4,
       R"(tensor "w": unknown key "strides"; need dtype, shape and data_offsets)"},
      {R"({"__metadata__":[]})", 0, R"("__metadata__" must be an object, got a list)"},
      {R"({"__metadata__":{"k":1}})", 0, R"(metadata "k" must be a string, got 1)"},
      {R"({"__metadata__":{"k":{}}})", 0, R"(metadata "k" must be a string, got an object)"},
      {R"({"":{}})", 0, "a tensor has an empty name"},
      {R"({"a\u001b[2Jb":{}})", 0, R"(tensor name "a\u001b[2Jb" contains a control character)"},
      {"{\"" + std::string(256, 'n') + "\":{}}", 0,
       "tensor name \"" + std::string(80, 'n') + "\"... has 256 bytes; at most 255 are allowed"},
  });
}

TEST_CASE("deep nesting is refused at its first superfluous level") {
  const std::string deep(200'000, '[');
  check_cases({
      {deep, 0, "the header must be a JSON object, got a list"},
      {entry("\"F32\"", deep, "[0,4]"), 4,
       R"(tensor "w": shape must hold integers from 0 to 2^48 - 1, got a list)"},
      {entry("\"F32\"", "[{}]", "[0,4]"), 4,
       R"(tensor "w": shape must hold integers from 0 to 2^48 - 1, got an object)"},
  });
}

TEST_CASE("a key that appears twice is refused") {
  check_cases({
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, R"(the name "w" appears twice)"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("\u0077":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, R"(the name "w" appears twice)"},
      {R"({"w":{"dtype":"F32","dtype":"F32"}})", 0, R"(tensor "w": dtype appears twice)"},
      {R"({"w":{"shape":[1],"shape":[1]}})", 0, R"(tensor "w": shape appears twice)"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, R"(the name "__metadata__" appears twice)"},
      {R"({"__metadata__":{"k":"","k":""}})", 0, R"(metadata key "k" appears twice)"},
  });
}

TEST_CASE("a dtype that is not supported is refused by name") {
  const std::string rule = " is not supported; F32, F64, I64 and BOOL are";
  check_cases({
      {entry("\"BF16\"", "[2]", "[0,4]"), 4, R"(tensor "w": dtype "BF16")" + rule},
      {entry("\"f32\"", "[1]", "[0,4]"), 4, R"(tensor "w": dtype "f32")" + rule},
      {entry("\"\"", "[1]", "[0,4]"), 4, R"(tensor "w": dtype "")" + rule},
      {entry("32", "[1]", "[0,4]"), 4, R"(tensor "w": dtype must be a string, got 32)"},
      {entry("[\"F32\"]", "[1]", "[0,4]"), 4, R"(tensor "w": dtype must be a string, got a list)"},
      {entry("null", "[1]", "[0,4]"), 4, R"(tensor "w": dtype must be a string, got null)"},
  });
}

TEST_CASE("sizes and offsets that are not plain integers are refused") {
  const std::string shape = R"(tensor "w": shape must hold integers from 0 to 2^48 - 1, got )";
  const std::string offsets =
      R"(tensor "w": data_offsets must hold integers from 0 to 2^64 - 1, got )";
  for (const std::string number :
       {"-1", "-0", "1.0", "1e2", "18446744073709551616", "true", "null", "-9223372036854775809"}) {
    check_cases({{entry("\"F32\"", "[" + number + "]", "[0,4]"), 4, shape + number},
                 {entry("\"F32\"", "[1]", "[" + number + ",4]"), 4, offsets + number},
                 {entry("\"F32\"", "[1]", "[0," + number + "]"), 4, offsets + number}});
  }
  check_cases({
      {entry("\"F32\"", "[\"1\"]", "[0,4]"), 4, shape + R"(the string "1")"},
      {entry("\"F32\"", "[0,18446744073709551615]", "[0,0]"), 0, shape + "18446744073709551615"},
      {entry("\"F32\"", "[0,281474976710656]", "[0,0]"), 0, shape + "281474976710656"},
      {entry("\"F32\"", "1", "[0,4]"), 4, R"(tensor "w": shape must be a list of integers, got 1)"},
      {entry("\"F32\"", "\"1\"", "[0,4]"), 4,
       R"(tensor "w": shape must be a list of integers, got the string "1")"},
      {entry("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4,
       R"(tensor "w": shape has more than 8 axes)"},
      {entry("\"F32\"", "[1]", "[]"), 4,
       R"(tensor "w": data_offsets has 0 numbers; need 2, begin and end)"},
      {entry("\"F32\"", "[1]", "[4]"), 4,
       R"(tensor "w": data_offsets has 1 numbers; need 2, begin and end)"},
      {entry("\"F32\"", "[1]", "[0,4,4]"), 4,
       R"(tensor "w": data_offsets has more than 2 numbers)"},
  });
}

TEST_CASE("a shape that does not fill its offsets is refused, wrapping products included") {
  const auto takes = [](const char* shape, const char* bytes, const char* range, int held) {
    return lib::str("tensor \"w\": F32 of shape ", shape, " takes ", bytes,
                    " bytes, but data_offsets ", range, " hold ", held);
  };
  check_cases({
      {entry("\"F32\"", "[2]", "[0,4]"), 4, takes("(2,)", "more than the file's 4", "[0, 4]", 4)},
      {entry("\"F32\"", "[2]", "[0,12]"), 12, takes("(2,)", "8", "[0, 12]", 12)},
      {entry("\"F32\"", "[0]", "[0,4]"), 4, takes("(0,)", "0", "[0, 4]", 4)},
      {entry("\"F32\"", "[]", "[0,0]"), 4, takes("()", "4", "[0, 0]", 0)},
      {entry("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0,  // 2^64 is 0 in 64 bits
       takes("(4294967296, 4294967296)", "more than the file's 0", "[0, 0]", 0)},
      {entry("\"F32\"", "[4611686018427,1048576,4]", "[0,16]"), 16,
       takes("(4611686018427, 1048576, 4)", "more than the file's 16", "[0, 16]", 16)},
      {entry("\"F32\"", "[1]", "[4,0]"), 4,
       R"(tensor "w": data_offsets [4, 0] end before they begin)"},
      {entry("\"F32\"", "[1]", "[4,8]"), 4,
       R"(tensor "w": data_offsets [4, 8] reach beyond the file's 4 bytes of data)"},
      {entry("\"F32\"", "[1]", "[18446744073709551612,18446744073709551615]"), 4,
       "tensor \"w\": data_offsets [18446744073709551612, 18446744073709551615] reach beyond the "
       "file's 4 bytes of data"},
  });
}

std::string two_tensors(const std::string& a_offsets, const std::string& b_offsets) {
  return R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)" + a_offsets +
         R"(},"b":{"dtype":"F32","shape":[1],"data_offsets":)" + b_offsets + "}}";
}

TEST_CASE("overlaps, holes and bytes that belong to no tensor are refused") {
  const auto begins = [](const char* name, int at, int end) {
    return lib::str("tensor \"", name, "\" begins at byte ", at,
                    " of the data, but the tensors before it end at ", end,
                    "; holes and overlaps are not allowed");
  };
  check_cases({
      {two_tensors("[4,8]", "[0,4]"), 8, ""},  // any order of the keys will do
      {two_tensors("[0,4]", "[0,4]"), 4, begins("b", 0, 4)},
      {two_tensors("[0,4]", "[2,6]"), 6, begins("b", 2, 4)},
      {two_tensors("[0,4]", "[5,9]"), 9, begins("b", 5, 4)},
      {two_tensors("[1,5]", "[5,9]"), 9, begins("a", 1, 0)},
      {two_tensors("[0,4]", "[4,8]"), 11, "3 bytes after the last tensor belong to none"},
      {"{}", 1, "1 bytes after the last tensor belong to none"},
  });
}

TEST_CASE("more than 65536 tensors are refused") {
  std::string header = "{";
  for (int i = 0; i <= 65536; ++i) {
    if (i == 65536) CHECK(refusal(header + "}", 0).empty());
    header += lib::str(i > 0 ? "," : "", "\"", i,
                       "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}");
  }
  CHECK(refusal(header + "}", 0) == "more than 65536 tensors");
}

TEST_CASE("more than 65536 keys of metadata are refused") {
  std::string header = R"({"__metadata__":{)";
  for (int i = 0; i <= 65536; ++i) {
    if (i == 65536) CHECK(refusal(header + "}}", 0).empty());
    header += lib::str(i > 0 ? "," : "", "\"", i, "\":\"\"");
  }
  CHECK(refusal(header + "}}", 0) == "more than 65536 metadata keys");
}

}  // namespace
}  // namespace qkv::nn
