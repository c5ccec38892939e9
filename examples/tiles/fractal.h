// The picture: a part of the Mandelbrot set's border, lit like a relief. Every pixel is the mean of 25 samples in
// linear light.
//
// Methods: smooth iteration count and stripe average for the colour, the surface normal from the derivative z' for the
// light (https://en.wikipedia.org/wiki/Plotting_algorithms_for_the_Mandelbrot_set).
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "grid.h"

namespace apf::tiles {

// RGB, 8 bits each, sRGB, row by row.
std::vector<std::uint8_t> render(Box box, Size picture);

}  // namespace apf::tiles
