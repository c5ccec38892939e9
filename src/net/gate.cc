#include "net/gate.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace apf::net {

void Gate::post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (io_ != nullptr) put(std::move(work));
}

void Gate::close(std::function<void()> last) {
  const std::lock_guard lock(mutex_);
  if (io_ != nullptr) put(std::move(last));
  io_ = nullptr;
}

void Gate::put(std::function<void()> work) {
  work_.push_back(std::move(work));
  if (work_.size() == 1) boost::asio::post(*io_, [self = shared_from_this()] { self->run(); });
}

void Gate::run() {
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(work_);
  }
  for (const auto& each : work) each();
}

}  // namespace apf::net
