// Rung 2 of the ladder in lib/matmul.h: the register tile. A tile of C, kTileRows x kTileCols,
// stays in registers while k runs: one load of B and one broadcast of A feed kTileRows * kTileVecs
// FMAs.

//            B panel (kTileCols wide, k-major)       one step k:   b0 b1 = B[k][0..cols)
//            ┌────────┐                                            for every row i:  a = A[k][i]
//   A panel  │        │                                              acc[i][0] += a * b0
//   ┌──────┐ ├────────┤                                              acc[i][1] += a * b1
//   │ rows │ │ C tile │ in registers
//   └──────┘ └────────┘
//
// Panels are packed: their elements lie in the order in which k needs them, so strides cost nothing
// here.

template <class T>
struct Tile {
  static constexpr int kVecs = 2;
  static constexpr int kRows = (kRegisterCount - 4) / kVecs;
  static constexpr int kCols = kVecs * Vec<T>::kWidth;
};

// A (rows x K, any strides), rows <= kRows  ->  panel[k][i], missing rows zero.
template <class T>
void pack_a(int64_t rows, int64_t K, const T* A, int64_t row_stride, int64_t col_stride, T* panel) {
  constexpr int kRows = Tile<T>::kRows;
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t k = 0; k < K; ++k) {
      panel[k * kRows + i] = i < rows ? A[i * row_stride + k * col_stride] : T(0);
    }
  }
}

// B (K x cols, any strides), cols <= kCols  ->  panel[k][j], missing columns zero.
template <class T>
void pack_b(int64_t K, int64_t cols, const T* B, int64_t row_stride, int64_t col_stride, T* panel) {
  constexpr int kCols = Tile<T>::kCols;
  if (cols == kCols && col_stride == 1) {
    for (int64_t k = 0; k < K; ++k) {
      for (int v = 0; v < Tile<T>::kVecs; ++v) {
        const int at = v * Vec<T>::kWidth;
        Vec<T>::load(B + k * row_stride + at).store(panel + k * kCols + at);
      }
    }
    return;
  }
  for (int64_t j = 0; j < kCols; ++j) {
    for (int64_t k = 0; k < K; ++k) {
      panel[k * kCols + j] = j < cols ? B[k * row_stride + j * col_stride] : T(0);
    }
  }
}

// C tile = (accumulate ? C tile : 0) + A panel * B panel, all of it.
template <class T>
void multiply_tile(int64_t K, const T* a, const T* b, T* C, int64_t ldc, bool accumulate) {
  constexpr int kRows = Tile<T>::kRows, kVecs = Tile<T>::kVecs, kWidth = Vec<T>::kWidth;
  Vec<T> acc[kRows][kVecs];
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVecs; ++v) {
      acc[i][v] = accumulate ? Vec<T>::load(C + i * ldc + v * kWidth) : Vec<T>::broadcast(0);
    }
  }
  for (int64_t k = 0; k < K; ++k) {
    Vec<T> row_of_b[kVecs];
    for (int v = 0; v < kVecs; ++v) row_of_b[v] = Vec<T>::load(b + v * kWidth);
    for (int i = 0; i < kRows; ++i) {
      const Vec<T> element_of_a = Vec<T>::broadcast(a[i]);
      for (int v = 0; v < kVecs; ++v) acc[i][v] = fma(element_of_a, row_of_b[v], acc[i][v]);
    }
    a += kRows;
    b += Tile<T>::kCols;
  }
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVecs; ++v) acc[i][v].store(C + i * ldc + v * kWidth);
  }
}

// The same for a tile of which only rows x cols belong to C: it is computed whole, aside.
template <class T>
void multiply_edge_tile(int64_t rows, int64_t cols, int64_t K, const T* a, const T* b, T* C,
                        int64_t ldc, bool accumulate) {
  constexpr int kCols = Tile<T>::kCols;
  T tile[Tile<T>::kRows * kCols] = {};
  for (int64_t i = 0; accumulate && i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) tile[i * kCols + j] = C[i * ldc + j];
  }
  multiply_tile(K, a, b, tile, kCols, accumulate);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) C[i * ldc + j] = tile[i * kCols + j];
  }
}

// C (rows x cols) from packed panels of A and of B, each behind the other. One panel of B stays in
// the first-level cache while all panels of A pass it.
template <class T>
void multiply_block(int64_t rows, int64_t cols, int64_t K, const T* a, const T* b, T* C,
                    int64_t ldc, bool accumulate) {
  constexpr int kRows = Tile<T>::kRows, kCols = Tile<T>::kCols;
  for (int64_t j = 0; j < cols; j += kCols) {
    for (int64_t i = 0; i < rows; i += kRows) {
      const T *const panel_a = a + i * K, *const panel_b = b + j * K;
      T* const tile = C + i * ldc + j;
      if (rows - i >= kRows && cols - j >= kCols) {
        multiply_tile(K, panel_a, panel_b, tile, ldc, accumulate);
      } else {
        const int64_t height = rows - i < kRows ? rows - i : kRows;
        const int64_t width = cols - j < kCols ? cols - j : kCols;
        multiply_edge_tile(height, width, K, panel_a, panel_b, tile, ldc, accumulate);
      }
    }
  }
}

template <class T>
constexpr Kernels<T> table() {
  return {
      .tile_rows = Tile<T>::kRows,
      .tile_cols = Tile<T>::kCols,
      .pack_a = pack_a<T>,
      .pack_b = pack_b<T>,
      .multiply_block = multiply_block<T>,
  };
}
