#include "net/gunzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace apf::net {
namespace {

std::string gzip(const std::string& text) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string in = text;
  std::string out(deflateBound(&z, in.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

TEST(Gunzip, UnpacksWhatWasPacked) {
  for (const std::string& text : {std::string(), std::string("{\"a\": 1}"), std::string(1'000'000, 'x')}) {
    const std::string packed = gzip(text);
    EXPECT_TRUE(is_gzip(packed));
    EXPECT_EQ(gunzip(packed, 1'000'000).value(), text);
  }
  EXPECT_FALSE(is_gzip("{\"a\": 1}"));
}

TEST(Gunzip, RefusesBombsAndBrokenBodies) {
  EXPECT_EQ(gunzip(gzip(std::string(1'000'000, 'x')), 999'999).error().code, "net.body_too_long");
  const std::string good = gzip("a body that is long enough to be cut somewhere");
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_EQ(gunzip(good.substr(0, n), 1000).error().code, "net.bad_gzip") << n;
  EXPECT_EQ(gunzip(good + "x", 1000).error().code, "net.bad_gzip");
  EXPECT_EQ(gunzip("\x1f\x8bnonsense", 1000).error().code, "net.bad_gzip");
}

}  // namespace
}  // namespace apf::net
