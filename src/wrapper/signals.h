// Signals of the batch system. Those that end a pilot (TERM, INT, QUIT, HUP, XCPU) set `ending` and are passed on to
// the payload as they are; USR1 and USR2 are passed on only.
//
// Thread-safety: install() once at the start, before any thread; pending() from the main thread.
#pragma once

#include <atomic>
#include <vector>

namespace apf::wrapper::signals {

void install();
int fd();                           // readable: pending() has something
std::vector<int> pending();         // numbers, oldest first
const std::atomic<bool>& ending();  // a signal that ends the pilot came
int last_ending();                  // its number; 0: none
bool ends_pilot(int signal);
const char* name(int signal);  // "SIGTERM"

}  // namespace apf::wrapper::signals
