#include "monitor/logs/log_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace apf::monitor {
namespace {

constexpr std::size_t kLongestCharacter = 4;

// Digits only, and few enough that sums do not overflow.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || value > (std::uint64_t{1} << 62U)) return {};
  return value;
}

std::string header(const HttpReply& head, const char* name) {
  const auto it = head.headers.find(name);
  return it == head.headers.end() ? std::string() : it->second;
}

bool inside(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }  // of a character of UTF-8

std::size_t length(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
}

// Bytes at the end that begin a character and do not end it.
std::size_t begun_at_end(std::string_view text) {
  for (std::size_t back = 1; back <= std::min(text.size(), kLongestCharacter - 1); ++back) {
    const char c = text[text.size() - back];
    if (!inside(c)) return length(c) > back ? back : 0;
  }
  return 0;
}

bool good(int status) { return status == 200 || status == 206; }

}  // namespace

std::string LogAsk::range() const {
  return from ? fmt::format("bytes={}-{}", *from, *from + most - 1) : fmt::format("bytes=-{}", most);
}

std::optional<ContentRange> read_content_range(std::string_view text) {
  constexpr std::string_view unit = "bytes ";
  const auto slash = text.find('/');
  if (!text.starts_with(unit) || slash == std::string_view::npos) return {};
  const std::string_view range = text.substr(unit.size(), slash - unit.size()), size = text.substr(slash + 1);
  ContentRange r;
  r.size = number(size);
  if (!r.size && size != "*") return {};
  if (range == "*") return r.size ? std::optional(r) : std::nullopt;
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return {};
  r.first = number(range.substr(0, dash));
  r.last = number(range.substr(dash + 1));
  if (!r.first || !r.last || *r.last < *r.first || (r.size && *r.last >= *r.size)) return {};
  return r;
}

void LogReader::begin(const HttpReply& head) {
  begun_ = true;
  whole_ = head.status == 200;
  if (whole_) {
    size_ = number(header(head, "content-length"));
    return;
  }
  const auto range = read_content_range(header(head, "content-range"));
  if (!range) return;
  from_ = range->first.value_or(0);
  size_ = range->size;
}

bool LogReader::take(const HttpReply& head, std::string_view piece) {
  if (!judge(head)) return false;
  if (!begun_) begin(head);
  const std::uint64_t at = seen_;
  seen_ += piece.size();
  if (!whole_ || !ask_.from) {
    text_ += piece;
    if (whole_ && text_.size() > 2 * ask_.most) text_.erase(0, text_.size() - ask_.most);  // only the end is wanted
    over_ = whole_ && seen_ > kMostRead;
    return whole_ ? !over_ : text_.size() < ask_.most;
  }
  if (seen_ > *ask_.from) text_ += piece.substr(at < *ask_.from ? *ask_.from - at : 0);
  over_ = text_.empty() && seen_ > kMostRead;
  return text_.size() < ask_.most && !over_;
}

Status LogReader::judge(const HttpReply& head) const {
  if (head.status / 100 == 3)
    return fail(Kind::permanent, "logs.redirect", "the server sends elsewhere, and redirects are not followed");
  if (head.status == 404 || head.status == 410)
    return fail(Kind::permanent, "logs.no_file", "there is no such file: not written yet, or deleted");
  if (head.status == 416) return {};
  if (!good(head.status))
    return fail(Kind::transient, "logs.status", fmt::format("the server answered with status {}", head.status));
  const std::string encoding = header(head, "content-encoding");
  if (!encoding.empty() && encoding != "identity")
    return fail(Kind::permanent, "logs.packed", "the file comes packed, though it was not asked for so");
  if (head.status == 200) return {};
  const auto range = read_content_range(header(head, "content-range"));
  if (!range || !range->first || (ask_.from && *range->first != *ask_.from) || (!ask_.from && !range->size))
    return fail(Kind::permanent, "logs.bad_range", "the server sent another part than was asked for");
  return {};
}

Result<LogPart> LogReader::finish(const HttpReply& head) {
  if (auto ok = judge(head); !ok) return fail(std::move(ok.error()));
  LogPart part;
  if (head.status == 416) {  // nothing is there
    const auto range = read_content_range(header(head, "content-range"));
    part.size = range ? range->size : std::nullopt;
    part.from = part.to = part.size.value_or(ask_.from.value_or(0));
    return part;
  }
  if (!begun_) begin(head);
  if (over_)
    return fail(Kind::permanent, "logs.too_long",
                fmt::format("the server knows no ranges, and this part is beyond the first {} MB", kMostRead >> 20U));
  if (whole_ && ask_.from) {
    from_ = std::min(*ask_.from, seen_);
    if (!size_ && text_.size() < ask_.most) size_ = seen_;
  } else if (whole_) {
    if (text_.size() > ask_.most) text_.erase(0, text_.size() - ask_.most);
    from_ = seen_ - text_.size();
    size_ = seen_;
  }
  if (text_.size() > ask_.most) text_.resize(ask_.most);
  const bool last = size_ && from_ + text_.size() >= *size_;
  const std::size_t behind = last ? 0 : begun_at_end(text_);
  text_.resize(text_.size() - behind);
  std::size_t before = 0;
  while (from_ > 0 && before < text_.size() && before < kLongestCharacter - 1 && inside(text_[before])) ++before;
  text_.erase(0, before);
  part.from = from_ + before;
  part.to = part.from + text_.size();
  part.size = size_;
  part.text = std::move(text_);
  return part;
}

}  // namespace apf::monitor
