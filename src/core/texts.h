// Names of nodes, reasons and rules as numbers. For the core only.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace apf::core {

// Strings that repeat a thousand times (nodes, reasons, rules), kept once. Those that nobody has a number of any more
// are forgotten now and then: a year of cloud nodes has millions of names.
class Texts {
 public:
  std::uint32_t put(const std::string& text);
  [[nodiscard]] const std::string& get(std::uint32_t at) const { return *texts_[at]; }
  [[nodiscard]] std::size_t size() const { return index_.size(); }
  [[nodiscard]] std::size_t numbers() const { return texts_.size(); }  // all that were given are below this
  void keep_only(const std::vector<bool>& wanted);                     // by number; the others may be given anew

 private:
  std::unordered_map<std::string, std::uint32_t> index_{{"", 0}};
  std::vector<const std::string*> texts_{&index_.begin()->first};
  std::vector<std::uint32_t> free_;
};

}  // namespace apf::core
