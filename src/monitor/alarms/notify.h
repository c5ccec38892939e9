// How alarms reach people: e-mail ([mail]) and webhook ([webhook]).
//
// A webhook gets POST with JSON: {"text": "...", "alarms": [{"event": "raised"|"over", "code", "subject", "factory",
// "label", "node", "text", "advice", "evidence": [...], "since"}], "lost": n}. `text` alone is what chat servers show.
//
// Thread-safety: pure functions; a channel is used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apf/options.h"
#include "monitor/alarms/courier.h"
#include "net/mail.h"

namespace apf::monitor {

std::span<const OptionSpec> mail_options();
std::span<const OptionSpec> webhook_options();

// A section's channel, or null where it is not wanted. Errors: "mail.bad_server", "mail.bad_address",
// "webhook.bad_url" (config).
Result<std::unique_ptr<Channel>> mail_channel(const Options& options, const std::string& monitor_url);
Result<std::unique_ptr<Channel>> webhook_channel(const Options& options, const std::string& monitor_url);

net::Mail mail_of(std::span<const Notice> notices, std::int64_t lost, const std::string& monitor_url);
std::string webhook_body(std::span<const Notice> notices, std::int64_t lost, const std::string& monitor_url);

}  // namespace apf::monitor
