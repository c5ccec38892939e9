#include "net/curl_drive.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <mutex>

namespace apf::net::curl {
namespace {

struct MultiClose {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};

// A multi handle that holds one easy handle while it lives.
class Transfer {
 public:
  explicit Transfer(void* easy) : multi_(curl_multi_init()), easy_(easy) {
    if (multi_) curl_multi_add_handle(multi_.get(), easy_);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (multi_) curl_multi_remove_handle(multi_.get(), easy_);
  }
  [[nodiscard]] CURLM* get() const { return multi_.get(); }

 private:
  std::unique_ptr<CURLM, MultiClose> multi_;
  void* easy_;
};

bool perform(CURLM* multi, int& code) {
  int running = 0;
  curl_multi_perform(multi, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    code = message->data.result;
    return true;
  }
  return false;
}

}  // namespace

void init_library() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Outcome drive(void* easy, Mono deadline, const std::atomic<bool>* stop, int& code) {
  const Transfer transfer(easy);
  if (transfer.get() == nullptr) return Outcome::no_memory;
  while (!perform(transfer.get(), code)) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return Outcome::stopped;
    const auto remaining = std::chrono::ceil<milliseconds>(deadline - mono_now()).count();
    if (remaining <= 0) return Outcome::deadline;
    const auto slice = std::min<std::int64_t>(remaining, stop != nullptr ? 250 : 60'000);
    curl_multi_poll(transfer.get(), nullptr, 0, static_cast<int>(slice), nullptr);
  }
  return Outcome::finished;
}

}  // namespace apf::net::curl
