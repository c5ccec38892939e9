#include "htcondor/event.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

namespace apf::htcondor {
namespace {

struct Cut {
  std::vector<std::string> objects;
  std::uint64_t damages = 0;
  bool operator==(const Cut&) const = default;
};

// The objects of a text that arrives in pieces of these sizes, over and over.
Cut cut(std::string_view text, const std::vector<std::size_t>& sizes, bool inside = false) {
  ObjectSplitter splitter;
  splitter.reset(inside);
  Cut out;
  std::size_t piece = 0, consumed = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = std::min(sizes[piece++ % sizes.size()], text.size() - at);
    splitter.add(text.substr(at, n));
    at += n;
    while (const auto object = splitter.next()) {
      out.objects.emplace_back(*object);
      const std::size_t end = at - splitter.pending();
      EXPECT_EQ(text.substr(end - object->size(), object->size()), *object) << "a bookmark would stand elsewhere";
      EXPECT_GE(end, consumed);
      consumed = end;
    }
  }
  out.damages = splitter.damages();
  return out;
}

struct SplitCase {
  const char* title;
  std::string text;
  std::vector<std::string> objects;
  std::uint64_t damages;
  bool inside = false;
};

std::vector<SplitCase> split_cases() {
  const std::string a = "{\n  \"a\": 1\n}", b = "{\n  \"b\": {\n    \"c\": [ 1, { } ]\n  }\n}";
  const std::string odd = R"({ "text": "}{ \" \\" })";
  const std::string x = "<c>\n    <a n=\"A\"><i>1</i></a>\n</c>";
  const std::string y = "<c>\n    <a n=\"B\"><c>\n        <a n=\"C\"><s>&lt;/c&gt;</s></a>\n    </c></a>\n</c>";
  return {
      {"nothing", "", {}, 0},
      {"blanks", " \n\t\r\n", {}, 0},
      {"two objects", a + "\n" + b + "\n", {a, b}, 0},
      {"nothing between them", a + b + a, {a, b, a}, 0},
      {"braces and quotes in a string", odd + "\n" + a, {odd, a}, 0},
      {"a part at the end", a + "\n{\n  \"b\": {", {a}, 0},
      {"words between", a + "\nwords {\n" + b + "\n", {a, b}, 1},
      {"binary between", a + std::string("\n\0\xff}{}\n", 7) + b + "\n", {a, b}, 1},
      {"a writer was killed between values", "{\n  \"a\": 1,\n" + b + "\n" + a, {b, a}, 1},
      {"a writer was killed in a string", "{\n  \"a\": \"xy\n" + b + "\n", {b}, 1},
      {"killed, and the next on the same line", "{\n  \"a\": \"xy" + a + "\n" + b, {b}, 1},
      {"two parts", "{\n  \"a\": 1,\n{\n  \"b\":\n" + a, {a}, 2},
      {"begun inside of an object", "1,\n  \"x\": {\n  }\n}\n" + a, {a}, 0, true},
      {"begun at the end of a line", "\n" + a, {a}, 0, true},
      {"begun at the end of an object", "}\n" + a, {a}, 0, true},
      {"begun before the line break that ends it", a + "\n" + a, {a}, 0, true},
      {"XML", x + "\n" + y + "\n", {x, y}, 0},
      {"XML and JSON", x + "\n" + a + "\n" + y + a, {x, a, y, a}, 0},
      {"a part of XML at the end", x + "\n<c>\n    <a n=\"", {x}, 0},
      {"a writer of XML was killed in a line", "<c>\n    <a n=\"A\"><s>tex" + x + "\n" + y + "\n", {y}, 1},
      {"a writer of XML was killed between lines", "<c>\n    <a n=\"A\"><s>t</s></a>\n" + x + "\n" + y, {x, y}, 1},
      {"a part of XML before JSON", "<c>\n    <a n=\"A\"><s>t</s></a>\n" + a, {a}, 1},
      {"words between XML", x + "\nwords <c>\n" + y + "\n", {x, y}, 1},
      {"begun inside of XML", "<s>t</s></a>\n</c>\n" + x, {x}, 0, true},
  };
}

TEST(ObjectSplitter, CutsTheSameHoweverTheTextIsChopped) {
  std::mt19937 random(7);  // NOLINT(*-msc51-cpp,cert-msc32-c): the same in each run
  for (const auto& c : split_cases()) {
    SCOPED_TRACE(c.title);
    const Cut expected{c.objects, c.damages};
    EXPECT_EQ(cut(c.text, {c.text.size() + 1}, c.inside), expected);
    EXPECT_EQ(cut(c.text, {1}, c.inside), expected);
    for (int i = 0; i < 50; ++i) {
      std::vector<std::size_t> sizes(4);
      for (auto& s : sizes) s = 1 + random() % 9;
      EXPECT_EQ(cut(c.text, sizes, c.inside), expected);
    }
  }
}

TEST(ObjectSplitter, AnObjectWithoutAnEndIsGivenUp) {
  std::string text = "{\n";
  for (int i = 0; i < 300'000; ++i) text += "  \"x\": 1,\n";
  text += "\n{ \"a\": 1 }\n";
  const Cut got = cut(text, {4096});
  EXPECT_EQ(got.objects, std::vector<std::string>{"{ \"a\": 1 }"});
  EXPECT_EQ(got.damages, 1U);
}

TEST(Events, AreDecoded) {
  const auto plain = decode_event(
      R"({"Cluster": 3, "Proc": 7, "EventTypeNumber": 12, "EventTime": "2026-11-22T03:11:30.023Z", "HoldReasonCode": 1,
          "HoldReason": "é \"x\"\n", "Nested": {"a": [1, {"Proc": 8}], "Proc": 9},
          "List": [4, {"Proc": 5}], "Flag": true, "Real": 1.5, "Huge": 18446744073709551615})");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->type, 12);
  EXPECT_FALSE(plain->informed);
  EXPECT_EQ(plain->cluster, 3);
  EXPECT_EQ(plain->proc, 7);
  EXPECT_EQ(iso8601(plain->at), "2026-11-22T03:11:30Z");
  EXPECT_EQ(plain->at.ms % 1000, 23);
  EXPECT_EQ(plain->integer("HoldReasonCode"), 1);
  EXPECT_EQ(plain->text("HoldReason"), "é \"x\"\n");
  EXPECT_EQ(plain->boolean("Flag"), true);
  EXPECT_EQ(plain->integer("Flag"), std::nullopt);
  EXPECT_EQ(plain->text("HoldReasonCode"), "");
  for (const char* absent : {"Nested", "a", "List", "Huge", "Real", ""})
    EXPECT_FALSE(plain->attributes.contains(absent)) << absent;
  const auto informed =
      decode_event(R"({"EventTypeNumber": 28, "TriggerEventTypeNumber": 5, "Cluster": 1, "Proc": 0})");
  ASSERT_TRUE(informed);
  EXPECT_EQ(informed->type, 5);
  EXPECT_TRUE(informed->informed);
  for (const char* bad : {"", "[]", "{}", "{", "5", R"([{"EventTypeNumber": 5}])", R"({"EventTypeNumber": 5)",
                          R"({"EventTypeNumber": 5} x)", R"({"EventTypeNumber": "5"})", R"({"EventTypeNumber": -1})",
                          R"({"EventTypeNumber": 28})", R"({"EventTypeNumber": 99999999999})"})
    EXPECT_FALSE(decode_event(bad)) << bad;
}

TEST(Events, AreDecodedFromXml) {
  const auto event = decode_event(R"(<c>
    <a n="ToE"><c>
        <a n="ExitCode"><i>3</i></a>
    </c></a>
    <a n="Cluster"><i>3</i></a>
    <a n="Proc"><i>7</i></a>
    <a n="EventTime"><s>2026-11-22T03:11:30.023Z</s></a>
    <a n="HoldReason"><s>&lt;127.0.0.1:9&gt; &amp; "x" &quot;y&apos; \\n\"z\n\303\251&none \</s></a>
    <a n="Flag"><b v="t"/></a>
    <a n="Other"><b v="f"/></a>
    <a n="Real"><r>1.5</r></a>
    <a n="Odd"><i>1x</i></a>
    <a n="Huge"><i>18446744073709551615</i></a>
    <a n="broken><s>x</s></a>
    <a n="EventTypeNumber"><i>28</i></a>
    <a n="TriggerEventTypeNumber"><i>12</i></a>
</c>)");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, 12);
  EXPECT_TRUE(event->informed);
  EXPECT_EQ(event->cluster, 3);
  EXPECT_EQ(event->proc, 7);
  EXPECT_EQ(event->at.ms, 1'795'317'090'023);
  EXPECT_EQ(event->text("HoldReason"), "<127.0.0.1:9> & \"x\" \"y' \\n\"z\n\303\251&none \\");
  EXPECT_EQ(event->boolean("Flag"), true);
  EXPECT_EQ(event->boolean("Other"), false);
  for (const char* absent : {"ToE", "ExitCode", "Real", "Odd", "Huge", "broken"})
    EXPECT_FALSE(event->attributes.contains(absent)) << absent;
  for (const char* bad : {"<", "<c>", "<c>\n</c>", "<c>\n    <a n=\"EventTypeNumber\"><s>5</s></a>\n</c>"})
    EXPECT_FALSE(decode_event(bad)) << bad;
}

TEST(Events, TellTimesInUtcAndInLocalTime) {
  EXPECT_EQ(event_time("2026-11-22T03:11:30.023Z").ms, 1'795'317'090'023);
  EXPECT_EQ(event_time("2026-11-22T03:11:30Z").ms, 1'795'317'090'000);
  EXPECT_EQ(event_time("2026-11-22T03:11:30.5Z").ms, 1'795'317'090'500);
  for (const char* bad : {"", "yesterday", "2026-11-22", "0000-00-00T00:00:00Z", "2026-13-01T00:00:00Z"})
    EXPECT_EQ(event_time(bad).ms, 0) << bad;
  const char* const before = std::getenv("TZ");
  const std::string kept = before != nullptr ? before : "";
  ASSERT_EQ(setenv("TZ", "XYZ-2", 1), 0);  // two hours east
  tzset();
  EXPECT_EQ(event_time("2026-11-22T05:11:30").ms, 1'795'317'090'000);
  EXPECT_EQ(event_time("2026-11-22T03:11:30Z").ms, 1'795'317'090'000);
  if (before != nullptr)
    setenv("TZ", kept.c_str(), 1);
  else
    unsetenv("TZ");
  tzset();
}

TEST(Events, TellUsage) {
  EXPECT_FLOAT_EQ(usage_seconds("Usr 0 00:01:02, Sys 0 00:00:03"), 65);
  EXPECT_FLOAT_EQ(usage_seconds("Usr 1 01:00:00, Sys 0 00:00:00"), 90'000);
  EXPECT_LT(usage_seconds(""), 0);
  EXPECT_LT(usage_seconds("Usr 0 00:01:02"), 0);
}

}  // namespace
}  // namespace apf::htcondor
