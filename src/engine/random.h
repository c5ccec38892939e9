// Random text from the kernel, and the keys with which pilots sign their reports.
//
// Thread-safety: pure functions, from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace apf::engine {

std::string random_hex(std::size_t bytes);
std::string random_name(std::size_t letters);  // [a-z0-9], the first one a letter
// HMAC-SHA256(secret, submission), in hex: what the pilots of a submission show when they report.
std::string report_key(std::string_view secret, std::string_view submission);
// SHA-256 of such a key, in hex: by it others know the key without having it.
std::string key_digest(std::string_view key);
// Equal, in a time that does not depend on where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace apf::engine
