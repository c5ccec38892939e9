// The envelope {"success", "message", "data"} around every PanDA reply; shared by the files of the panda codec.
#pragma once

#include <string>
#include <string_view>

#include "protocol/json_value.h"

namespace apf::protocol::panda {

constexpr const char* kBadReply = "panda.bad_reply";
constexpr const char* kBadRequest = "panda.bad_request";
constexpr std::int64_t kMostJobs = 1'000'000'000'000;  // of one cell; larger counts are nonsense
constexpr std::size_t kLongestName = 256;              // of a site, label, resource type, node

// `unsure` is the kind of failures that leave open whether the server has acted: transient for reads, uncertain for
// calls that change something.
Result<json_value::Json> open_envelope(int http_status, std::string_view body, Kind unsure);
// The part of it that does not look into the body of an answer with status 200.
Status check_status(int http_status, std::string_view body, Kind unsure);
std::string close_envelope(bool success, std::string_view message, const json_value::Json& data);

}  // namespace apf::protocol::panda
