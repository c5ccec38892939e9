// A payload's output in the pilot's log.
//
// Thread-safety: used by one thread.
#pragma once

#include <cstdint>
#include <string>

namespace apf::wrapper {

constexpr std::int64_t kOutputCap = std::int64_t{10} << 20U;    // bytes of payloads' output in one pilot's log
constexpr std::int64_t kOutputLeast = std::int64_t{16} << 10U;  // of each stream, also when the cap is reached

// Copies the end of `file`, at most `cap` bytes, between lines that name it; returns how many bytes it copied.
std::int64_t copy_output(const std::string& file, const std::string& title, std::int64_t cap);

// The same while the file grows, for a pilot whose log must be there even if the batch system kills everything at once:
// its first half of kOutputCap as it comes, and the end of what is beyond at its end.
class Follower {
 public:
  Follower(std::string file, std::string title) : file_(std::move(file)), title_(std::move(title)) {}
  void look();
  void finish();

 private:
  std::string file_, title_;
  std::int64_t done_ = 0;
};

}  // namespace apf::wrapper
