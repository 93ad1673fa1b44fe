// Keys and values are written where they will be read: nothing else is ever copied.
//
//   (R, H, capacity, D), one row and head:   k0 k1 k2 .  .  .      length 3, the next goes to 3
#include "nn/kv_cache.h"

#include "lib/text.h"
#include "tensor/index.h"
#include "tensor/views.h"

namespace qkv::nn {

using tensor::Shape;

KeyValueCache::KeyValueCache(int64_t rows, int64_t heads, int64_t capacity, int64_t width,
                             tensor::Dtype dtype) {
  if (rows < 1 || heads < 1 || capacity < 1 || width < 1) {
    lib::fail("KeyValueCache: rows ", rows, ", heads ", heads, ", capacity ", capacity, ", width ",
              width, "; need at least 1 of each");
  }
  keys_ = Tensor::empty({rows, heads, capacity, width}, dtype);
  values_ = Tensor::empty({rows, heads, capacity, width}, dtype);
}

void KeyValueCache::append(const Tensor& keys, const Tensor& values) {
  const Shape& room = keys_.shape();
  if (keys.rank() != 4 || keys.shape() != values.shape()) {
    lib::fail("KeyValueCache: keys are ", keys.shape(), ", values ", values.shape(),
              "; need (R, H, T, D), the same for both");
  }
  const int64_t end = length_ + keys.shape()[2];
  if (keys.shape() != Shape{room[0], room[1], keys.shape()[2], room[3]} || end > room[2]) {
    lib::fail("KeyValueCache: keys are ", keys.shape(), ", the cache is ", room, " and holds ",
              length_, " positions; they do not fit");
  }
  for (const auto& [cache, next] : {std::pair(&keys_, &keys), {&values_, &values}}) {
    Tensor place = slice(*cache, 2, length_, end);  // (R, H, T, D)
    place.copy_(*next);
  }
  length_ = end;
}

Tensor KeyValueCache::keys() const { return slice(keys_, 2, 0, length_); }
Tensor KeyValueCache::values() const { return slice(values_, 2, 0, length_); }

void KeyValueCache::reorder(const std::vector<int64_t>& rows) {
  for (Tensor* cache : {&keys_, &values_}) {
    const Tensor filled = slice(*cache, 2, 0, length_), chosen = chosen_rows(filled, rows);
    if (chosen.shares_storage_with(filled)) continue;
    Shape shape = cache->shape();
    shape[0] = chosen.shape()[0];
    *cache = Tensor::empty(shape, cache->dtype());
    slice(*cache, 2, 0, length_).copy_(chosen);
  }
}

Tensor chosen_rows(const Tensor& x, const std::vector<int64_t>& rows) {
  const auto count = static_cast<int64_t>(rows.size());
  bool same = count == x.shape()[0];
  for (size_t r = 0; r < rows.size(); ++r) same = same && rows[r] == static_cast<int64_t>(r);
  return same ? x : index_select(x, 0, Tensor::of(rows, {count}));
}

}  // namespace qkv::nn
