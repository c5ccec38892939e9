// The way in to the HTTP server's thread.
//
// Thread-safety: any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace apf::net {

// Work from any thread for the server's, done in the order in which it was posted: asio::post() alone lets what other
// threads post overtake what a handler posted before. Outlives the server: replies and streams hold it.
class Gate : public std::enable_shared_from_this<Gate> {
 public:
  explicit Gate(boost::asio::io_context& io) : io_(&io) {}
  void post(std::function<void()> work);  // does nothing once it is closed
  void close(std::function<void()> last);

 private:
  void put(std::function<void()> work);  // holds mutex_
  void run();
  std::mutex mutex_;
  boost::asio::io_context* io_;  // null: closed
  std::vector<std::function<void()>> work_;
};

}  // namespace apf::net
