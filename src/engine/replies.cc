#include "engine/replies.h"

#include "engine/journal_codec.h"

namespace apf::engine {
namespace {

int status_of(Kind kind) {
  switch (kind) {
    case Kind::config: return 400;
    case Kind::transient: return 503;
    case Kind::permanent: return 409;
    case Kind::uncertain: return 502;
    case Kind::bug: return 500;
  }
  return 500;
}

}  // namespace

std::string error_json(const Error& e) {
  std::string out = R"({"error":{"kind":)";
  put_json_string(out, name(e.kind));
  for (const auto& [key, text] : {std::pair<const char*, const std::string*>{"code", &e.code},
                                  {"what", &e.what},
                                  {"where", &e.where},
                                  {"advice", &e.advice}}) {
    out += std::string(",\"") + key + "\":";
    put_json_string(out, *text);
  }
  return out + "}}\n";
}

net::Response error_reply(const Error& error) {
  net::Response r;
  r.status = status_of(error.kind);
  r.body = error_json(error);
  return r;
}

net::Response error_reply(int status, const std::string& code, const std::string& what) {
  net::Response r = error_reply(Error{Kind::config, code, what, {}, {}});
  r.status = status;
  return r;
}

}  // namespace apf::engine
