#include "engine/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

namespace apf::engine {
namespace {

spdlog::level::level_enum spd(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> make(spdlog::sink_ptr sink, Level level) {
  auto logger = std::make_shared<spdlog::logger>("apf", std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(spd(level));
  logger->flush_on(spdlog::level::info);
  return logger;
}

// Replaced at most once, at start, before other threads run; guarded all the same.
struct Current {
  std::mutex mutex;
  std::shared_ptr<spdlog::logger> logger = make(std::make_shared<spdlog::sinks::stderr_sink_mt>(), Level::info);
};
Current& current() {
  static Current it;
  return it;
}
std::shared_ptr<spdlog::logger> logger() {
  const std::scoped_lock lock(current().mutex);
  return current().logger;
}

}  // namespace

Status open_log(const LogOptions& options) try {
  spdlog::sink_ptr sink;
  if (options.file.empty())
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  else
    sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file, static_cast<std::size_t>(options.size),
                                                                  static_cast<std::size_t>(options.files - 1));
  auto made = make(std::move(sink), options.level);
  // A full disk must not fill the log with complaints about the log.
  made->set_error_handler([](const std::string&) {});
  const std::scoped_lock lock(current().mutex);
  current().logger = std::move(made);
  return {};
} catch (const spdlog::spdlog_ex& e) {
  return fail(Kind::config, "engine.cannot_log", e.what(), options.file, "name a file that the factory may write");
}

void flush_log() { logger()->flush(); }

void log(Level level, std::string_view topic, std::string_view message) {
  std::string line;
  line.reserve(topic.size() + message.size() + 2);
  line.append(topic).append(": ").append(message);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20U && c != '\t') c = ' ';
  logger()->log(spd(level), "{}", line);
}

}  // namespace apf::engine
