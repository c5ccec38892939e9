// How the command line talks to a running job queue.
//
// Thread-safety: const use from several threads is safe.
#pragma once

#include <string>

#include "apf/result.h"

namespace apf::jobqueue {

class Client {
 public:
  // `url` "" : DIR/socket or DIR/address of the data directory; `ca`: PEM file for an https one. The token of `scope`
  // ("submit", "read") is read from `token_file`, or from DIR/tokens when that is empty. Errors (config):
  // "jobqueue.no_server", "jobqueue.bad_token_file".
  static Result<Client> open(const std::string& url, const std::string& data, const std::string& token_file,
                             const std::string& ca, const std::string& scope);
  // The `data` of the answer as JSON text; errors as protocol/panda.h says, and those of net::fetch.
  [[nodiscard]] Result<std::string> get(const std::string& path_and_query) const;
  [[nodiscard]] Result<std::string> post(const std::string& path, const std::string& body) const;
  // A submission is safe to repeat (its request id), so an answer that was lost is asked for again.
  [[nodiscard]] Result<std::string> post_again(const std::string& path, const std::string& body, int tries) const;

 private:
  [[nodiscard]] Result<std::string> call(const char* method, const std::string& path, const std::string& body) const;
  std::string url_, token_, ca_, socket_;
};

}  // namespace apf::jobqueue
