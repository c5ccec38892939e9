// apf-jobqueue run: the server until SIGTERM or SIGINT.
#include <ostream>

#include "apf/options.h"
#include "jobqueue/commands.h"
#include "jobqueue/server.h"
#include "serve/address.h"
#include "serve/until_end.h"

namespace apf::jobqueue {
namespace {

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
  auto listen = serve::read_address(args.listen, "--listen");
  if (!listen) return fail(std::move(listen.error()));
  s.address = listen->address;
  s.port = listen->port;
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
  serve::block_end_signals();
  auto server = Server::start(*settings);
  if (!server) return complain(server.error(), err);
  settings->log("listening on " + (*server)->url() + ", data in " + args.data);
  serve::wait_for_end_signal();
  (*server)->stop();
  settings->log("stopped");
  return kGood;
}

}  // namespace apf::jobqueue
