// What a plug-in may do to the outside world, and how it is bounded. Plug-ins are plain blocking code that runs
// on a worker of its source's lane; every wait goes through the Context, which enforces the deadline.
//
// Thread-safety: a Context belongs to one call of one plug-in; it is not shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"
#include "apf/time.h"

namespace apf {

// A command of the host. Output beyond `output_cap` is read and dropped; `truncated` says so.
struct Command {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment{};  // added to (and replacing in) the factory's own
  std::string input{};                               // given on standard input
  std::size_t output_cap = std::size_t{256} << 20U;
  std::string directory{};     // working directory; empty: the factory's
  std::vector<int> inherit{};  // further descriptors the child keeps
};

struct Finished {
  int exit_code = -1;  // -1 when ended by a signal
  int signal = 0;
  bool timed_out = false;  // the deadline passed and the whole process group was killed
  bool truncated = false;
  std::string out, err;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string ca_file, client_cert, client_key, proxy;  // empty: the library's defaults
  std::size_t body_cap = std::size_t{256} << 20U;       // a longer reply is an error
  Duration timeout{};                                   // gives up before the deadline; 0: at the deadline
};

struct HttpReply {
  int status = 0;
  std::string body;
  std::map<std::string, std::string> headers;  // names in lower case; the last of a name wins
};

enum class Level : std::uint8_t { debug, info, warning, error };

class Context {
 public:
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  virtual ~Context() = default;

  [[nodiscard]] virtual Mono deadline() const = 0;
  [[nodiscard]] virtual bool stopping() const = 0;  // the factory shuts down: return as soon as you can
  virtual void log(Level level, std::string_view message) = 0;

  // Runs a command until it ends or the deadline comes (then its process group is killed and `timed_out` is set).
  // An error means that it was not started: Kind::transient (no resources) or Kind::config (no such program).
  virtual Result<Finished> run(const Command& command) = 0;

  // One HTTP exchange. Errors: Kind::transient when surely nothing was sent (resolve, connect, TLS),
  // Kind::uncertain when the request left and no full reply came. An HTTP status is never an error here.
  virtual Result<HttpReply> http(const HttpRequest& request) = 0;

  // A secret the configuration names (a token's file, say), read afresh.
  virtual Result<std::string> credential(std::string_view file) = 0;

  // Sleeps at most `d`; returns early when stopping.
  virtual void sleep(Duration d) = 0;
};

}  // namespace apf
