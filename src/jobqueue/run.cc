// apf-jobqueue run: the server until SIGTERM or SIGINT.
#include <csignal>
#include <ostream>

#include "apf/options.h"
#include "jobqueue/commands.h"
#include "jobqueue/server.h"

namespace apf::jobqueue {
namespace {

// "127.0.0.1:25080", "[::1]:0"
Status read_listen(const std::string& text, ServerSettings& to) {
  const auto wrong = [&] {
    return fail(Kind::config, "jobqueue.bad_listen", "expected ADDRESS:PORT, got '" + text + "'", "--listen",
                "for example 127.0.0.1:25080; port 0 is any free one");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  to.address = text.substr(0, colon);
  if (to.address.starts_with('[') && to.address.ends_with(']'))
    to.address = to.address.substr(1, to.address.size() - 2);
  const std::string port = text.substr(colon + 1);
  if (to.address.empty() || port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos)
    return wrong();
  const int number = std::stoi(port);
  if (number > 65535) return wrong();
  to.port = static_cast<std::uint16_t>(number);
  return {};
}

Status read_duration(const std::string& text, const char* option, Duration least, Duration& to) {
  auto d = parse_duration(text);
  if (!d) {
    d.error().where = option;
    return fail(std::move(d.error()));
  }
  if (*d < least) return fail(Kind::config, "jobqueue.bad_argument", "at least " + human(least), option);
  to = *d;
  return {};
}

Result<ServerSettings> settings_of(const RunArgs& args, std::ostream& err) {
  ServerSettings s;
  s.data = args.data;
  s.log = [&err](const std::string& line) {
    err << iso8601(wall_now()) << " apf-jobqueue: " << line << "\n";
    err.flush();
  };
  if (auto ok = read_listen(args.listen, s); !ok) return fail(ok.error());
  s.tls.certificate = args.tls_certificate;
  s.tls.key = args.tls_key;
  s.tls.client_ca = args.tls_client_ca;
  StoreOptions& store = s.service.store;
  if (auto ok = read_duration(args.lease, "--lease", seconds{1}, store.lease); !ok) return fail(ok.error());
  if (auto ok = read_duration(args.grace, "--grace", seconds{0}, store.grace); !ok) return fail(ok.error());
  if (auto ok = read_duration(args.keep, "--keep", seconds{60}, store.keep_ended); !ok) return fail(ok.error());
  return s;
}

}  // namespace

int run(const RunArgs& args, std::ostream& err) {
  auto settings = settings_of(args, err);
  if (!settings) return complain(settings.error(), err);
  sigset_t ends;  // blocked in every thread, taken below
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  auto server = Server::start(*settings);
  if (!server) return complain(server.error(), err);
  settings->log("listening on " + (*server)->url() + ", data in " + args.data);
  int signal = 0;
  while (sigwait(&ends, &signal) != 0) {
  }
  (*server)->stop();
  settings->log("stopped");
  return kGood;
}

}  // namespace apf::jobqueue
