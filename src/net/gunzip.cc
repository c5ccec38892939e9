#include "net/gunzip.h"

#define ZLIB_CONST  // its input stays as it is
#include <zlib.h>

#include <algorithm>
#include <memory>

namespace apf::net {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;
constexpr std::size_t kPiece = std::size_t{64} << 10U;

struct Inflater {
  z_stream stream{};
  bool ready = false;
  Inflater() { ready = inflateInit2(&stream, kGzipOnly) == Z_OK; }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

tl::unexpected<Error> broken(const char* what) {
  return fail(Kind::permanent, "net.bad_gzip", std::string("the compressed body ") + what);
}

}  // namespace

bool is_gzip(std::string_view body) { return body.starts_with("\x1f\x8b"); }

Result<std::string> gunzip(std::string_view body, std::size_t longest) {
  Inflater z;
  if (!z.ready) return fail(Kind::transient, "net.bad_gzip", "no memory to unpack the body");
  z.stream.next_in = reinterpret_cast<const Bytef*>(body.data());
  z.stream.avail_in = static_cast<uInt>(std::min<std::size_t>(body.size(), UINT32_MAX));
  std::string out;
  for (int state = Z_OK; state != Z_STREAM_END;) {
    if (out.size() > longest)
      return fail(Kind::permanent, "net.body_too_long", "the request's body is too long when unpacked");
    const std::size_t had = out.size();
    out.resize(had + kPiece);
    z.stream.next_out = reinterpret_cast<Bytef*>(out.data() + had);
    z.stream.avail_out = static_cast<uInt>(kPiece);
    state = inflate(&z.stream, Z_NO_FLUSH);
    out.resize(out.size() - z.stream.avail_out);
    if (state == Z_BUF_ERROR) return broken("is cut off");
    if (state != Z_OK && state != Z_STREAM_END) return broken("is no gzip");
  }
  if (z.stream.avail_in != 0) return broken("has more behind its end");
  if (out.size() > longest)
    return fail(Kind::permanent, "net.body_too_long", "the request's body is too long when unpacked");
  return out;
}

}  // namespace apf::net
