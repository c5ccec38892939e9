#include "engine/call_context.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "engine/log.h"
#include "net/http_client.h"
#include "process/supervisor.h"

namespace apf::engine {
namespace {

constexpr std::size_t kLongestCredential = std::size_t{1} << 20U;

struct Fd {
  int fd;
  explicit Fd(int f) : fd(f) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd >= 0) close(fd);
  }
};

Status check_credential(int fd, const std::string& file) {
  struct stat st{};
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return fail(Kind::config, "engine.credential_missing", "this is not a plain file", file);
  if ((st.st_mode & 077U) != 0)
    return fail(Kind::config, "engine.credential_open_to_others", "other users may read or write this secret", file,
                "chmod 600 " + file);
  return {};
}

class CallContext final : public Context {
 public:
  CallContext(std::string topic, Mono deadline, std::shared_ptr<Stop> stop, int inherit)
      : topic_(std::move(topic)), deadline_(deadline), stop_(std::move(stop)), inherit_(inherit) {}

  [[nodiscard]] Mono deadline() const override { return deadline_; }
  [[nodiscard]] bool stopping() const override { return stop_->is_set(); }
  void log(Level level, std::string_view message) override { engine::log(level, topic_, message); }

  Result<Finished> run(const Command& command) override {
    const process::Limits limits{.deadline = deadline_, .stop = stop_->flag()};
    if (inherit_ < 0) return process::run(command, limits);
    Command with = command;
    with.inherit.push_back(inherit_);
    return process::run(with, limits);
  }
  Result<HttpReply> http(const HttpRequest& request) override { return net::fetch(request, deadline_, stop_->flag()); }
  Result<std::string> credential(std::string_view file) override { return read_credential(std::string(file)); }

  void sleep(Duration d) override {
    const Duration most = std::min(d, deadline_ - mono_now());
    if (most > Duration::zero()) stop_->wait_for(most);
  }

 private:
  std::string topic_;
  Mono deadline_;
  std::shared_ptr<Stop> stop_;
  int inherit_;
};

}  // namespace

std::unique_ptr<Context> make_context(std::string topic, Mono deadline, std::shared_ptr<Stop> stop, int inherit) {
  return std::make_unique<CallContext>(std::move(topic), deadline, std::move(stop), inherit);
}

Result<std::string> read_credential(const std::string& file) {
  const Fd in(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (in.fd < 0)
    return fail(Kind::config, "engine.credential_missing",
                "cannot read the secret: " + std::error_code(errno, std::generic_category()).message(), file);
  if (auto safe = check_credential(in.fd, file); !safe) return fail(safe.error());
  std::string text;
  std::array<char, 4096> chunk{};
  ssize_t n = 0;
  while ((n = read(in.fd, chunk.data(), chunk.size())) > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(n));
    if (text.size() > kLongestCredential)
      return fail(Kind::config, "engine.credential_too_long", "the secret is longer than 1 MiB", file);
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace apf::engine
