#include "net/outgoing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "net/http_message.h"

namespace apf::net {
namespace {

struct FileFacts {
  OwnedFd fd;
  std::uint64_t size = 0;
  Wall modified;
  std::string etag;
};

Result<FileFacts> open_file(const Response& response) {
  const auto missing = [] { return fail(Kind::permanent, "net.not_found", "there is no such file"); };
  FileFacts facts;
  if (response.beneath.empty()) {
    facts.fd = OwnedFd(::open(response.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (facts.fd.get() < 0) return missing();
  } else {
    auto fd = open_beneath(response.beneath, response.file);
    if (!fd) return fail(fd.error());
    facts.fd = std::move(*fd);
  }
  struct stat st{};
  if (::fstat(facts.fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return missing();
  facts.size = static_cast<std::uint64_t>(st.st_size);
  facts.modified = Wall{std::int64_t{st.st_mtim.tv_sec} * 1000};
  facts.etag = fmt::format("\"{:x}-{:x}-{:x}.{:x}\"", st.st_ino, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  return facts;
}

std::string header(const Asked& asked, const char* name) {
  const auto found = asked.headers->find(name);
  return found == asked.headers->end() ? std::string{} : found->second;
}

bool unchanged(const FileFacts& file, const Asked& asked) {
  if (const auto tags = header(asked, "if-none-match"); !tags.empty()) return matches_etag(tags, file.etag);
  const auto since = parse_http_date(header(asked, "if-modified-since"));
  return since && file.modified <= *since;
}

Slice wanted(const FileFacts& file, const Asked& asked) {
  const auto range = header(asked, "range");
  const auto condition = header(asked, "if-range");
  const bool same = condition.empty() || condition == file.etag || condition == http_date(file.modified);
  return parse_range(same ? range : "", file.size);
}

// Fills in status, headers and the slice to send.
void serve_file(Response& response, FileFacts file, const Asked& asked, Outgoing& out) {
  auto& headers = response.headers;
  headers["ETag"] = file.etag;
  headers["Last-Modified"] = http_date(file.modified);
  headers["Accept-Ranges"] = "bytes";
  if (asked.get && response.status == 200 && unchanged(file, asked)) {
    response.status = 304;
    return;
  }
  const bool ranges = asked.get && response.status == 200;
  const Slice slice = ranges ? wanted(file, asked) : Slice{Slice::Kind::whole, 0, file.size};
  if (slice.kind == Slice::Kind::unsatisfiable) {
    response.status = 416;
    headers["Content-Range"] = fmt::format("bytes */{}", file.size);
  } else if (slice.kind == Slice::Kind::part) {
    response.status = 206;
    headers["Content-Range"] = fmt::format("bytes {}-{}/{}", slice.first, slice.first + slice.length - 1, file.size);
  }
  headers["Content-Length"] = std::to_string(slice.length);
  out.file = std::move(file.fd);
  out.offset = slice.first;
  out.remaining = slice.length;
}

class ClosedStream final : public Stream {
 public:
  bool write(std::shared_ptr<const std::string> /*piece*/) override { return false; }
  [[nodiscard]] bool closed() const override { return true; }
};

bool has_no_body(int status) { return status == 204 || status == 304; }

}  // namespace

StreamPtr closed_stream() { return std::make_shared<ClosedStream>(); }

StreamPtr Reply::stream(Response response) {
  send(std::move(response));
  return closed_stream();
}

Response problem(int status, std::string_view code, std::string_view what) {
  Response r;
  r.status = status;
  r.body = fmt::format("{{\"error\":{{\"code\":\"{}\",\"what\":\"{}\"}}}}\n", code, what);  // texts of ours: no escapes
  return r;
}

Outgoing make_outgoing(Response response, const Asked& asked, Wall now) {
  Outgoing out;
  if (!response.file.empty()) {
    auto file = open_file(response);
    if (file) {
      response.body.clear();
      serve_file(response, std::move(*file), asked, out);
    } else {
      response = problem(404, file.error().code, file.error().what);
    }
  }
  auto& headers = response.headers;
  if (has_no_body(response.status)) {
    response.body.clear();
  } else {
    if (!response.type.empty()) headers["Content-Type"] = response.type;
    if (out.file.get() < 0 && !asked.endless) headers["Content-Length"] = std::to_string(response.body.size());
  }
  headers["Date"] = http_date(now);
  headers["X-Content-Type-Options"] = "nosniff";
  if (!asked.keep_alive) headers["Connection"] = "close";
  out.head = response_head(response.status, headers);
  if (asked.head_only) {
    out.remaining = 0;
  } else {
    out.body = std::move(response.body);
  }
  return out;
}

}  // namespace apf::net
