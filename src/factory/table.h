// Tables in plain text: columns as wide as their widest cell, numbers to the right.
//
// Thread-safety: one thread.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace apf::factory {

class Table {
 public:
  // A column's name; one that ends in '>' holds numbers and is set to the right.
  explicit Table(const std::vector<std::string>& columns);
  void add(std::vector<std::string> row);
  void print(std::ostream& out) const;
  [[nodiscard]] bool empty() const { return rows_.size() < 2; }

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;  // the first one is the head
};

}  // namespace apf::factory
