#include "wrapper/code/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "wrapper/code/download.h"

namespace apf::wrapper {
namespace {

using testing::HasSubstr;

class Verify : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(file_); }
  Status check(const std::string& content, const std::string& how, const std::string& signature = {}) {
    std::ofstream(file_, std::ios::binary) << content;
    return verify(file_, *read_check(how), signature);
  }
  std::string file_ = testing::TempDir() + "verify-" + std::to_string(::getpid());
};

std::string bytes(std::string_view hex) {
  std::string s;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    s += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return s;
}

// FIPS 180-2, B.1.
constexpr const char* kAbc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
// RFC 8032, 7.1, test 2: one byte, 0x72.
constexpr const char* kKey = "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
const std::string kSignature = bytes(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb0"
    "0d"
    "291612bb0c00");
constexpr const char* kSignatureText =
    "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2M\nOHsurrQwKu6wDSkWErsMAA==\n";

TEST_F(Verify, Sha256) {
  EXPECT_TRUE(check("abc", kAbc));
  const auto wrong = check("abd", kAbc);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, "wrapper.refused_code");
  EXPECT_THAT(wrong.error().what, HasSubstr("its SHA-256 is a52d159f"));
  EXPECT_THAT(check("ab", kAbc).error().what, HasSubstr("of 2 bytes"));
  EXPECT_THAT(check("", kAbc).error().what, HasSubstr("it is empty"));
}

TEST_F(Verify, Ed25519) {
  EXPECT_TRUE(check("r", kKey, kSignature));
  EXPECT_TRUE(check("r", kKey, kSignatureText));
  EXPECT_THAT(check("s", kKey, kSignature).error().what, HasSubstr("not of the key"));
  EXPECT_THAT(check("r", "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", kSignature).error().what,
              HasSubstr("not of the key"));
  EXPECT_THAT(check("r", kKey, kSignature.substr(1)).error().what, HasSubstr("not 64 bytes"));
  EXPECT_THAT(check("r", kKey, "").error().what, HasSubstr("not 64 bytes"));
}

TEST_F(Verify, WhatANobodyVouchesForIsAtLeastNoErrorPage) {
  EXPECT_TRUE(check("#!/bin/sh\n", "none"));
  EXPECT_THAT(check("\n <!DOCTYPE HTML>x", "none").error().what, HasSubstr("HTML"));
  EXPECT_THAT(check("<html><body>no</body></html>", kAbc).error().what, HasSubstr("(it is an HTML page)"));
  EXPECT_FALSE(check("", "none"));
  EXPECT_FALSE(verify("/no/such/file", Check{}, ""));
  EXPECT_FALSE(verify("/dev/null", Check{}, ""));
}

TEST(DownloadConfig, KeepsTextInItsLine) {
  const auto config = download_config({.url = "http://h/\"\nuser = \"x", .file = "a\nb"});
  EXPECT_EQ(std::count(config.begin(), config.end(), '\n'), [] {
    const auto plain = download_config({.url = "u", .file = "f"});
    return std::count(plain.begin(), plain.end(), '\n');
  }());
  EXPECT_THAT(download_config({.url = "/a b/%", .file = "f"}), HasSubstr("url = \"file:///a%20b/%25\""));
}

}  // namespace
}  // namespace apf::wrapper
