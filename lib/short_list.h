// ShortList: a list that is nearly always short. Up to N elements lie inside the object itself, and
// cost no allocation; longer ones are kept in a vector.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace qkv::lib {

template <class T, size_t N>
class ShortList {
 public:
  ShortList() = default;
  ShortList(const ShortList&) = default;
  ShortList& operator=(const ShortList&) = default;
  ShortList(ShortList&& from) noexcept
      : size_(std::exchange(from.size_, 0)),
        short_(std::move(from.short_)),
        long_(std::move(from.long_)) {}
  ShortList& operator=(ShortList&& from) noexcept {
    size_ = std::exchange(from.size_, 0);
    short_ = std::move(from.short_);
    long_ = std::move(from.long_);
    return *this;
  }
  ~ShortList() = default;

  explicit ShortList(size_t count) : size_(count) {
    if (count > N) long_.resize(count);
  }
  // From the elements themselves, which are moved: an initializer_list could only be copied.
  template <class... Elements>
  requires(sizeof...(Elements) <= N && (std::convertible_to<Elements, T> && ...))
      ShortList(Elements&&... elements)
      : size_(sizeof...(elements)), short_{{T(std::forward<Elements>(elements))...}} {}
  template <class... Elements>
  requires(sizeof...(Elements) > N && (std::convertible_to<Elements, T> && ...))
      ShortList(Elements&&... elements) {
    (push_back(T(std::forward<Elements>(elements))), ...);
  }
  template <std::input_iterator Iterator>
  ShortList(Iterator first, Iterator last) {
    for (; first != last; ++first) push_back(T(*first));
  }

  void push_back(T element) {
    if (size_ < N) {
      short_[size_] = std::move(element);
    } else {
      if (size_ == N) {  // it no longer fits: all move
        for (T& x : short_) long_.push_back(std::move(x));
      }
      long_.push_back(std::move(element));
    }
    size_ += 1;
  }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] T* begin() { return size_ > N ? long_.data() : short_.data(); }
  [[nodiscard]] const T* begin() const { return size_ > N ? long_.data() : short_.data(); }
  [[nodiscard]] T* end() { return begin() + size_; }
  [[nodiscard]] const T* end() const { return begin() + size_; }
  T& operator[](size_t i) { return begin()[i]; }
  const T& operator[](size_t i) const { return begin()[i]; }

 private:
  size_t size_ = 0;
  std::array<T, N> short_ = {};
  std::vector<T> long_;
};

}  // namespace qkv::lib
