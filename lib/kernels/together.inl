// How many rows go through a kernel together, when each comes with n numbers: 16 KB of them, which
// the first cache keeps from one pass to the next; at least one row, and at most as many as a
// register has lanes.
constexpr int64_t kBytesTogether = 16384;

template <class T>
int rows_together(int64_t n) {
  constexpr int kRows = Vec<T>::kWidth;
  const int64_t fit = kBytesTogether / static_cast<int64_t>(sizeof(T)) / (n > 0 ? n : 1);
  return fit >= kRows ? kRows : fit >= 1 ? static_cast<int>(fit) : 1;
}

// Asks for the cache line of p early, whether or not it exists. While one group of rows is worked
// on, the next is on its way from memory: a short row ends before the processor has noticed where
// this is going. What lies in a cache already is better left alone: then the distance ahead is 0.
template <class T>
void ask_for(const T* p) {
  __builtin_prefetch(p, 0, 3);
}
