// The pilot's scratch directory, and the directories of its jobs below.
//
// Thread-safety: a Scratch belongs to one thread.
#pragma once

#include <string>

#include "apf/result.h"

namespace apf::wrapper {

// Removes a directory with all below, also what a payload made unreadable; never follows links out of it. False:
// something is left.
bool remove_tree(const std::string& directory);

class Scratch {
 public:
  // Makes apf-XXXXXX in `base` (empty: $OSG_WN_TMP, $TMPDIR or the working directory).
  // Error: Kind::transient "wrapper.no_scratch": this node can't run payloads.
  static Result<Scratch> make(const std::string& base);
  static std::string base_of(const std::string& base);  // the directory that `base` means
  Scratch(Scratch&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  Scratch& operator=(Scratch&&) = delete;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::int64_t free_mb() const;
  Result<std::string> job_directory(const std::string& name) const;

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;  // absolute
};

}  // namespace apf::wrapper
