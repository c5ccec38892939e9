#include "apf/options.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "apf/queue.h"

namespace apf {
namespace {

struct Case {
  const char* text;
  std::int64_t value;
};

TEST(Units, DurationsOfEveryForm) {
  const Case cases[] = {{"30s", 30'000'000'000},
                        {"5 min", 300'000'000'000},
                        {"6m", 360'000'000'000},
                        {"2h", 7'200'000'000'000},
                        {"1d", 86'400'000'000'000},
                        {"2 weeks", 1'209'600'000'000'000},
                        {"200ms", 200'000'000},
                        {"1.5h", 5'400'000'000'000},
                        {"1 h 30 min", 5'400'000'000'000},
                        {"1h30m", 5'400'000'000'000},
                        {"  10 s ", 10'000'000'000},
                        {"0", 0},
                        {"0s", 0}};
  for (const auto& c : cases) {
    const auto got = parse_duration(c.text);
    ASSERT_TRUE(got) << c.text;
    EXPECT_EQ(got->count(), c.value) << c.text;
  }
}

TEST(Units, SizesOfEveryForm) {
  const Case cases[] = {{"512 MB", 512'000'000},  {"2 GB", 2'000'000'000},
                        {"1 GiB", 1'073'741'824}, {"1.5 kB", 1500},
                        {"10KiB", 10'240},        {"7 B", 7},
                        {"4096", 4096},           {"0", 0}};
  for (const auto& c : cases) {
    const auto got = parse_size(c.text);
    ASSERT_TRUE(got) << c.text;
    EXPECT_EQ(*got, c.value) << c.text;
  }
}

TEST(Units, RefusesWhatIsNoValue) {
  for (const char* text : {"", " ", "30", "s", "-1s", "1 fortnight", "1,5h", "1..5h", "30 s 5", "1e400s", "nan s",
                           "99999999999999999999s", "9223372036854775807h", "300000000 w 300000000 w"}) {
    const auto got = parse_duration(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, "config.bad_value");
    EXPECT_EQ(got.error().kind, Kind::config);
  }
  for (const char* text : {"", "MB", "-1", "1 XB", "2 gb", "9999999 TB", "1 2", "9223372036854775808"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Units, WhatIsShownIsReadAgain) {
  for (const std::int64_t ns :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{1500}, std::int64_t{90'000'000'000}, std::int64_t{200'000'000},
        std::int64_t{604'800'000'000'000}, std::numeric_limits<std::int64_t>::max()})
    EXPECT_EQ(parse_duration(show(OptionValue{Duration{ns}})).value().count(), ns);
  for (const std::int64_t size : {std::int64_t{0}, std::int64_t{7}, std::int64_t{512'000'000}, std::int64_t{20} << 30,
                                  std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(parse_size(show_size(size)).value(), size);
    EXPECT_EQ(parse_size(show(OptionValue{size})).value(), size);
  }
  EXPECT_EQ(show_duration(seconds{90}), "90 s");
  EXPECT_EQ(show_duration(seconds{300}), "5 min");
  EXPECT_EQ(show_size(std::int64_t{20} << 30), "20 GiB");
}

TEST(Options, GivesWhatWasSet) {
  Options o;
  o.set("flag", true);
  o.set("n", std::int64_t{7});
  o.set("x", 0.5);
  o.set("s", std::string("word"));
  o.set("d", Duration{seconds{3}});
  o.set("l", std::vector<std::string>{"a", "b"});
  o.set("t", Table{{"k", "v"}}, {"a.toml", 12}, true);
  EXPECT_TRUE(o.flag("flag"));
  EXPECT_EQ(o.integer("n"), 7);
  EXPECT_DOUBLE_EQ(o.real("x"), 0.5);
  EXPECT_DOUBLE_EQ(o.real("n"), 7.0);
  EXPECT_EQ(o.text("s"), "word");
  EXPECT_EQ(o.duration("d"), seconds{3});
  EXPECT_EQ(o.list("l").size(), 2U);
  EXPECT_EQ(o.table("t").at("k"), "v");
  EXPECT_EQ(o.entries().at("t").origin.text(), "a.toml:12");
  EXPECT_EQ(o.integer_or("none", 3), 3);
  EXPECT_EQ(o.integer_or("n", 3), 7);
  EXPECT_EQ(o.text_or("none", "other"), "other");
}

TEST(Options, WrongUseIsABug) {
  Options o;
  o.set("n", std::int64_t{7});
  EXPECT_THROW((void)o.text("n"), std::logic_error);
  EXPECT_THROW((void)o.integer("other"), std::logic_error);
  EXPECT_FALSE(o.has("other"));
}

TEST(Options, EqualityIgnoresWhereAValueCameFrom) {
  Options a, b;
  a.set("n", std::int64_t{7}, {"a.toml", 1});
  b.set("n", std::int64_t{7}, {"b.toml", 99}, false, false);
  EXPECT_EQ(a, b);
  b.set("n", std::int64_t{8});
  EXPECT_FALSE(a == b);
  b.set("n", std::int64_t{7});
  b.set("m", true);
  EXPECT_FALSE(a == b);
}

TEST(Options, SecretsAreMasked) {
  EXPECT_EQ(show(OptionValue{std::string("hunter2")}, true), "***");
  EXPECT_EQ(show(OptionValue{Table{{"a", "hunter2"}}}, true), "***");
  EXPECT_EQ(show(OptionValue{std::vector<std::string>{"a", "b"}}), "[a, b]");
  EXPECT_EQ(show(OptionValue{Table{{"k", "v"}}}), "{k = v}");
  EXPECT_EQ(show(OptionValue{0.1}), "0.1");
}

TEST(QueueSpec, EqualityIgnoresTheOrigin) {
  QueueSpec a, b;
  a.name = b.name = "Q";
  a.origin = {"a.toml", 3};
  EXPECT_EQ(a, b);
  b.sched.push_back({"ready", {}});
  EXPECT_FALSE(a == b);
}

}  // namespace
}  // namespace apf
