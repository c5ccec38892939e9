// Pilots' files, fetched from where their factories serve them, so that a page can show them in place: a browser can't
// ask there itself.
//
//   GET /api/v1/pilots/log?factory=F&id=ID&file=stdout   the end of a file; from=BYTE&most=BYTES: another part
//
// What comes is only ever text within JSON. log_place.h says what may be fetched at all.
//
// Thread-safety: add_to() before the server starts; start and stop by one thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "apf/options.h"
#include "monitor/logs/log_place.h"
#include "monitor/logs/log_pool.h"
#include "monitor/router.h"

namespace apf::monitor {

struct Parts;

std::span<const OptionSpec> log_options();  // of [logs]

class Logs {
 public:
  // Errors (config): "logs.bad_origin".
  static Result<std::unique_ptr<Logs>> open(const Options& options, const Parts& parts);
  void add_to(Router& router);
  void stop() { pool_.stop(); }  // harmless twice

 private:
  Logs(LogRule rule, std::string ca_file, const Parts& parts)
      : rule_(std::move(rule)), ca_file_(std::move(ca_file)), parts_(parts) {}
  void answer(const net::Request& request, const net::ReplyPtr& reply);

  const LogRule rule_;
  const std::string ca_file_;
  const Parts& parts_;
  LogPool pool_;
};

}  // namespace apf::monitor
