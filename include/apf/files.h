// A file that is replaced as a whole: who reads it sees the old text or the new one, also after a crash or on a full
// disk.
//
// Thread-safety: one writer a file at a time; readers at any time.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "apf/result.h"

namespace apf {

// Writes PATH.new, syncs it and renames it. `mode` is that of the new file, whatever the umask. Errors (transient):
// "file.not_written", and the old file stays as it was.
Status replace_file(const std::string& path, std::string_view text, mode_t mode = 0600);

}  // namespace apf
