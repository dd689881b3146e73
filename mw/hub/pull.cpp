// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/pull.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "mw/core/error.h"
#include "mw/hub/part_file.h"
#include "mw/hub/repository.h"
#include "mw/io/atomic_file.h"
#include "mw/io/json_file.h"

namespace mw::hub {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecord = ".pull.json";
constexpr int kMaxDamaged = 2;  // Times that a whole file may arrive with a wrong checksum.

/// One process at a time writes into a folder.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : fd_(::open((folder / ".pull.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (fd_ < 0) {
      throw Error(ErrorCode::kIo, "cannot write into '" + folder.string() +
                                      "': " + std::generic_category().message(errno));
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd_);
      throw Error(ErrorCode::kIo,
                  "pull: another process is fetching into '" + folder.string() + "'; wait for it");
    }
  }
  ~FolderLock() { ::close(fd_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

/// What `.pull.json` says: files that were checked, so that they need not be read again.
class Record {
 public:
  explicit Record(const fs::path& folder) : folder_(folder) {
    const fs::path file = folder / kRecord;
    if (!fs::is_regular_file(file)) return;
    try {
      io::read_json(file, "pull", [&](const nlohmann::json& json) { files_ = json.at("files"); });
    } catch (const Error&) {
      files_ = nullptr;
    }
    // A damaged note costs a check of the files, no more.
    if (!files_.is_object()) files_ = nlohmann::json::object();
  }

  bool has(const RemoteFile& file) const {
    const auto found = files_.find(file.path);
    return found != files_.end() && *found == entry_of(file);
  }

  void add(const RemoteFile& file) { files_[file.path] = entry_of(file); }

  void write(const HubConfig& config, const Repository& repository) const {
    const nlohmann::ordered_json json = {{"endpoint", config.endpoint},
                                         {"repository", repository.name()},
                                         {"commit", repository.commit()},
                                         {"files", files_}};
    io::write_file(folder_ / kRecord, json.dump(1) + "\n");
  }

 private:
  nlohmann::json entry_of(const RemoteFile& file) const {
    std::error_code error;
    const auto changed = fs::last_write_time(folder_ / file.path, error);
    const auto size = error ? uintmax_t{0} : fs::file_size(folder_ / file.path, error);
    if (error) return nullptr;
    return {
        {"digest", file.digest}, {"size", size}, {"changed", changed.time_since_epoch().count()}};
  }

  fs::path folder_;
  nlohmann::json files_ = nlohmann::json::object();
};

bool is_wanted(const RemoteFile& file, const std::vector<std::string>& includes) {
  if (file.path.starts_with('.') || file.path.find("/.") != std::string::npos) return false;
  return includes.empty() ||
         std::any_of(includes.begin(), includes.end(), [&](const std::string& pattern) {
           return ::fnmatch(pattern.c_str(), file.path.c_str(), 0) == 0;
         });
}

std::vector<RemoteFile> wanted_files(Repository& repository, const PullRequest& request) {
  std::vector<RemoteFile> files = repository.files();
  const size_t num_listed = files.size();
  std::erase_if(files, [&](const RemoteFile& file) { return !is_wanted(file, request.includes); });
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                concat_message("pull: '", repository.name(), "' has ", num_listed,
                               " files, and --include matches none of them"));
  }
  return files;
}

class Puller {
 public:
  Puller(const HubConfig& config, const PullRequest& request,
         const std::function<void(const PullProgress&)>& on_progress, const std::atomic<bool>* stop)
      : config_(config),
        out_(request.out),
        repository_(config, request.repository, request.revision, stop),
        files_(wanted_files(repository_, request)),
        on_progress_(on_progress),
        stop_(stop) {}

  PullResult run() {
    std::error_code error;
    fs::create_directories(out_, error);
    if (error) {
      throw Error(ErrorCode::kIo,
                  "cannot create folder '" + out_.string() + "': " + error.message());
    }
    const FolderLock lock(out_);
    Record record(out_);
    for (const RemoteFile& file : files_) progress_.total_bytes += file.size;
    progress_.num_files = files_.size();
    std::vector<const RemoteFile*> missing;
    for (const RemoteFile& file : files_) {
      if (is_there(file, record)) {
        progress_.done_bytes += file.size;
      } else {
        missing.push_back(&file);
      }
    }
    check_room(missing);
    for (const RemoteFile* file : missing) {
      progress_.path = file->path;
      progress_.file_index = static_cast<size_t>(file - files_.data());
      if (!link_from_cache(*file)) fetch(*file);
      record.add(*file);
      record.write(config_, repository_);
    }
    record.write(config_, repository_);
    return {repository_.commit(), files_.size(), progress_.total_bytes, progress_.fetched_bytes};
  }

 private:
  /// Passes bytes on and counts them.
  class CountingSink : public BodySink {
   public:
    CountingSink(Puller& puller, PartFile& part) : puller_(puller), part_(part) {}
    void begin(int64_t first_byte) override {
      puller_.progress_.done_bytes -= part_.size() - first_byte;
      part_.begin(first_byte);
    }
    void write(std::span<const std::byte> bytes) override {
      part_.write(bytes);
      puller_.progress_.done_bytes += static_cast<int64_t>(bytes.size());
      puller_.progress_.fetched_bytes += static_cast<int64_t>(bytes.size());
      puller_.report();
    }

   private:
    Puller& puller_;
    PartFile& part_;
  };

  void report() const {
    if (on_progress_) on_progress_(progress_);
  }

  bool is_there(const RemoteFile& file, Record& record) {
    if (record.has(file)) return true;
    std::error_code error;
    const fs::path path = out_ / file.path;
    if (!fs::is_regular_file(path, error) || fs::file_size(path, error) != uintmax_t(file.size)) {
      return false;
    }
    if (digest_of(path, file) != file.digest) return false;
    record.add(file);
    return true;
  }

  void check_room(const std::vector<const RemoteFile*>& missing) const {
    int64_t wanted = 0;
    for (const RemoteFile* file : missing) wanted += file->size - PartFile(out_, *file).size();
    const auto room = static_cast<int64_t>(fs::space(out_).available);
    if (wanted <= room) return;
    const auto gigabytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1e9; };
    char text[64];
    std::snprintf(text, sizeof text, "%.1f GB more, and %.1f GB are free", gigabytes(wanted),
                  gigabytes(room));
    throw Error(ErrorCode::kIo, "pull: '" + repository_.name() + "' wants " + text + " in '" +
                                    out_.string() + "'; make room, or choose --out or --include");
  }

  /// Takes a file that another program fetched, if it is there and right.
  bool link_from_cache(const RemoteFile& file) {
    std::string folder = "models--" + repository_.name();
    folder.replace(folder.find('/'), 1, "--");
    std::error_code error;
    const fs::path blob =
        fs::weakly_canonical(config_.cache / folder / "blobs" / file.digest, error);
    if (error || !fs::is_regular_file(blob, error) ||
        fs::file_size(blob, error) != uintmax_t(file.size) ||
        digest_of(blob, file) != file.digest) {
      return false;
    }
    const fs::path path = out_ / file.path;
    // Not the name of a part, into which a later run would write.
    const fs::path link = path.parent_path() / ("." + file.digest + ".link");
    fs::create_directories(path.parent_path(), error);
    fs::remove(link, error);
    fs::create_hard_link(blob, link, error);
    if (error) fs::copy_file(blob, link, error);  // Another disk.
    if (!error) fs::rename(link, path, error);
    if (error) fs::remove(link);
    if (!error) progress_.done_bytes += file.size;
    return !error;
  }

  void fetch(const RemoteFile& file) {
    PartFile part(out_, file);
    progress_.done_bytes += part.size();
    report();
    Retry retry(config_, stop_);
    for (int num_damaged = 0; !part.is_right();) {
      if (part.size() == file.size) {
        if (++num_damaged == kMaxDamaged) {
          throw damaged(file, part);
        }
        progress_.done_bytes -= part.size();
        part.restart();
      }
      const int64_t before = part.size();
      CountingSink sink(*this, part);
      HttpReply reply = repository_.get(file, before, sink);
      if (reply.is_success() && part.size() == file.size) continue;
      if (reply.status == 416) {  // The server has no byte at this place: begin anew.
        progress_.done_bytes -= part.size();
        part.restart();
      } else if (reply.is_success()) {
        reply.transport_error =
            concat_message("it ends after ", part.size(), " of ", file.size, " bytes");
      }
      if (part.size() > before) retry.reset();
      if (reply.status == 416) reply.status = 503;  // Worth a try, but not for ever.
      if (!retry.again(reply)) throw repository_.refusal(reply, "'" + file.path + "'");
    }
    part.commit();
  }

  Error damaged(const RemoteFile& file, PartFile& part) const {
    const std::string found = part.found_digest();
    part.restart();
    return Error(ErrorCode::kFormat,
                 "pull: '" + repository_.name() + "', '" + file.path +
                     "': wrong checksum, wanted " + file.digest + ", found " + found +
                     "; the server's copy is damaged, or something on the way changes it");
  }

  HubConfig config_;
  fs::path out_;
  Repository repository_;
  std::vector<RemoteFile> files_;
  const std::function<void(const PullProgress&)>& on_progress_;
  const std::atomic<bool>* stop_;
  PullProgress progress_;
};

}  // namespace

PullResult pull(const HubConfig& config, const PullRequest& request,
                const std::function<void(const PullProgress&)>& on_progress,
                const std::atomic<bool>* stop) {
  return Puller(config, request, on_progress, stop).run();
}

}  // namespace mw::hub
