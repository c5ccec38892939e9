#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "serve/address.h"
#include "serve/data_dir.h"
#include "serve/html.h"
#include "serve/secret.h"
#include "serve/token_file.h"
#include "support/directory.h"

namespace apf::serve {
namespace {

using testing::HasSubstr;

TEST(Html, EscapesTextAndAttributes) {
  EXPECT_EQ(html_escape("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
}

TEST(Secret, ComparesAndIsRandom) {
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "abcd"));
  EXPECT_FALSE(same_secret("", ""));
  EXPECT_NE(*random_secret(), *random_secret());
}

TEST(TokenFile, IsMadeOnceAndForItsOwnerOnly) {
  const apf::tests::Directory dir;
  const std::string file = dir.file("a.token");
  const auto first = read_or_make_token(file);
  ASSERT_TRUE(first) << first.error().text();
  struct stat st{};
  ASSERT_EQ(stat(file.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777U, 0600U);
  EXPECT_EQ(*read_or_make_token(file), *first);
  ASSERT_EQ(chmod(file.c_str(), 0640), 0);
  EXPECT_THAT(read_token(file).error().text(), HasSubstr("others may read it (chmod 600)"));
  EXPECT_EQ(read_token(dir.file("none")).error().code, "serve.bad_token_file");
}

TEST(Address, IsReadAndShown) {
  struct Case {
    const char *text, *address;
    int port;  // -1: refused
  };
  for (const Case& c : {Case{"127.0.0.1:0", "127.0.0.1", 0},
                        {"[::1]:8080", "::1", 8080},
                        {"host.x:65535", "host.x", 65535},
                        {"127.0.0.1", "", -1},
                        {":80", "", -1},
                        {"::1:80", "", -1},
                        {"a:65536", "", -1},
                        {"a:", "", -1},
                        {"a:8x", "", -1},
                        {"[]:1", "", -1},
                        {"", "", -1}}) {
    const auto got = read_address(c.text, "--listen");
    ASSERT_EQ(got.has_value(), c.port >= 0) << c.text;
    if (!got) {
      EXPECT_EQ(got.error().where, "--listen");
      continue;
    }
    EXPECT_EQ(got->address, c.address);
    EXPECT_EQ(got->port, c.port);
  }
  EXPECT_EQ(url_base("::1", 80), "[::1]:80");
  EXPECT_EQ(url_base("127.0.0.1", 80), "127.0.0.1:80");
  EXPECT_EQ(url_base("0.0.0.0", 80).find("0.0.0.0"), std::string::npos);
}

TEST(DataDirectory, HasOneServerAndItsAddress) {
  const apf::tests::Directory dir;
  const std::string path = dir.file("data");
  {
    const auto first = DataDir::open(path, "apf-test");
    ASSERT_TRUE(first) << first.error().text();
    const auto second = DataDir::open(path, "apf-test");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "serve.in_use");
    EXPECT_THAT(second.error().what, HasSubstr("another apf-test"));
    ASSERT_TRUE(first->publish("127.0.0.1:5"));
    EXPECT_EQ(dir.word("data/address"), "127.0.0.1:5");
    first->withdraw();
    EXPECT_FALSE(std::filesystem::exists(first->file("address")));
  }
  EXPECT_TRUE(DataDir::open(path, "apf-test")) << "the lock goes with its holder";
  EXPECT_EQ(DataDir::open(dir.file("a/b"), "apf-test").error().code, "serve.bad_directory");
}

}  // namespace
}  // namespace apf::serve
