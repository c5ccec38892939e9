#include "monitor/show/links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/options_table.h"

namespace apf::monitor {
namespace {

using testing::HasSubstr;

Result<Links> links(const std::string& toml) {
  return Links::open(*config::options_from_toml(link_options(), Scope::source, toml));
}

TEST(Links, FillInValuesThatStayValues) {
  const auto l =
      links("payload = 'https://p.example.org/job?id={id}&again={id}'\nqueue = 'http://p:8080/q/{queue}#{queue}'");
  ASSERT_TRUE(l) << l.error().text();
  EXPECT_EQ(l->payload("123"), "https://p.example.org/job?id=123&again=123");
  EXPECT_EQ(l->payload("1&x=/../\"<{id}>"),
            "https://p.example.org/job?id=1%26x%3D%2F..%2F%22%3C%7Bid%7D%3E&again="
            "1%26x%3D%2F..%2F%22%3C%7Bid%7D%3E");
  EXPECT_EQ(l->queue("A B"), "http://p:8080/q/A%20B#A%20B");
  EXPECT_EQ(l->payload(""), "");
  EXPECT_EQ(l->site("S"), "") << "not configured";
  EXPECT_EQ(Links().payload("1"), "");
}

TEST(Links, AreCheckedAtTheStart) {
  for (const char* bad : {"https://p.example.org/job", "https://p.example.org/{queue}", "https://p.example.org/{id}{x}",
                          "javascript:alert({id})", "ftp://p.example.org/{id}", "https://{id}.example.org/",
                          "https://p.example.org:{id}/", "{id}", "https://user@p.example.org/{id}",
                          "p.example.org/{id}", "https://p.example.org/ {id}"}) {
    const auto l = links("payload = '" + std::string(bad) + "'");
    ASSERT_FALSE(l) << bad;
    EXPECT_EQ(l.error().code, "links.bad_template");
    EXPECT_THAT(l.error().text(), HasSubstr("links.payload"));
  }
}

}  // namespace
}  // namespace apf::monitor
