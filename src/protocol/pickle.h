// Reads Python's pickle protocol 0, as far as PanDA servers before 0.6 answer in it: dictionaries, lists, tuples,
// texts, numbers, booleans, None and the memo. Nothing is constructed or called whatever the text says: a decimal
// becomes its digits as text, an object of any other class (a date, say) becomes null.
//
// Source: the opcodes of protocol 0 in Python's pickletools. A container that is met again through the memo is null,
// too: only texts and numbers are repeated.
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "protocol/json_value.h"

namespace apf::protocol {

// Errors: Kind::transient, of this code; they say at which byte, or what the text looks like instead ("an HTML page").
Result<json_value::Json> read_pickle(std::string_view text, const std::string& code);

}  // namespace apf::protocol
