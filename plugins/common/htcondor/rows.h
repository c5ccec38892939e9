// Reads what HTCondor's tools print. The tools are asked for "-af:tV": one job a line, a tab between values, strings
// in double quotes with \" as their only escape, numbers and words (true, undefined, error) bare.
//
// The parsers are strict: a line that is not exactly what was asked for makes the whole output an error, since half a
// view is worse than none (RULES R5). Errors: Kind::transient, code "htcondor.garbled".
// Thread-safety: pure functions and values; fields point into the text that the reader was given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apf/result.h"

namespace apf::htcondor {

struct Field {
  std::string_view text;  // between the quotes, escapes as printed
  bool quoted = false;

  [[nodiscard]] bool undefined() const { return !quoted && (text == "undefined" || text == "error"); }
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] std::optional<double> real() const;
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::string string() const;  // without escapes; empty when it is no string
};

class RowReader {
 public:
  RowReader(std::string_view text, std::string_view tool) : rest_(text), tool_(tool) {}

  // Fills `fields` with the next row. False at the end of the text.
  Result<bool> next(std::span<Field> fields);
  [[nodiscard]] std::size_t rows() const { return rows_; }

 private:
  std::string_view rest_, tool_;
  std::size_t rows_ = 0;
};

// "12.0 - 12.99", the answer of `condor_submit -terse`.
struct Submitted {
  std::int64_t cluster = 0;
  std::int32_t first = 0, last = 0;  // of the procs
};
Result<Submitted> parse_submitted(std::string_view out);

// Number of jobs of "Total for query: 812 jobs; ..." (`condor_q -totals`).
Result<std::int64_t> parse_totals(std::string_view out);

}  // namespace apf::htcondor
