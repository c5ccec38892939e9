// How N tiles cover one picture: rows of equal height, each cut into as many tiles as needed for exactly N in all.
//
// Thread-safety: pure functions.
#pragma once

#include <optional>

namespace apf::tiles {

struct Size {
  int width = 0, height = 0;  // pixels
};

struct Box {
  int x = 0, y = 0, width = 0, height = 0;  // pixels, from the top left
};

constexpr int kMostTiles = 100'000;

// Size of the picture (3:2) for n tiles of about the same work each. `width`: the wish of a person; 0: none.
Size picture_size(int n, int width);
// Tile i of n; nothing when i or n is out of range.
std::optional<Box> tile_box(int i, int n, Size picture);

}  // namespace apf::tiles
