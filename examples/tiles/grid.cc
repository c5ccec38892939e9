#include "grid.h"

#include <algorithm>
#include <cmath>

namespace apf::tiles {
namespace {

constexpr double kAspect = 1.5;
constexpr double kTilePixels = 40'000;
constexpr double kMostPixels = 24e6;

// Where part i of n of a length begins.
int cut(int i, int n, int length) { return static_cast<int>(static_cast<long long>(i) * length / n); }

}  // namespace

Size picture_size(int n, int width) {
  if (width <= 0) width = static_cast<int>(std::sqrt(std::min(n * kTilePixels, kMostPixels) * kAspect));
  const int even = std::max(width / 6 * 6, 6);
  return {even, even * 2 / 3};
}

std::optional<Box> tile_box(int i, int n, Size picture) {
  if (n < 1 || n > kMostTiles || i < 0 || i >= n) return std::nullopt;
  const int rows = std::clamp(static_cast<int>(std::lround(std::sqrt(n / kAspect))), 1, n);
  // Tiles are dealt to rows like lengths are cut: row r holds tiles first(r) .. first(r + 1).
  const auto first = [&](int r) { return cut(r, rows, n); };
  int row = 0;
  while (first(row + 1) <= i) ++row;
  const int column = i - first(row);
  const int columns = first(row + 1) - first(row);
  Box box;
  box.x = cut(column, columns, picture.width);
  box.y = cut(row, rows, picture.height);
  box.width = cut(column + 1, columns, picture.width) - box.x;
  box.height = cut(row + 1, rows, picture.height) - box.y;
  return box;
}

}  // namespace apf::tiles
