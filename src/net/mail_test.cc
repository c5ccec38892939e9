#include "net/mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "net/listen.h"
#include "net/test_socket.h"

namespace apf::net {
namespace {

using testing::HasSubstr;
using testing::Not;

const Mail kMail{"apf-monitor@example.org",
                 {"shift@example.org", "experts@example.org"},
                 "raised: queue BNL fails",
                 "Half of the pilots fail.\n.\nA line of its own dot above.\n"};

using Answers = std::vector<std::pair<std::string, std::string>>;

// Plays a mail server for one connection: what the client says and sends is kept.
class FakeServer {
 public:
  // `answers`: what is said to a command that begins with that word instead of "250 ok".
  explicit FakeServer(Answers answers = {})
      : listening_(listen_tcp("127.0.0.1", 0)), answers_(std::move(answers)), thread_([this] { serve(); }) {}
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer() { heard(); }
  [[nodiscard]] MailServer server() const { return {.url = "smtp://127.0.0.1:" + std::to_string(listening_->port)}; }
  const std::string& heard() {  // after the client has gone
    if (thread_.joinable()) thread_.join();
    return heard_;
  }

 private:
  void serve() {
    const int fd = ::accept(listening_->fd.get(), nullptr, nullptr);
    if (fd < 0) return;
    std::string got;
    bool data = false;
    say(fd, "220 fake");
    std::array<char, 4096> piece{};
    for (;;) {
      const std::string_view end = data ? "\r\n.\r\n" : "\r\n";
      if (const auto at = got.find(end); at != std::string::npos) {
        const std::string line = got.substr(0, at + end.size());
        got.erase(0, at + end.size());
        heard_ += line;
        if (!answer(fd, line, data)) break;
        continue;
      }
      const auto n = ::recv(fd, piece.data(), piece.size(), 0);
      if (n <= 0) break;
      got.append(piece.data(), static_cast<std::size_t>(n));
    }
    ::close(fd);
  }
  bool answer(int fd, const std::string& line, bool& data) {
    for (const auto& [word, text] : answers_) {
      if (!line.starts_with(word)) continue;
      if (text.empty()) return false;  // hangs up
      say(fd, text);
      return true;
    }
    if (data) {
      data = false;
      say(fd, "250 taken");
    } else if (line.starts_with("DATA")) {
      data = true;
      say(fd, "354 go on");
    } else if (line.starts_with("QUIT")) {
      say(fd, "221 bye");
      return false;
    } else {
      say(fd, "250 ok");
    }
    return true;
  }
  static void say(int fd, const std::string& text) {
    const std::string line = text + "\r\n";
    (void)::send(fd, line.data(), line.size(), MSG_NOSIGNAL);
  }

  Result<Listening> listening_;
  Answers answers_;
  std::string heard_;
  std::thread thread_;
};

Status send(const MailServer& server, const Mail& mail = kMail) {
  return send_mail(server, mail, mono_now() + seconds{60});
}

TEST(Mail, ReachesAllRecipients) {
  FakeServer fake;
  const auto sent = send(fake.server());
  ASSERT_TRUE(sent) << sent.error().text();
  const std::string& heard = fake.heard();
  EXPECT_THAT(heard, HasSubstr("MAIL FROM:<apf-monitor@example.org>"));
  EXPECT_THAT(heard, HasSubstr("RCPT TO:<shift@example.org>"));
  EXPECT_THAT(heard, HasSubstr("RCPT TO:<experts@example.org>"));
  EXPECT_THAT(heard, HasSubstr("\r\nSubject: raised: queue BNL fails\r\n"));
  EXPECT_THAT(heard, HasSubstr("\r\n..\r\nA line of its own"));  // the dot is stuffed, it does not end the message
}

TEST(Mail, OneWrongAddressDoesNotKeepItFromTheOthers) {
  FakeServer fake(Answers{{"RCPT TO:<shift", "550 no such user"}});
  const auto sent = send(fake.server());
  EXPECT_TRUE(sent) << sent.error().text();
  EXPECT_THAT(fake.heard(), HasSubstr("Half of the pilots"));
}

struct Trouble {
  Answers answers;
  const char* code;
  const char* says;
};
class MailTrouble : public testing::TestWithParam<Trouble> {};
INSTANTIATE_TEST_SUITE_P(Cases, MailTrouble,
                         testing::Values(Trouble{{{"RCPT", "550 no such user"}}, "mail.refused", "550"},
                                         Trouble{{{"MAIL", "554 go away"}}, "mail.refused", "554"},
                                         Trouble{{{"MAIL", "451 later"}}, "mail.failed", "451"},
                                         Trouble{{{"EHLO", ""}}, "mail.failed", ""},
                                         Trouble{{{"Date", ""}}, "mail.failed", ""}));
TEST_P(MailTrouble, IsToldInWords) {
  FakeServer fake(GetParam().answers);
  const auto sent = send(fake.server());
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, GetParam().code) << sent.error().text();
  EXPECT_THAT(sent.error().text(), HasSubstr(GetParam().says));
}

TEST(Mail, NobodyThere) {
  std::string url;
  {
    const auto closed = listen_tcp("127.0.0.1", 0);
    url = "smtp://127.0.0.1:" + std::to_string(closed->port);
  }
  EXPECT_EQ(send({.url = url}).error().code, "mail.failed");
}

TEST(Mail, StopsWhenTheProgramDoes) {
  const auto deaf = listen_tcp("127.0.0.1", 0);  // connects, says nothing
  std::atomic<bool> stop = true;
  const auto sent =
      send_mail({.url = "smtp://127.0.0.1:" + std::to_string(deaf->port)}, kMail, mono_now() + seconds{3600}, &stop);
  EXPECT_THAT(sent.error().what, HasSubstr("stops"));
}

TEST(Mail, RefusesToGoOnWithoutTls) {
  FakeServer fake;
  MailServer server = fake.server();
  server.start_tls = true;
  EXPECT_FALSE(send(server));
  EXPECT_THAT(fake.heard(), Not(HasSubstr("MAIL FROM")));
}

TEST(Mail, SaysWhatIsWrongWithItsConfiguration) {
  EXPECT_EQ(send({.url = "http://x"}).error().code, "mail.bad_server");
  MailServer clear{.url = "smtp://mail.example.org:25"};
  clear.user = "joe";
  EXPECT_THAT(send(clear).error().what, HasSubstr("plain text"));
  Mail nobody = kMail;
  nobody.to.clear();
  EXPECT_EQ(send({.url = "smtp://127.0.0.1:1"}, nobody).error().code, "mail.bad_address");
  Mail broken = kMail;
  broken.to = {"a@b>\r\nDATA"};
  EXPECT_EQ(send({.url = "smtp://127.0.0.1:1"}, broken).error().code, "mail.bad_address");
}

TEST(MailAddress, IsNameAtHost) {
  for (const char* good : {"a@b", "shift.crew+apf@example.org"}) EXPECT_TRUE(is_mail_address(good)) << good;
  for (const char* bad : {"", "a", "@b", "a@", "a@b@c", "a b@c", "<a@b>", "a@b,c@d", "a@b\n"})
    EXPECT_FALSE(is_mail_address(bad)) << bad;
}

TEST(MailText, IsPlainWithShortLines) {
  Mail m = kMail;
  m.subject = "a\r\nBcc: x@y";
  m.body =
      "Gr\xc3\xbc\xc3\x9f"
      "e=1 \n" +
      std::string(200, 'x');
  const std::string text = mail_text(m, Wall{784111777000}, "id.1");
  EXPECT_THAT(text, HasSubstr("Date: Sun, 06 Nov 1994 08:49:37 +0000\r\n"));
  EXPECT_THAT(text, HasSubstr("To: <shift@example.org>,\r\n <experts@example.org>\r\n"));
  EXPECT_THAT(text, HasSubstr("Subject: a  Bcc: x@y\r\n"));
  EXPECT_THAT(text, HasSubstr("Message-ID: <id.1@example.org>\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\n\r\nGr=C3=BC=C3=9Fe=3D1=20\r\n" + std::string(75, 'x') + "=\r\n"));
}

TEST(MailText, EncodesSubjectsBetweenCharacters) {
  Mail m = kMail;
  for (int i = 0; i < 20; ++i) m.subject += "\xe2\x82\xac ";  // the euro sign
  const std::string text = mail_text(m, Wall{1}, "id.1");
  const auto from = text.find("Subject: ") + 9;
  const std::string subject = text.substr(from, text.find("\r\nMessage-ID") - from);
  EXPECT_THAT(subject, testing::StartsWith("=?UTF-8?Q?raised=3A_queue_BNL_fails=E2=82=AC_"));
  for (std::size_t at = 0; at < subject.size();) {
    const auto end = std::min(subject.find("\r\n ", at), subject.size());
    const std::string word = subject.substr(at, end - at);
    EXPECT_LE(word.size(), 75U);
    EXPECT_TRUE(word.starts_with("=?UTF-8?Q?") && word.ends_with("?="));
    EXPECT_EQ((std::count(word.begin(), word.end(), '=') - 2 - (at == 0 ? 1 : 0)) % 3, 0) << word;  // whole characters
    at = end + 3;
  }
}

}  // namespace
}  // namespace apf::net
