#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "fractal.h"
#include "image.h"

namespace apf::tiles {
namespace {

TEST(Grid, AnyNumberOfTilesCoversEachPixelOnce) {
  for (const int n : {1, 2, 3, 5, 7, 12, 13, 16, 31, 64, 97, 100, 257}) {
    const Size size = picture_size(n, 600);
    std::vector<int> covered(static_cast<std::size_t>(size.width) * size.height);
    for (int i = 0; i < n; ++i) {
      const auto box = tile_box(i, n, size);
      ASSERT_TRUE(box);
      for (int y = box->y; y < box->y + box->height; ++y)
        for (int x = box->x; x < box->x + box->width; ++x)
          ++covered.at(static_cast<std::size_t>(y) * size.width + static_cast<std::size_t>(x));
    }
    EXPECT_TRUE(std::all_of(covered.begin(), covered.end(), [](int c) { return c == 1; })) << n << " tiles";
  }
}

TEST(Grid, RefusesTilesThatAreNotThere) {
  const Size size = picture_size(4, 0);
  EXPECT_FALSE(tile_box(4, 4, size));
  EXPECT_FALSE(tile_box(-1, 4, size));
  EXPECT_FALSE(tile_box(0, 0, size));
  EXPECT_FALSE(tile_box(0, kMostTiles + 1, size));
}

TEST(Fractal, ATileIsThatPartOfTheWholePicture) {
  const Size size = picture_size(6, 36);
  const auto whole = render({0, 0, size.width, size.height}, size);
  const auto box = *tile_box(4, 6, size);
  const auto tile = render(box, size);
  for (int y = 0; y < box.height; ++y) {
    const auto row = tile.begin() + static_cast<std::ptrdiff_t>(y) * box.width * 3;
    const auto there = whole.begin() + (static_cast<std::ptrdiff_t>(box.y + y) * size.width + box.x) * 3;
    EXPECT_TRUE(std::equal(row, row + static_cast<std::ptrdiff_t>(box.width) * 3, there)) << "row " << y;
  }
  const auto [least, most] = std::minmax_element(whole.begin(), whole.end());
  EXPECT_GT(*most - *least, 100) << "a picture of one grey";
}

TEST(Image, TilesSurviveTheirFilesAndBrokenOnesAreRefused) {
  const auto file = (std::filesystem::temp_directory_path() / ("apf-tile-" + std::to_string(::getpid()))).string();
  const Image image{{3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 32, 9, 255, 254, 253, 252, 251}};
  ASSERT_TRUE(write_ppm(image, file));
  const auto read = read_ppm(file);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rgb, image.rgb);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  EXPECT_FALSE(read_ppm(file));
  std::ofstream(file) << "P6\n99999999 99999999\n255\n";
  EXPECT_FALSE(read_ppm(file));
  ASSERT_TRUE(write_png(image, file));
  EXPECT_GT(std::filesystem::file_size(file), 50U);
  std::filesystem::remove(file);
  EXPECT_FALSE(read_ppm(file));
  EXPECT_FALSE(write_png(image, "/nonexistent/a.png"));
}

}  // namespace
}  // namespace apf::tiles
