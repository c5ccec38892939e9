#include "monitor/access/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "config/sha256.h"
#include "monitor/commands.h"
#include "support/directory.h"

namespace apf::monitor {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(Tokens, AreShownOnceAndKeptAsDigests) {
  const tests::Directory dir;
  const std::string file = dir.file("tokens");
  EXPECT_TRUE(read_tokens(file)->empty());
  const auto token = create_token(file, TokenKind::factory, "lab-1", Wall{1'790'000'000'000});
  ASSERT_TRUE(token) << token.error().text();
  EXPECT_EQ(token->size(), 64U);
  EXPECT_THAT(text_of(file), Not(HasSubstr(*token)));
  struct stat st{};
  ASSERT_EQ(::stat(file.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  const auto entries = read_tokens(file);
  ASSERT_TRUE(entries) << entries.error().text();
  ASSERT_EQ(entries->size(), 1U);
  EXPECT_EQ(entries->front(),
            (TokenEntry{TokenKind::factory, "lab-1", Wall{1'790'000'000'000}, config::sha256_hex(*token)}));
}

TEST(Tokens, CanBeExchangedAndRevoked) {
  const tests::Directory dir;
  const std::string file = dir.file("tokens");
  const std::string first = *create_token(file, TokenKind::factory, "lab", Wall{1});
  const std::string second = *create_token(file, TokenKind::factory, "lab", Wall{2});
  const std::string admin = *create_token(file, TokenKind::admin, "lab", Wall{3});
  TokenFile tokens(file);
  EXPECT_EQ(tokens.find(first)->name, "lab");
  EXPECT_EQ(tokens.find(second)->kind, TokenKind::factory);
  EXPECT_EQ(tokens.find(admin)->kind, TokenKind::admin);
  EXPECT_EQ(tokens.find(""), nullptr);
  EXPECT_EQ(tokens.find(config::sha256_hex(first)), nullptr) << "the file must not hold what opens";
  EXPECT_EQ(*revoke_tokens(file, TokenKind::factory, "lab"), 2);
  EXPECT_EQ(revoke_tokens(file, TokenKind::factory, "lab").error().code, "token.unknown");
  const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes{2};
  while (tokens.find(first) != nullptr && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(milliseconds{20});
  EXPECT_EQ(tokens.find(first), nullptr);
  EXPECT_NE(tokens.find(admin), nullptr);
}

TEST(Tokens, ThatPeopleMakeListAndRevoke) {
  const tests::Directory dir;
  const TokenArgs factory{dir.file("data"), "lab"}, admin{dir.file("data"), "joe", true};
  std::ostringstream out, err;
  EXPECT_EQ(create_token(factory, out, err), kGood) << err.str();
  EXPECT_EQ(create_token(admin, out, err), kGood) << err.str();
  TokenFile tokens(dir.file("data/tokens"));
  EXPECT_EQ(tokens.find(out.str().substr(0, 64))->name, "lab");
  std::ostringstream list;
  EXPECT_EQ(list_tokens(factory, list, err), kGood);
  EXPECT_THAT(list.str(), testing::AllOf(HasSubstr("factory  lab "), HasSubstr("admin    joe ")));
  EXPECT_EQ(revoke_token(factory, list, err), kGood);
  EXPECT_THAT(list.str(), HasSubstr("1 factory token of lab revoked"));
  EXPECT_EQ(revoke_token(factory, list, err), kBadInput);
  EXPECT_THAT(err.str(), HasSubstr("there is no factory token of 'lab'"));
}

TEST(Tokens, RefuseBadNamesAndFiles) {
  const tests::Directory dir;
  const std::string file = dir.file("tokens");
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a\n"), std::string(257, 'x')})
    EXPECT_EQ(create_token(file, TokenKind::factory, bad, Wall{1}).error().code, "token.bad_name");
  const auto refused = [&](const std::string& text, ::mode_t mode = 0600) {
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    auto read = read_tokens(file);
    return read ? std::string("read") : read.error().code;
  };
  const std::string digest(64, 'a');
  EXPECT_EQ(refused("factory lab 1 " + digest + "\n"), "read");
  EXPECT_EQ(refused("factory lab 1 " + digest + "\n", 0640), "token.bad_file");
  for (const std::string& line : {std::string("factory lab 1"), "king lab 1 " + digest, "factory lab x " + digest,
                                  "factory lab 1 " + digest + " more", "factory lab 1 " + digest + "a"})
    EXPECT_EQ(refused(line), "token.bad_file") << line;
}

TEST(Tokens, WhatTheFileHeldBeforeIsValidWhileItCantBeRead) {
  const tests::Directory dir;
  const std::string file = dir.file("tokens");
  const std::string token = *create_token(file, TokenKind::factory, "lab", Wall{1});
  TokenFile tokens(file);
  ASSERT_NE(tokens.find(token), nullptr);
  std::ofstream(file) << "nonsense\n";
  const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes{2};
  while (tokens.trouble().empty() && std::chrono::steady_clock::now() < patience) {
    EXPECT_NE(tokens.find(token), nullptr);
    std::this_thread::sleep_for(milliseconds{20});
  }
  EXPECT_THAT(tokens.trouble(), HasSubstr("KIND NAME TIME"));
  EXPECT_NE(tokens.find(token), nullptr);
}

}  // namespace
}  // namespace apf::monitor
