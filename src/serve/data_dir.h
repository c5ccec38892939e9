// The data directory of a server of ours (apf-jobqueue, apf-monitor):
//
// DIR/lock      held while the server runs: one server a directory
// DIR/address   "127.0.0.1:25080", written when the server listens, removed when it stops; "https://..." with TLS
//
// Thread-safety: plain value; the lock belongs to the process.
#pragma once

#include <string>

#include "apf/result.h"

namespace apf::serve {

class DataDir {
 public:
  // Makes the directory (mode 0700, its parent must be there) and takes the lock. Errors (config): "serve.in_use"
  // (another one of `program` has it), "serve.bad_directory".
  static Result<DataDir> open(const std::string& path, const std::string& program);
  DataDir() = default;  // no directory
  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&& other) noexcept;
  ~DataDir();

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Atomically, so that who waits for the file never reads half an address. Errors: those of apf/files.h.
  [[nodiscard]] Status publish(const std::string& address) const;
  void withdraw() const;

 private:
  std::string path_;
  int lock_ = -1;
};

}  // namespace apf::serve
