// A program outside qkv: multiplies two matrices, and ends with 1 if the product is wrong.
#include <cstdio>

#include "tensor/matmul.h"
#include "tensor/tensor.h"

int main() {
  using qkv::tensor::Tensor;
  const Tensor A = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor B = Tensor::of<float>({1, 0, 0, 1, 1, 1}, {3, 2});
  const Tensor C = qkv::tensor::matmul(A, B);  // (2, 2)
  std::printf("%s\n", qkv::tensor::to_string(C).c_str());
  return C.to_vector() == std::vector<double>{4, 5, 10, 11} ? 0 : 1;
}
