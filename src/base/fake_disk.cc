#include "base/fake_disk.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace trainyard::base {
namespace {

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string DirectoryOf(const std::string& path) {
  size_t slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

absl::Status Fail(int error_number, absl::string_view operation, const std::string& path) {
  return ErrnoStatus(error_number, absl::StrCat(operation, " ", path));
}

// What a disk may hold of `contents` after a crash when `durable` of it was synced.
std::string AfterCrash(const std::string& contents, size_t durable, SeededRandom* random) {
  if (random == nullptr || contents.size() == durable) return contents.substr(0, durable);
  size_t kept = static_cast<size_t>(random->Below(contents.size() - durable + 1));
  std::string left = contents.substr(0, durable + kept);
  if (random->Below(4) == 0) {
    size_t zeros = std::min<size_t>(kept, 1 + random->Below(16));
    std::fill(left.end() - static_cast<std::ptrdiff_t>(zeros), left.end(), '\0');
  }
  return left;
}

}  // namespace

class FakeDisk::OpenFile : public AppendFile {
 public:
  OpenFile(FakeDisk& disk, std::string path, std::shared_ptr<File> file)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}

  absl::Status Append(absl::string_view bytes) override {
    return disk_.Append(path_, *file_, bytes);
  }
  absl::Status Sync() override { return disk_.Sync(path_, file_); }
  uint64_t size_bytes() const override { return disk_.SizeOf(*file_); }

 private:
  FakeDisk& disk_;
  const std::string path_;
  const std::shared_ptr<File> file_;
};

void FakeDisk::Crash(SeededRandom* random) {
  MutexLock lock(mutex_);
  Files left;
  for (const auto& [path, file] : durable_files_) {
    bool gone = removed_.contains(path) && (random == nullptr || random->Below(2) == 0);
    if (!gone) left[path] = file;
  }
  if (random != nullptr) {
    // A file whose name was never made durable may be there nevertheless.
    for (const auto& [path, file] : files_) {
      if (!durable_files_.contains(path) && random->Below(2) == 0) left[path] = file;
    }
  }
  for (auto& [path, file] : files_) file->crashed = true;
  for (auto& [path, file] : left) {
    file->crashed = true;
    std::string contents = AfterCrash(file->contents, file->durable.size(), random);
    file = std::make_shared<File>(File{contents, contents, file->modified});
  }
  files_ = durable_files_ = left;
  removed_.clear();
}

void FakeDisk::SetFault(Fault fault) {
  MutexLock lock(mutex_);
  fault_ = std::move(fault);
}

void FakeDisk::FailAfter(int operations, absl::Status error) {
  SetFault([left = operations, error](absl::string_view, const std::string&) mutable {
    if (left == 0) return error;
    --left;
    return absl::OkStatus();
  });
}

void FakeDisk::SetCapacity(uint64_t capacity_bytes) {
  MutexLock lock(mutex_);
  capacity_bytes_ = capacity_bytes;
}

absl::Status FakeDisk::Begin(absl::string_view operation, const std::string& path) {
  return fault_ == nullptr ? absl::OkStatus() : fault_(operation, path);
}

absl::StatusOr<std::shared_ptr<FakeDisk::File>> FakeDisk::Find(absl::string_view operation,
                                                               const std::string& path) {
  auto file = files_.find(path);
  if (file != files_.end()) return file->second;
  return Fail(directories_.contains(path) ? EISDIR : ENOENT, operation, path);
}

absl::Status FakeDisk::NeedParent(absl::string_view operation, const std::string& path) {
  if (directories_.contains(path)) return Fail(EISDIR, operation, path);
  if (directories_.contains(DirectoryOf(path))) return absl::OkStatus();
  return Fail(files_.contains(DirectoryOf(path)) ? ENOTDIR : ENOENT, operation, path);
}

uint64_t FakeDisk::FreeBytesNow() const {
  uint64_t used = 0;
  for (const auto& [path, file] : files_) used += file->contents.size();
  return capacity_bytes_ - std::min(capacity_bytes_, used);
}

void FakeDisk::MakeDurable(const std::string& path, const std::shared_ptr<File>& file) {
  durable_files_[path] = file;
  removed_.erase(path);
}

absl::StatusOr<std::string> FakeDisk::Read(const std::string& path) {
  return ReadRange(path, 0, UINT64_MAX);
}

absl::StatusOr<std::string> FakeDisk::ReadRange(const std::string& path, uint64_t offset,
                                                uint64_t length) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Begin("read", path));
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, Find("read", path));
  if (offset >= file->contents.size()) return std::string();
  return file->contents.substr(offset, length);
}

absl::Status FakeDisk::WriteAtomically(const std::string& path, absl::string_view contents,
                                       mode_t) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Begin("write", path));
  RETURN_IF_ERROR(NeedParent("write", path));
  // Old and new are on the disk together until the rename.
  if (contents.size() > FreeBytesNow()) return Fail(ENOSPC, "write", path);
  auto file =
      std::make_shared<File>(File{std::string(contents), std::string(contents), clock_.Now()});
  files_[path] = file;
  MakeDurable(path, file);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<AppendFile>> FakeDisk::OpenAppend(const std::string& path, mode_t) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Begin("open", path));
  RETURN_IF_ERROR(NeedParent("open", path));
  std::shared_ptr<File>& file = files_[path];
  if (file == nullptr) file = std::make_shared<File>(File{.modified = clock_.Now()});
  return std::make_unique<OpenFile>(*this, path, file);
}

absl::Status FakeDisk::Append(const std::string& path, File& file, absl::string_view bytes) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Begin("append", path));
  if (file.crashed) return Fail(EIO, "append", path);
  absl::string_view fits = bytes.substr(0, FreeBytesNow());
  file.contents.append(fits.data(), fits.size());
  file.modified = clock_.Now();
  return fits.size() == bytes.size() ? absl::OkStatus() : Fail(ENOSPC, "append", path);
}

absl::Status FakeDisk::Sync(const std::string& path, const std::shared_ptr<File>& file) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Begin("sync", path));
  if (file->crashed) return Fail(EIO, "sync", path);
  file->durable = file->contents;
  // It may have been renamed or removed since it was opened.
  for (const auto& [name, named] : files_) {
    if (named == file) MakeDurable(name, file);
  }
  return absl::OkStatus();
}

uint64_t FakeDisk::SizeOf(const File& file) {
  MutexLock lock(mutex_);
  return file.contents.size();
}

absl::Status FakeDisk::Truncate(const std::string& path, uint64_t size_bytes) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Begin("truncate", path));
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, Find("truncate", path));
  file->contents.resize(size_bytes);
  file->durable = file->contents;
  file->modified = clock_.Now();
  return absl::OkStatus();
}

absl::Status FakeDisk::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Begin("rename", from));
  if (directories_.contains(from)) return RenameDirectory(from, to);
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, Find("rename", from));
  RETURN_IF_ERROR(NeedParent("rename to", to));
  files_.erase(from);
  durable_files_.erase(from);
  files_[to] = file;
  MakeDurable(to, file);
  return absl::OkStatus();
}

absl::Status FakeDisk::RenameDirectory(const std::string& from, const std::string& to) {
  if (directories_.contains(to)) return Fail(EEXIST, "rename to", to);
  RETURN_IF_ERROR(NeedParent("rename to", to));
  auto moved = [&](const std::string& path) { return to + path.substr(from.size()); };
  auto below = [&](const std::string& path) {
    return path == from || absl::StartsWith(path, from + "/");
  };
  std::set<std::string> directories;
  for (const std::string& path : directories_) {
    directories.insert(below(path) ? moved(path) : path);
  }
  directories_ = directories;
  for (Files* files : {&files_, &durable_files_}) {
    Files renamed;
    for (const auto& [path, file] : *files) renamed[below(path) ? moved(path) : path] = file;
    *files = renamed;
  }
  return absl::OkStatus();
}

absl::Status FakeDisk::Remove(const std::string& path) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Begin("remove", path));
  if (directories_.contains(path)) return Fail(EISDIR, "remove", path);
  if (files_.erase(path) > 0) removed_.insert(path);
  return absl::OkStatus();
}

absl::Status FakeDisk::RemoveTree(const std::string& given) {
  MutexLock lock(mutex_);
  const std::string path = WithoutSlash(given);
  RETURN_IF_ERROR(Begin("remove", path));
  if (path.size() < 2 || path[0] != '/') return Fail(EINVAL, "remove", path);
  auto below = [&](const std::string& name) {
    return name == path || absl::StartsWith(name, path + "/");
  };
  for (const auto& [name, file] : files_) {
    if (below(name)) removed_.insert(name);
  }
  std::erase_if(files_, [&](const auto& entry) { return below(entry.first); });
  std::erase_if(directories_, below);
  return absl::OkStatus();
}

absl::Status FakeDisk::MakeDirectories(const std::string& given, mode_t) {
  MutexLock lock(mutex_);
  std::string path = WithoutSlash(given);
  RETURN_IF_ERROR(Begin("make", path));
  for (std::string up = path; up != "/"; up = DirectoryOf(up)) {
    if (files_.contains(up)) return Fail(ENOTDIR, "make directory", path);
  }
  for (; path != "/"; path = DirectoryOf(path)) directories_.insert(path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FakeDisk::List(const std::string& given) {
  MutexLock lock(mutex_);
  const std::string path = WithoutSlash(given);
  RETURN_IF_ERROR(Begin("list", path));
  if (!directories_.contains(path)) {
    return Fail(files_.contains(path) ? ENOTDIR : ENOENT, "list", path);
  }
  std::vector<std::string> names;
  auto take = [&](const std::string& name) {
    if (name != "/" && DirectoryOf(name) == path) names.push_back(name.substr(name.rfind('/') + 1));
  };
  for (const auto& [name, file] : files_) take(name);
  for (const std::string& name : directories_) take(name);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<FileInfo> FakeDisk::Stat(const std::string& given) {
  MutexLock lock(mutex_);
  const std::string path = WithoutSlash(given);
  RETURN_IF_ERROR(Begin("stat", path));
  if (directories_.contains(path)) return FileInfo{.is_directory = true};
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, Find("stat", path));
  return FileInfo{.size_bytes = file->contents.size(), .modified = file->modified};
}

absl::StatusOr<uint64_t> FakeDisk::FreeBytes(const std::string&) {
  MutexLock lock(mutex_);
  return FreeBytesNow();
}

}  // namespace trainyard::base
