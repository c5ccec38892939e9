#include "log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <span>
#include <system_error>

namespace apf::htcondor {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10U;
constexpr std::uint64_t kHeader = 512;   // HTCondor writes its log's first object anew at a rotation: it proves nothing
constexpr std::uint64_t kChecked = 256;  // bytes before a place that must not have changed
constexpr int kMostRotations = 1000;
constexpr const char* kNoFileYet = "1 0 0 0 -";  // the bookmark before the first file
constexpr Duration kSlice = milliseconds{250};
constexpr Duration kLook = milliseconds{20};        // between looks without inotify, or while there is no file
constexpr Duration kStragglers = milliseconds{50};  // most that missed a rotation are done by then: order is kept
constexpr std::size_t kMostLeft = 8;

std::string errno_text(int error) { return std::generic_category().message(error); }

// How many bytes there were, up to the size of `to`.
std::size_t read_into(std::span<char> to, int fd, std::uint64_t offset) {
  std::size_t have = 0;
  while (have < to.size()) {
    const ssize_t got = ::pread(fd, to.data() + have, to.size() - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  return have;
}

std::string read_at(int fd, std::uint64_t offset, std::size_t n) {
  std::string out(n, '\0');
  out.resize(read_into(out, fd, offset));
  return out;
}

std::uint64_t fnv(std::string_view text) {
  std::uint64_t h = 14695981039346656037U;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return h;
}

bool has_directory(const std::string& path) {
  struct stat info{};
  return ::stat(path.substr(0, path.rfind('/') + 1).c_str(), &info) == 0;
}

struct Bookmark {
  std::uint64_t inode = 0, offset = 0;
  std::int64_t born_ns = 0;
  std::string check;
};

template <class Int>
bool number(std::string_view& rest, Int& to) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), to);
  if (error != std::errc{} || end == rest.data() + rest.size() || *end != ' ') return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
  return true;
}

// The present file's place, then those of the files that were left; empty when the text is no bookmark.
std::vector<Bookmark> parse_bookmark(std::string_view text) {
  std::vector<Bookmark> out;
  int version = 0;
  if (!number(text, version) || version != 1) return out;
  while (!text.empty()) {
    Bookmark b;
    if (!number(text, b.inode) || !number(text, b.offset) || !number(text, b.born_ns) || text.empty()) return {};
    b.check = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(b.check.size() + 1, text.size()));
    out.push_back(std::move(b));
  }
  return out;
}

std::string check(int fd, std::uint64_t offset) {
  const std::uint64_t from = std::max(kHeader, offset > kChecked ? offset - kChecked : 0);
  if (from >= offset) return "-";
  return fmt::format("{:016x}", fnv(read_at(fd, from, offset - from)));
}

std::string place(int fd, const LogFile::Identity& identity, std::uint64_t offset) {
  return fmt::format(" {} {} {} {}", identity.inode, offset, identity.born_ns, check(fd, offset));
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}
Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}
int Descriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

std::optional<LogFile::Identity> LogFile::identify(int fd) {
  struct statx info{};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME | STATX_TYPE, &info) != 0) return std::nullopt;
  if ((info.stx_mode & S_IFMT) != S_IFREG) return std::nullopt;
  Identity i{info.stx_ino, 0};
  if ((info.stx_mask & STATX_BTIME) != 0) i.born_ns = info.stx_btime.tv_sec * 1'000'000'000 + info.stx_btime.tv_nsec;
  return i;
}

Result<LogFile::Found> LogFile::open_file(const std::string& name) const {
  Descriptor fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR)
      return fail(Kind::config, "htcondor.event_log_missing", "there is no such event log", name,
                  "does the schedd write it, and on this machine?");
    return fail(error == EACCES || error == EPERM ? Kind::config : Kind::transient, "htcondor.event_log_unreadable",
                fmt::format("the event log can't be read: {}", errno_text(error)), name,
                "let the factory's account read it");
  }
  const auto identity = identify(fd.get());
  if (!identity)
    return fail(Kind::config, "htcondor.event_log_unreadable", "the event log is not a regular file", name);
  return Found{std::move(fd), *identity, name};
}

// The files that are there, newest first. Looked at in this order, a rotation in between shows a file twice but hides
// none; then the later look counts.
std::vector<LogFile::Listed> LogFile::list() const {
  std::vector<Listed> out;
  const auto add = [&](const std::string& name) {
    struct stat info{};
    if (::stat(name.c_str(), &info) != 0) return false;
    std::erase_if(out, [&](const Listed& l) { return l.inode == info.st_ino; });
    out.push_back({name, info.st_ino});
    return true;
  };
  add(path_);
  add(path_ + ".old");
  int absent = 0;  // a rotation in progress leaves one hole
  for (int i = 1; i < kMostRotations && absent < 2; ++i) absent = add(fmt::format("{}.{}", path_, i)) ? 0 : absent + 1;
  return out;
}

std::string LogFile::bookmark(std::uint64_t back) const {
  if (!file_) return kNoFileYet;
  std::string out = "1" + place(file_.get(), identity_, offset_ - std::min(back, offset_));
  for (const Left& l : left_) out += place(l.fd.get(), l.identity, l.offset);
  return out;
}

std::string LogFile::rest(const Left& file) {
  struct stat info{};
  const bool whole = ::fstat(file.fd.get(), &info) == 0 && static_cast<std::uint64_t>(info.st_size) <= file.offset;
  return whole ? std::string()
               : read_at(file.fd.get(), file.offset, kPiece);  // asked at every look, and nearly always whole
}

void LogFile::take(Found found, std::uint64_t offset) {
  was_rotated_ = found.name != path_;
  file_ = std::move(found.fd);
  identity_ = found.identity;
  offset_ = offset;
  tail_.clear();
  next_.reset();
  looking_ = false;
  watched_ = -1;
}

// The files that a bookmark means, as far as they are there and are what they were. False: the present one is not.
bool LogFile::recognise(const std::string& bookmark) {
  const auto wanted = parse_bookmark(bookmark);
  const auto files = list();
  const auto find = [&](const Bookmark& b) -> std::optional<Found> {
    for (const auto& listed : files) {
      const bool first = bookmark == kNoFileYet && listed.inode == files.back().inode;
      if (!first && listed.inode != b.inode) continue;
      auto found = open_file(listed.name);
      struct stat info{};
      if (!found || ::fstat(found->fd.get(), &info) != 0) continue;
      if (first ||
          (found->identity == Identity{b.inode, b.born_ns} && static_cast<std::uint64_t>(info.st_size) >= b.offset &&
           check(found->fd.get(), b.offset) == b.check))
        return std::move(*found);
    }
    return std::nullopt;
  };
  auto present = wanted.empty() ? std::nullopt : find(wanted.front());
  if (!present) return false;
  take(std::move(*present), wanted.front().offset);
  // One of these that is gone is no loss that is known: it had been read.
  for (std::size_t i = 1; i < wanted.size(); ++i)
    if (auto found = find(wanted[i]))
      left_.push_back({std::move(found->fd), found->identity, wanted[i].offset, mono_now()});
  return true;
}

// The present file's text has ended, or so it seems.
void LogFile::leave() {
  if (left_.size() >= kMostLeft) left_.erase(left_.begin());
  left_.push_back({std::move(file_), identity_, offset_, mono_now()});
}

Result<bool> LogFile::open(const std::string& bookmark) {
  left_.clear();
  if (recognise(bookmark)) return true;
  auto found = open_file(path_);
  if (!found) {
    if (found.error().code != "htcondor.event_log_missing" || !has_directory(path_)) return fail(found.error());
    // The schedd makes it at the first event; a file that was rotated is what it will follow.
    const auto files = list();
    found = files.empty() ? Found{{}, {}, path_} : open_file(files.front().name);
    if (!found) return fail(found.error());
  }
  struct stat info{};
  if (!found->fd || ::fstat(found->fd.get(), &info) != 0) info.st_size = 0;
  take(std::move(*found), static_cast<std::uint64_t>(std::max<off_t>(info.st_size - 1, 0)));
  return bookmark.empty() || (bookmark == kNoFileYet && !file_);
}

// False when the file was cut or written anew before the place where we are.
bool LogFile::as_it_was() const {
  struct stat info{};
  if (::fstat(file_.get(), &info) != 0) return true;
  if (static_cast<std::uint64_t>(info.st_size) < offset_) return false;
  return tail_.empty() || offset_ < kHeader + tail_.size() ||
         read_at(file_.get(), offset_ - tail_.size(), tail_.size()) == tail_;
}

Result<LogFile::Piece> LogFile::read() {
  if (!file_) return first_file();
  if (!as_it_was()) {
    offset_ = 0;
    tail_.clear();
    return Piece{What::lost, {}};
  }
  space_.resize(kPiece);
  const std::string_view bytes(space_.data(), read_into(space_, file_.get(), offset_));
  if (bytes.empty()) return at_end();
  offset_ += bytes.size();
  tail_ = bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), 64));
  return Piece{What::bytes, bytes};
}

Result<LogFile::Piece> LogFile::first_file() {
  looking_ = true;
  const auto files = list();
  if (files.empty()) return Piece{};
  auto found = open_file(files.back().name);  // it may have been rotated already
  if (!found) return found.error().code == "htcondor.event_log_missing" ? Result<Piece>(Piece{}) : fail(found.error());
  take(std::move(*found), 0);
  return Piece{What::next, {}};
}

// Everything that is there was read. Is it still the file that is written to?
Result<LogFile::Piece> LogFile::at_end() {
  if (next_) {
    if (mono_now() - rotated_ < kStragglers) return Piece{};
    leave();
    take(std::move(*next_), 0);
    return Piece{What::next, {}};
  }
  struct stat info{};
  looking_ = was_rotated_ || ::stat(path_.c_str(), &info) != 0 || info.st_ino != identity_.inode;
  return looking_ ? successor() : Piece{};
}

Result<LogFile::Piece> LogFile::successor() {
  const auto files = list();
  const auto here =
      std::find_if(files.begin(), files.end(), [&](const Listed& l) { return l.inode == identity_.inode; });
  if (here == files.end()) return vanished(files);
  was_rotated_ = here->name != path_;
  if (here == files.begin()) return Piece{};  // the newest: a new one was not yet made
  auto found = open_file(std::prev(here)->name);
  if (!found) return found.error().code == "htcondor.event_log_missing" ? Result<Piece>(Piece{}) : fail(found.error());
  if (found->identity.inode != std::prev(here)->inode) return Piece{};  // rotated just now: look again
  next_ = std::move(*found);
  rotated_ = mono_now();
  if (here - files.begin() > 1) rotated_ = rotated_ - kStragglers;  // nobody writes to a file so old
  return Piece{};
}

// Deleted, or rotated away before the file after it was seen.
Result<LogFile::Piece> LogFile::vanished(const std::vector<Listed>& files) {
  if (files.empty()) return Piece{};  // the schedd makes a new one when something happens
  // Older files than ours may be there when ours was deleted; after a rotation all are newer.
  auto found = open_file(path_);
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    auto older = open_file(file->name);
    if (!older || (!was_rotated_ && older->identity.born_ns <= identity_.born_ns)) continue;
    found = std::move(older);
    break;
  }
  if (!found) return found.error().code == "htcondor.event_log_missing" ? Result<Piece>(Piece{}) : fail(found.error());
  if (found->identity.inode == identity_.inode) return Piece{};
  take(std::move(*found), 0);
  return Piece{What::lost, {}};
}

bool LogFile::can_grow() const {
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 20U;
  struct statvfs disk{};
  if (!file_ || ::fstatvfs(file_.get(), &disk) != 0) return true;
  return disk.f_bavail * disk.f_frsize >= kLeast;
}

void LogFile::watch() {
  if (watched_ >= 0 || !file_) return;
  inotify_ = Descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify_) return;
  const std::string self = fmt::format("/proc/self/fd/{}", file_.get());
  watched_ = ::inotify_add_watch(inotify_.get(), self.c_str(), IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB);
  fresh_ = watched_ >= 0;
}

Result<bool> LogFile::skip() {
  for (bool any = false;; any = true) {
    auto piece = read();
    if (!piece) return fail(piece.error());
    if (piece->what == What::nothing) return any;
  }
}

void LogFile::wait(Duration most) {
  watch();
  if (fresh_) {
    fresh_ = false;
    return;
  }
  const Duration slice = std::clamp(most, Duration(0), looking_ || watched_ < 0 ? kLook : kSlice);
  const auto ms = static_cast<int>((slice.count() + 999'999) / 1'000'000);
  pollfd p{watched_ >= 0 ? inotify_.get() : -1, POLLIN, 0};
  if (::poll(&p, 1, ms) <= 0) return;
  std::array<char, 4096> events{};
  while (::read(inotify_.get(), events.data(), events.size()) > 0) continue;
}

}  // namespace apf::htcondor
