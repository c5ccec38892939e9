// Drives one transfer of libcurl to its end, with a deadline and a stop flag. Only for the files of src/net that speak
// libcurl: `easy` is a CURL*, codes are CURLcode.
//
// Thread-safety: may be called from any number of threads, each with a handle of its own.
#pragma once

#include <atomic>
#include <cstdint>

#include "apf/time.h"

namespace apf::net::curl {

enum class Outcome : std::uint8_t { finished, deadline, stopped, no_memory };

// libcurl wants this once a process, before anything else.
void init_library();
// `code` is set when the transfer finished. A stop flag is looked at four times a second.
Outcome drive(void* easy, Mono deadline, const std::atomic<bool>* stop, int& code);

}  // namespace apf::net::curl
