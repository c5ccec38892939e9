#include "image.h"

#include <png.h>

#include <cstdio>
#include <fstream>
#include <limits>

namespace apf::tiles {
namespace {

tl::unexpected<Error> trouble(const std::string& what, const std::string& file) {
  return fail(Kind::permanent, "tiles.file", what, file);
}

Status into_place(const std::string& temporary, const std::string& file) {
  if (std::rename(temporary.c_str(), file.c_str()) != 0) return trouble("cannot be renamed into place", file);
  return {};
}

}  // namespace

Status write_ppm(const Image& image, const std::string& file) {
  const std::string temporary = file + ".part";
  std::ofstream out(temporary, std::ios::binary);
  out << "P6\n" << image.size.width << ' ' << image.size.height << "\n255\n";
  out.write(reinterpret_cast<const char*>(image.rgb.data()), static_cast<std::streamsize>(image.rgb.size()));
  out.close();
  if (!out) return trouble("cannot be written", temporary);
  return into_place(temporary, file);
}

Result<Image> read_ppm(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return trouble("cannot be opened: is its tile done?", file);
  std::string magic;
  int most = 0;
  Image image;
  in >> magic >> image.size.width >> image.size.height >> most;
  in.get();
  const bool sane = in && magic == "P6" && most == 255 && image.size.width > 0 && image.size.height > 0 &&
                    image.size.width <= 1 << 16 && image.size.height <= 1 << 14;
  if (!sane) return trouble("not a tile", file);
  image.rgb.resize(static_cast<std::size_t>(image.size.width) * static_cast<std::size_t>(image.size.height) * 3);
  in.read(reinterpret_cast<char*>(image.rgb.data()), static_cast<std::streamsize>(image.rgb.size()));
  if (!in) return trouble("ends too early", file);
  return image;
}

Status write_png(const Image& image, const std::string& file) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.size.width);
  png.height = static_cast<png_uint_32>(image.size.height);
  png.format = PNG_FORMAT_RGB;
  const std::string temporary = file + ".part";
  if (png_image_write_to_file(&png, temporary.c_str(), 0, image.rgb.data(), 0, nullptr) == 0)
    return trouble(std::string("cannot be written: ") + static_cast<const char*>(png.message), temporary);
  return into_place(temporary, file);
}

}  // namespace apf::tiles
