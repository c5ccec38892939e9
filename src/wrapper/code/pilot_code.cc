#include "wrapper/code/pilot_code.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>

#include "wrapper/code/table_text.h"

namespace apf::wrapper {
namespace {

constexpr const char* kBadTable = "wrapper.bad_table";
constexpr const char* kBadOption = "wrapper.bad_option";

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

// The line of a PEM file holds the key behind these 12 bytes (RFC 8410).
constexpr std::string_view kBeforeKey{"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12};
constexpr std::size_t kKeyBytes = 32;

tl::unexpected<Error> bad_check(std::string_view text) {
  return fail(Kind::config, "wrapper.bad_check", "'" + std::string(text) + "' is no check of pilot code", {},
              "write sha256:HEX (64 digits), ed25519:KEY (base64) or none");
}

bool is_source(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://") || url.starts_with("file:///") ||
         url.starts_with('/');
}

std::optional<std::int64_t> read_weight(std::string_view text) {
  std::int64_t n = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || n < 0 || n > kMostWeight) return std::nullopt;
  return n;
}

Result<PilotVersion> read_version(const TableRow& row) {
  PilotVersion v{.type = row.words[0], .version = row.words[1]};
  v.development = row.words[2] == "test";
  if (!v.development) {
    const auto weight = read_weight(row.words[2]);
    if (!weight)
      return fail(Kind::config, kBadTable, "'" + row.words[2] + "' is no weight", row.where,
                  "write 0 to " + std::to_string(kMostWeight) + ", or test");
    v.weight = *weight;
  }
  const auto check = read_check(row.words[3]);
  if (!check) return fail(Kind::config, kBadTable, check.error().what, row.where, check.error().advice);
  for (std::string& url : split_list(row.words[4])) {
    if (!is_source(url))
      return fail(Kind::config, kBadTable, "'" + url + "' is neither an address nor an absolute path", row.where);
    v.sources.push_back({.url = std::move(url), .check = *check});
  }
  return v;
}

// "[A,B],C" in its groups. Empty: not of this form.
std::optional<std::vector<std::vector<std::string>>> read_groups(std::string_view text) {
  std::vector<std::vector<std::string>> groups;
  while (!text.empty()) {
    std::size_t end = 0;
    if (text.front() == '[') {
      end = text.find(']');
      if (end == std::string_view::npos) return std::nullopt;
      groups.push_back(split_list(text.substr(1, end - 1)));
      ++end;
    } else {
      end = std::min(text.find(','), text.size());
      groups.push_back({std::string(text.substr(0, end))});
    }
    if (groups.back().empty() || std::count(groups.back().begin(), groups.back().end(), "") > 0) return std::nullopt;
    text.remove_prefix(end);
    if (text.empty()) break;
    if (text.front() != ',' || text.size() == 1) return std::nullopt;
    text.remove_prefix(1);
  }
  return groups;
}

tl::unexpected<Error> bad_option(const std::string& what, const char* option) {
  return fail(Kind::config, kBadOption, what, option);
}

// A name is looked for under each address of --wrapperpilotcodeurl.
std::vector<std::string> places(const std::string& code, const std::vector<std::string>& bases) {
  if (is_source(code)) return {code};
  std::vector<std::string> urls;
  for (const std::string& base : bases)
    if (is_source(base)) urls.push_back(base + (base.ends_with('/') ? "" : "/") + code);
  return urls;
}

}  // namespace

std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0, have = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    const std::size_t value = letters.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes += static_cast<char>((bits >> have) & 0xffU);
  }
  return bytes;
}

Result<Check> read_check(std::string_view text) {
  if (text == "none" || text == "None") return Check{};
  if (text.starts_with("ed25519:")) {
    auto key = from_base64(text.substr(8));
    if (key && key->starts_with(kBeforeKey)) key->erase(0, kBeforeKey.size());
    if (!key || key->size() != kKeyBytes) return bad_check(text);
    return Check{.how = Check::How::ed25519, .value = *key};
  }
  const std::string_view hex = text.starts_with("sha256:") ? text.substr(7) : text;
  if (hex.size() != 64 || !is_hex(hex)) return bad_check(text);
  Check check{.how = Check::How::sha256, .value = std::string(hex)};
  for (char& c : check.value)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  return check;
}

Result<std::vector<PilotVersion>> read_pilots(std::string_view text) {
  constexpr std::size_t kColumns = 5;
  const auto table = read_table(text, "pilots.conf", kColumns);
  if (!table) return fail(table.error());
  std::vector<PilotVersion> versions;
  std::map<std::string, std::int64_t> sums;
  for (const TableRow& row : *table) {
    auto version = read_version(row);
    if (!version) return fail(version.error());
    std::int64_t& sum = sums[version->type];
    if (!version->development) sum += version->weight;
    if (sum > kMostWeight)
      return fail(Kind::config, kBadTable, "the weights of " + version->type + " are too large together", row.where,
                  "their sum is at most " + std::to_string(kMostWeight));
    versions.push_back(std::move(*version));
  }
  return versions;
}

Result<std::vector<PilotVersion>> pilots_of_options(const CodeOptions& o) {
  const auto codes = read_groups(o.code);
  if (!codes) return bad_option("'" + o.code + "' is not of the form A or [A,B],C", "--wrapperpilotcode");
  const auto checks = read_groups(o.checksums);
  const auto weights = split_list(o.ratio);
  if (!checks || (!checks->empty() && checks->size() != codes->size()))
    return bad_option("not as many groups as in --wrapperpilotcode", "--wrapperpilotcodechecksum");
  if (!weights.empty() && weights.size() != codes->size())
    return bad_option("not as many weights as groups in --wrapperpilotcode", "--wrapperpilotcoderatio");
  const auto bases = split_list(o.urls);
  std::vector<PilotVersion> versions;
  std::int64_t sum = 0;
  for (std::size_t g = 0; g < codes->size(); ++g) {
    const auto& group = (*codes)[g];
    PilotVersion v{.version = group.front()};
    if (!weights.empty()) {
      const auto weight = read_weight(weights[g]);
      sum += weight.value_or(0);
      if (!weight || sum > kMostWeight)
        return bad_option("'" + o.ratio + "' is no list of weights", "--wrapperpilotcoderatio");
      v.weight = *weight;
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      Result<Check> check = Check{};
      if (!checks->empty()) {
        if ((*checks)[g].size() != group.size())
          return bad_option("not one check for each of a group in --wrapperpilotcode", "--wrapperpilotcodechecksum");
        check = read_check((*checks)[g][i]);
        if (!check) return bad_option(check.error().what, "--wrapperpilotcodechecksum");
      }
      for (std::string& url : places(group[i], bases)) v.sources.push_back({.url = std::move(url), .check = *check});
    }
    if (v.sources.empty())
      return bad_option("'" + group.front() +
                            "' is neither an address nor an absolute path, and --wrapperpilotcodeurl "
                            "does not say where it is",
                        "--wrapperpilotcode");
    versions.push_back(std::move(v));
  }
  if (!weights.empty() && sum == 0) return bad_option("all weights are 0", "--wrapperpilotcoderatio");
  return versions;
}

std::uint64_t position_of(std::string_view submission, std::uint64_t index) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : submission) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return (hash >> 1U) + index;  // below the largest number, so that neighbours stay neighbours
}

std::size_t turn(std::span<const std::int64_t> weights, std::uint64_t position) {
  const std::int64_t sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  const std::int64_t divisor = std::accumulate(weights.begin(), weights.end(), std::int64_t{0},
                                               [](std::int64_t a, std::int64_t b) { return std::gcd(a, b); });
  if (divisor == 0) return 0;  // all weights are 0
  std::vector<std::int64_t> credit(weights.size(), 0);
  std::size_t chosen = 0;
  const auto rounds = position % static_cast<std::uint64_t>(sum / divisor) + 1;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    for (std::size_t k = 0; k < credit.size(); ++k) credit[k] += weights[k];
    chosen = static_cast<std::size_t>(std::max_element(credit.begin(), credit.end()) - credit.begin());
    credit[chosen] -= sum;
  }
  return chosen;
}

const PilotVersion* choose(std::span<const PilotVersion> versions, std::string_view type, bool test,
                           std::uint64_t position) {
  std::vector<const PilotVersion*> production, development;
  std::vector<std::int64_t> weights;
  for (const PilotVersion& v : versions) {
    if (v.type != type) continue;
    if (v.development) development.push_back(&v);
    if (v.development || v.weight == 0) continue;
    production.push_back(&v);
    weights.push_back(v.weight);
  }
  if (test && !development.empty()) return development[position % development.size()];
  if (production.empty()) return nullptr;
  return production[turn(weights, position)];
}

}  // namespace apf::wrapper
