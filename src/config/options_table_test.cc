#include "config/options_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "apf/registry.h"
#include "config/schema.h"

namespace apf::config {
namespace {

constexpr std::array kEveryType{
    OptionSpec{.name = "flag", .type = OptionType::boolean, .fallback = "true"},
    OptionSpec{.name = "count", .type = OptionType::integer, .fallback = "-5", .minimum = -10, .maximum = 10},
    OptionSpec{.name = "share", .type = OptionType::real, .fallback = "0.5", .minimum = 0},
    OptionSpec{.name = "word", .fallback = "one", .choices = "one|two"},
    OptionSpec{.name = "wait", .type = OptionType::duration, .fallback = "30s", .minimum = 1, .maximum = 60},
    OptionSpec{.name = "room", .type = OptionType::size, .fallback = "1 GiB"},
    OptionSpec{.name = "file", .type = OptionType::path},
    OptionSpec{.name = "list", .type = OptionType::list, .fallback = "a, b"},
    OptionSpec{.name = "files", .type = OptionType::paths},
    OptionSpec{.name = "table", .type = OptionType::table},
    OptionSpec{.name = "elsewhere", .scope = Scope::queue, .required = true},
};

Result<Options> parse(std::string_view toml) { return options_from_toml(kEveryType, Scope::source, toml); }

TEST(OptionTable, FillsInDefaults) {
  const auto o = parse("");
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_TRUE(o->flag("flag"));
  EXPECT_EQ(o->integer("count"), -5);
  EXPECT_DOUBLE_EQ(o->real("share"), 0.5);
  EXPECT_EQ(o->text("word"), "one");
  EXPECT_EQ(o->duration("wait"), seconds{30});
  EXPECT_EQ(o->integer("room"), std::int64_t{1} << 30);
  EXPECT_EQ(o->list("list"), (std::vector<std::string>{"a", "b"}));
  for (const char* unset : {"file", "files", "table", "elsewhere"}) EXPECT_FALSE(o->has(unset)) << unset;
  EXPECT_FALSE(o->entries().at("flag").given);
  EXPECT_EQ(o->entries().at("flag").origin.text(), "built-in");
}

TEST(OptionTable, ReadsEveryType) {
  const auto o = parse(R"(
flag = false
count = 10
share = 2
word = "two"
wait = "1 min"
room = 1024
file = "/a/b"
list = []
files = ["x"]
table = { A = "1", B = 2, C = true, D = 0.5 }
)");
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_FALSE(o->flag("flag"));
  EXPECT_DOUBLE_EQ(o->real("share"), 2.0);
  EXPECT_EQ(o->duration("wait"), seconds{60});
  EXPECT_EQ(o->integer("room"), 1024);
  EXPECT_TRUE(o->list("list").empty());
  EXPECT_EQ(o->table("table"), (Table{{"A", "1"}, {"B", "2"}, {"C", "true"}, {"D", "0.5"}}));
  EXPECT_TRUE(o->entries().at("share").given);
  EXPECT_EQ(o->entries().at("share").origin.line, 4);
}

struct Refused {
  const char* toml;
  const char* code;
};

TEST(OptionTable, RefusesWhatDoesNotFit) {
  const Refused cases[] = {
      {"flag = 1", "config.wrong_type"},
      {"flag = \"true\"", "config.wrong_type"},
      {"count = 1.0", "config.wrong_type"},
      {"count = 11", "config.out_of_range"},
      {"count = -11", "config.out_of_range"},
      {"share = -0.1", "config.out_of_range"},
      {"share = inf", "config.out_of_range"},
      {"share = nan", "config.out_of_range"},
      {"share = \"1\"", "config.wrong_type"},
      {"word = \"three\"", "config.bad_value"},
      {"word = \"on\"", "config.bad_value"},
      {"word = 1", "config.wrong_type"},
      {"wait = 30", "config.wrong_type"},
      {"wait = \"30\"", "config.bad_value"},
      {"wait = \"0\"", "config.out_of_range"},
      {"wait = \"61s\"", "config.out_of_range"},
      {"room = -1", "config.out_of_range"},
      {"room = \"x\"", "config.bad_value"},
      {"room = 1.5", "config.wrong_type"},
      {"list = \"a\"", "config.wrong_type"},
      {"list = [1]", "config.wrong_type"},
      {"table = [\"a\"]", "config.wrong_type"},
      {"table = { a = [1] }", "config.wrong_type"},
      {"table = { a = 1979-05-27 }", "config.wrong_type"},
      {"file = \"a\\u0000b\"", "config.bad_value"},
      {"list = [\"\\u0000\"]", "config.bad_value"},
      {"table = { a = \"\\u0000\" }", "config.bad_value"},
      {"flog = true", "config.unknown_key"},
      {"elsewhere = \"x\"", "config.unknown_key"},
  };
  for (const auto& c : cases) {
    const auto o = parse(c.toml);
    ASSERT_FALSE(o) << c.toml;
    EXPECT_EQ(o.error().code, c.code) << c.toml << ": " << o.error().text();
    EXPECT_EQ(o.error().where, "options:1") << c.toml;
  }
}

TEST(OptionTable, WantsWhatIsRequired) {
  const auto o = options_from_toml(kEveryType, Scope::queue, "");
  ASSERT_FALSE(o);
  EXPECT_EQ(o.error().code, "config.missing_key");
  EXPECT_TRUE(options_from_toml(kEveryType, Scope::queue, "elsewhere = ''"));
}

TEST(OptionTable, PathsStartWhereTheirFileStands) {
  const auto root = parse_toml("file = 'a/../b'\nfiles = ['x', '/y']\n", "/etc/apf/f.toml", "/etc/apf");
  ASSERT_TRUE(root);
  Errors errors;
  const Options o = read_options(kEveryType, Scope::source, *root, root->origin, errors);
  ASSERT_TRUE(errors.empty());
  EXPECT_EQ(o.text("file"), "/etc/apf/b");
  EXPECT_EQ(o.list("files"), (std::vector<std::string>{"/etc/apf/x", "/y"}));
}

// ---- every table of this build ----

struct Declared {
  std::string owner;
  std::string kind;
  std::span<const OptionSpec> options;
};

template <class Interface>
void add(const std::string& kind, const std::vector<Plugin<Interface>>& plugins, std::vector<Declared>& all) {
  for (const auto& p : plugins) {
    EXPECT_FALSE(p.summary.empty()) << p.name;
    all.push_back({kind + " " + std::string(p.name), kind, p.options});
  }
}

std::vector<Declared> all_tables() {
  Registry r;
  register_all(r);
  std::vector<Declared> all;
  for (const auto& s : schemas()) all.push_back({"house " + std::string(s.kind), "", s.options});
  add("wms", r.wms, all);
  add("batch", r.batch, all);
  add("sched", r.sched, all);
  add("monitor", r.monitor, all);
  add("config", r.config, all);
  return all;
}

TEST(EveryTable, HasDefaultsThatAreValues) {
  for (const auto& t : all_tables())
    for (const auto& o : t.options)
      if (!o.fallback.empty()) {
        const auto value = read_default(o);
        EXPECT_TRUE(value) << t.owner << " " << o.name << ": " << (value ? "" : value.error().text());
        EXPECT_FALSE(o.required) << t.owner << " " << o.name << " is required and has a default";
      }
}

TEST(EveryTable, SaysWhatItsOptionsAre) {
  for (const auto& t : all_tables()) {
    std::set<std::pair<Scope, std::string_view>> names;
    for (const auto& o : t.options) {
      EXPECT_FALSE(o.doc.empty()) << t.owner << " " << o.name;
      EXPECT_FALSE(!o.doc.empty() && o.doc.back() == '.') << t.owner << " " << o.name << ": no full stop";
      EXPECT_TRUE(names.emplace(o.scope, o.name).second) << t.owner << " declares " << o.name << " twice";
    }
  }
}

TEST(EveryTable, LeavesTheHousesNamesAlone) {
  for (const auto& t : all_tables()) {
    for (const auto& o : t.options) {
      EXPECT_FALSE(t.kind == "sched" && o.name == "use") << t.owner;
      if (t.kind.empty() || o.scope != Scope::source) continue;
      for (const auto& h : house_options(t.kind)) EXPECT_NE(o.name, h.name) << t.owner << ": the house has this option";
    }
  }
}

}  // namespace
}  // namespace apf::config
