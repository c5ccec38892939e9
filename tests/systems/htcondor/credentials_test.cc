// Credentials of batch/htcondor on a real pool: what a pilot finds when it starts long after its submission.
#include "pool_fixture.h"

namespace apf {
namespace {

std::string base64url(const std::string& text) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned bits = 0, held = 0;
  for (const char c : text) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += kDigits[bits >> (held - 6) & 63U];
  }
  if (held > 0) out += kDigits[bits << (6 - held) & 63U];
  return out;
}
std::string token(std::int64_t life_s) {
  return "e30." + base64url("{\"exp\":" + std::to_string(wall_now().ms / 1000 + life_s) + "}") + ".c2ln";
}

class HtcondorCredential : public HtcondorPool {
 protected:
  void SetUp() override {
    HtcondorPool::SetUp();
    if (HasFatalFailure()) return;
    file_ = directory_ / "credential";
    queue_.submit.set("credential", file_.string());
    queue_.submit.set("extra", std::vector<std::string>{"hold = true"});
  }
  void write(const std::string& text) {
    std::ofstream(file_) << text;
    fs::permissions(file_, fs::perms::owner_read | fs::perms::owner_write);
  }
  // A certificate with its key, as robots have them.
  std::string certificate(int days) {
    const std::string name = directory_ / "made";
    const std::string make = "openssl req -x509 -newkey rsa:2048 -nodes -subj '/O=Test/CN=Robot' -days " +
                             std::to_string(days) + " -keyout '" + name + ".key' -out '" + name + ".pem' 2>/dev/null";
    EXPECT_EQ(std::system(make.c_str()), 0);
    return slurp(name + ".pem") + slurp(name + ".key");
  }
  // Submits a pilot that waits, renews the credential, lets it start; returns what it printed.
  std::string printed_after_renewal(const std::string& first, const std::string& second,
                                    const std::string& script_text) {
    write(first);
    queue_.executable = script(script_text);
    const auto ids = submit("s-renew", 1);
    EXPECT_TRUE(ids) << ids.error().text();
    if (!ids) return "";
    write(second);
    poll_until([&] { return live_in((*ids)[0], PilotState::held); });  // a poll renews
    EXPECT_EQ(std::system(("condor_release " + (*ids)[0] + " >/dev/null").c_str()), 0);
    poll_until([&] { return ended_.contains((*ids)[0]); });
    return slurp(fs::path(me_.log_dir) / "2026-11-21" / "Q_one two" / ((*ids)[0] + ".out"));
  }
  fs::path file_;
};

TEST_F(HtcondorCredential, APilotThatWaitedGetsTheRenewedToken) {
  const std::string second = token(9000);
  EXPECT_EQ(printed_after_renewal(token(7200), second,
                                  "#!/bin/sh\ncat \"$BEARER_TOKEN_FILE\"; echo; stat -c %a \"$BEARER_TOKEN_FILE\"\n"),
            second + "\n600\n");
}

TEST_F(HtcondorCredential, APilotThatWaitedGetsTheRenewedProxy) {
  const std::string second = certificate(20);
  EXPECT_EQ(printed_after_renewal(certificate(10), second,
                                  "#!/bin/sh\ncat \"$X509_USER_PROXY\"; stat -c %a \"$X509_USER_PROXY\"\n"),
            second + "600\n");
}

TEST_F(HtcondorCredential, OneThatOthersMayReadIsRefused) {
  write(token(7200));
  fs::permissions(file_, fs::perms::others_read, fs::perm_options::add);
  const auto refused = submit("s-open", 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::transient);
  EXPECT_THAT(refused.error().text(), ::testing::HasSubstr("other users may read or write this secret"));
}

}  // namespace
}  // namespace apf
