// Sends an e-mail by SMTP (RFC 5321; libcurl), with a deadline. The message is RFC 5322 with one part of plain text in
// UTF-8, quoted-printable.
//
// Thread-safety: may be called from any number of threads at a time.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::net {

struct MailServer {
  std::string url{};               // "smtp://mail.example.org:25"; smtps:// begins with TLS
  bool start_tls = false;          // refuse to go on without TLS (smtp:// only)
  std::string ca_file{};           // empty: the system's
  std::string user{}, password{};  // empty: none; never sent without TLS, but to loopback
};

struct Mail {
  std::string from;
  std::vector<std::string> to;
  std::string subject, body;  // UTF-8; control characters in the subject become blanks
};

// "name@host", printable ASCII: nothing that could break a header or an SMTP command.
bool is_mail_address(std::string_view text);

// The message as it is sent; `id` is the left part of its Message-ID.
std::string mail_text(const Mail& mail, Wall now, std::string_view id);

// Could it be sent at all? Errors (config): "mail.bad_server", "mail.bad_address".
Status check_mail(const MailServer& server, const Mail& mail);
// Errors: those of check_mail(); "mail.refused" (the server said no, permanent); "mail.failed"
// (transient; where its answer was lost, the message may have been taken, and trying again sends it twice).
Status send_mail(const MailServer& server, const Mail& mail, Mono deadline, const std::atomic<bool>* stop = nullptr);

}  // namespace apf::net
