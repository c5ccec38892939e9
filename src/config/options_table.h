// From what a person wrote to validated Options, by an option table.
//
// Thread-safety: pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apf/options.h"
#include "config/value.h"

namespace apf::config {

using Errors = std::vector<Error>;

// One option's value, checked for type, range and choices.
Result<OptionValue> read_value(const OptionSpec& spec, const Value& value);

// The default of an option in its declared type; an error is a bug in the table (a test reads every table).
Result<OptionValue> read_default(const OptionSpec& spec);

// Reads the keys that `specs` declare for `scope` out of a table, and fills in defaults. `where` is the section, for
// errors about keys that are required and missing. Unknown keys are not looked at: see unknown_keys().
Options read_options(std::span<const OptionSpec> specs, Scope scope, const Value& table, const Origin& where,
                     Errors& errors);

// An error for each key of `table` that is not in `known`. `what` names the section: "[batch.pool]".
void unknown_keys(const Value& table, const std::vector<std::string_view>& known, const std::string& what,
                  Errors& errors);

// Names that `specs` declare for `scope`, appended to `names`.
void add_names(std::span<const OptionSpec> specs, Scope scope, std::vector<std::string_view>& names);

// Options of a plug-in from a piece of TOML (`url = "http://..."`), as its section would hold them: for tests and
// tools. The first error, if there is one.
Result<Options> options_from_toml(std::span<const OptionSpec> specs, Scope scope, std::string_view toml);

}  // namespace apf::config
