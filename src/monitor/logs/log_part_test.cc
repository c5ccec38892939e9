#include "monitor/logs/log_part.h"

#include <gtest/gtest.h>

namespace apf::monitor {
namespace {

HttpReply head(int status, std::map<std::string, std::string> headers = {}) {
  HttpReply h;
  h.status = status;
  h.headers = std::move(headers);
  return h;
}

// As curl gives it: in pieces, until no more is wanted.
Result<LogPart> read(const LogAsk& ask, const HttpReply& h, std::string_view body, std::size_t piece = 7) {
  LogReader reader(ask);
  while (!body.empty()) {
    if (!reader.take(h, body.substr(0, piece))) break;
    body.remove_prefix(std::min(piece, body.size()));
  }
  return reader.finish(h);
}

std::string code(const Result<LogPart>& part) { return part ? "" : part.error().code; }

const std::string kFile = "0123456789abcdefghijklmnopqrstuvwxyz";

TEST(LogPart, AsksForRanges) {
  EXPECT_EQ((LogAsk{{}, 100}.range()), "bytes=-100");
  EXPECT_EQ((LogAsk{200, 100}.range()), "bytes=200-299");
}

TEST(LogPart, TakesTheEndOfAFile) {
  const auto part = read({{}, 10}, head(206, {{"content-range", "bytes 26-35/36"}}), kFile.substr(26));
  ASSERT_TRUE(part) << part.error().text();
  EXPECT_EQ(part->text, "qrstuvwxyz");
  EXPECT_EQ(part->from, 26U);
  EXPECT_EQ(part->to, 36U);
  EXPECT_EQ(part->size, 36U);
}

TEST(LogPart, TakesAnyPartOfAServerWithoutRanges) {
  const auto whole = head(200, {{"content-length", "36"}});
  for (const std::size_t piece : {1, 7, 100}) {
    const auto end = read({{}, 10}, whole, kFile, piece);
    EXPECT_EQ(end->text, "qrstuvwxyz");
    EXPECT_EQ(end->from, 26U);
    EXPECT_EQ(end->size, 36U);
    const auto middle = read({10, 5}, whole, kFile, piece);
    EXPECT_EQ(middle->text, "abcde");
    EXPECT_EQ(middle->from, 10U);
    EXPECT_EQ(middle->to, 15U);
    const auto beyond = read({40, 5}, head(200), kFile, piece);
    EXPECT_EQ(beyond->text, "");
    EXPECT_EQ(beyond->from, 36U);
    EXPECT_EQ(beyond->size, 36U) << "known by now";
  }
  EXPECT_EQ(read({{}, 10}, whole, "")->text, "");
}

TEST(LogPart, KnowsThatNothingHasComeYet) {
  const auto part = read({36, 10}, head(416, {{"content-range", "bytes */36"}}), "ignored");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->text, "");
  EXPECT_EQ(part->from, 36U);
  EXPECT_EQ(part->to, 36U);
}

TEST(LogPart, NeverTakesMoreThanAsked) {
  const std::string endless(10'000, 'x');
  EXPECT_EQ(read({0, 10}, head(206, {{"content-range", "bytes 0-9/36"}}), endless)->text.size(), 10U);
  EXPECT_EQ(read({0, 10}, head(200), endless)->text.size(), 10U);
  EXPECT_EQ(read({{}, 10}, head(200), endless)->text.size(), 10U);
  const std::string large(kMostRead + 2, 'x');
  EXPECT_EQ(code(read({{}, 10}, head(200), large, 1 << 20)), "logs.too_long");
  EXPECT_EQ(code(read({kMostRead + 100, 10}, head(200), large, 1 << 20)), "logs.too_long");
}

TEST(LogPart, KeepsCharactersWhole) {
  const std::string text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";  // 1, 2, 3, 4, 1 bytes
  for (std::uint64_t cut = 1; cut < text.size(); ++cut) {
    const auto first = read({0, cut}, head(200, {{"content-length", "11"}}), text);
    const auto rest = read({first->to, 20}, head(200, {{"content-length", "11"}}), text);
    EXPECT_EQ(first->text + rest->text, text) << cut;
    const auto end = read({{}, cut}, head(200, {{"content-length", "11"}}), text);
    EXPECT_EQ(end->to, text.size());
    EXPECT_EQ(end->text, text.substr(end->from)) << cut;
    EXPECT_NE(static_cast<unsigned char>(end->text.empty() ? 'x' : end->text[0]) & 0xC0U, 0x80U) << cut;
  }
  EXPECT_EQ(read({0, 10}, head(200), "\xFF\xFE\x80")->text, "\xFF\xFE\x80") << "no UTF-8: as it is";
}

TEST(LogPart, SaysWhatIsWrong) {
  struct Case {
    HttpReply head;
    const char* code;
  };
  for (const auto& [h, expected] :
       {Case{head(302, {{"location", "http://169.254.169.254/"}}), "logs.redirect"}, Case{head(404), "logs.no_file"},
        Case{head(500), "logs.status"}, Case{head(200, {{"content-encoding", "gzip"}}), "logs.packed"},
        Case{head(206), "logs.bad_range"}, Case{head(206, {{"content-range", "bytes 3-9/10"}}), "logs.bad_range"}}) {
    EXPECT_EQ(code(read({0, 10}, h, "secret")), expected);
    EXPECT_EQ(code(read({0, 10}, h, "")), expected);
  }
}

TEST(ContentRange, IsReadStrictly) {
  const auto range = read_content_range("bytes 0-99/*");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->last, 99U);
  EXPECT_FALSE(range->size);
  for (const char* bad : {"", "bytes", "bytes 0-9", "bytes 0-9/9", "bytes 9-0/20", "bytes -9/20", "bytes */*",
                          "lines 0-9/20", "bytes 0-9/99999999999999999999", "bytes 0x0-9/20", "bytes 0-9/20 "})
    EXPECT_FALSE(read_content_range(bad)) << bad;
}

}  // namespace
}  // namespace apf::monitor
