// The demo's payload: one job renders one tile of a picture; at the end the tiles are put together.
//   apf-demo-tile render --tile I --of N --out FILE [--width PIXELS]
//   apf-demo-tile assemble --of N --dir DIR --out PICTURE.png [--width PIXELS]     (reads DIR/tile-I.ppm)
// Exit codes: 0 done, 1 failed, 2 wrong command line.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

#include "../fractal.h"
#include "../image.h"

namespace {

using apf::tiles::Image;

constexpr const char* kUsage =
    "usage: apf-demo-tile render --tile I --of N --out FILE [--width PIXELS]\n"
    "       apf-demo-tile assemble --of N --dir DIR --out PICTURE.png [--width PIXELS]\n";

struct Words {
  std::map<std::string, std::string> given;

  [[nodiscard]] std::string text(const std::string& name) const {
    const auto at = given.find(name);
    return at == given.end() ? "" : at->second;
  }
  [[nodiscard]] int number(const std::string& name) const {
    const std::string s = text(name);
    int value = -1;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
    return error == std::errc{} && end == s.data() + s.size() ? value : -1;
  }
};

int wrong(const char* what) {
  (void)std::fprintf(stderr, "apf-demo-tile: %s\n%s", what, kUsage);
  return 2;
}

int answer(const apf::Status& status) {
  if (status) return 0;
  (void)std::fprintf(stderr, "apf-demo-tile: %s: %s\n", status.error().where.c_str(), status.error().what.c_str());
  return 1;
}

int render(const Words& words) {
  const int n = words.number("--of");
  const auto size = apf::tiles::picture_size(std::max(n, 1), words.number("--width"));
  const auto box = apf::tiles::tile_box(words.number("--tile"), n, size);
  if (!box) return wrong("--tile I --of N: whole numbers, 0 <= I < N <= 100000");
  if (words.text("--out").empty()) return wrong("--out is missing");
  return answer(
      apf::tiles::write_ppm({{box->width, box->height}, apf::tiles::render(*box, size)}, words.text("--out")));
}

apf::Status assemble_from(const std::string& directory, int n, apf::tiles::Size size, const std::string& out) {
  Image picture{size, std::vector<std::uint8_t>(static_cast<std::size_t>(size.width) * size.height * 3)};
  for (int i = 0; i < n; ++i) {
    const auto box = *apf::tiles::tile_box(i, n, size);
    const std::string file = directory + "/tile-" + std::to_string(i) + ".ppm";
    const auto tile = apf::tiles::read_ppm(file);
    if (!tile) return apf::fail(tile.error());
    if (tile->size.width != box.width || tile->size.height != box.height)
      return apf::fail(apf::Kind::permanent, "tiles.size", "the tile of another picture", file);
    const std::size_t row = static_cast<std::size_t>(box.width) * 3;
    for (int y = 0; y < box.height; ++y)
      std::copy_n(tile->rgb.begin() + static_cast<std::ptrdiff_t>(y * row), row,
                  picture.rgb.begin() + (static_cast<std::ptrdiff_t>(box.y + y) * size.width + box.x) * 3);
  }
  return apf::tiles::write_png(picture, out);
}

int assemble(const Words& words) {
  const int n = words.number("--of");
  if (n < 1 || n > apf::tiles::kMostTiles) return wrong("--of N: a whole number from 1 to 100000");
  if (words.text("--dir").empty() || words.text("--out").empty()) return wrong("--dir and --out are needed");
  const auto size = apf::tiles::picture_size(n, words.number("--width"));
  return answer(assemble_from(words.text("--dir"), n, size, words.text("--out")));
}

}  // namespace

int main(int argc, char** argv) {
  Words words;
  for (int i = 2; i + 1 < argc; i += 2) words.given[argv[i]] = argv[i + 1];
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (argc % 2 != 0) return wrong("each option needs one value");
  if (verb == "render") return render(words);
  if (verb == "assemble") return assemble(words);
  return wrong("say render or assemble");
}
