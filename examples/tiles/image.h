// Pictures in files: tiles as PPM (https://netpbm.sourceforge.net/doc/ppm.html), the whole as PNG.
// Files appear as a whole, by rename.
//
// Thread-safety: stateless functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apf/result.h"
#include "grid.h"

namespace apf::tiles {

struct Image {
  Size size;
  std::vector<std::uint8_t> rgb;  // row by row
};

Status write_ppm(const Image& image, const std::string& file);
Result<Image> read_ppm(const std::string& file);
Status write_png(const Image& image, const std::string& file);

}  // namespace apf::tiles
