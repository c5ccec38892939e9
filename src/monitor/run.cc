// apf-monitor run: the server until SIGTERM or SIGINT.
#include <mutex>
#include <ostream>

#include "apf/time.h"
#include "monitor/commands.h"
#include "monitor/server.h"
#include "serve/until_end.h"

namespace apf::monitor {

int complain(const Error& error, std::ostream& err) {
  err << "apf-monitor: " << error.text() << "\n";
  return error.kind == Kind::config ? kBadInput : kFailed;
}

int run(const RunArgs& args, std::ostream& err) {
  auto settings = load_settings(args.config);
  if (!settings) return complain(settings.error(), err);
  serve::block_end_signals();
  std::mutex one_line;
  ServerOptions options;
  options.data = args.data;
  options.settings = std::move(*settings);
  options.listen = args.listen;
  options.log = [&](const std::string& line) {
    const std::lock_guard guard(one_line);
    err << iso8601(wall_now()) << " apf-monitor: " << line << "\n";
    err.flush();
  };
  const auto log = options.log;
  auto server = Server::start(std::move(options));
  if (!server) return complain(server.error(), err);
  log("listening on " + (*server)->url() + ", data in " + args.data);
  serve::wait_for_end_signal();
  (*server)->stop();
  log("stopped");
  return kGood;
}

}  // namespace apf::monitor
