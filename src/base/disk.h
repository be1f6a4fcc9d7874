// Files, as far as the server's own state is concerned. Everything that a job can reach is opened
// by objects, with other rules.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace trainyard::base {

struct FileInfo {
  uint64_t size_bytes = 0;
  bool is_directory = false;
  absl::Time modified;
};

// A file open for appending. Threads: one at a time.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  virtual absl::Status Append(absl::string_view bytes) = 0;
  // What was appended is on stable storage when this returns OK. After a failure the file must not
  // be used again.
  virtual absl::Status Sync() = 0;
  virtual uint64_t size_bytes() const = 0;
};

// Threads: any. Paths are absolute. NOT_FOUND where the file is not there.
class Disk {
 public:
  virtual ~Disk() = default;
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;
  // At most `length` bytes from `offset`; fewer at the end of the file.
  virtual absl::StatusOr<std::string> ReadRange(const std::string& path, uint64_t offset,
                                                uint64_t length) = 0;
  // All or nothing, durable on return: temporary file, fsync, rename, fsync of the directory. A
  // crash may leave the temporary file: PATH.XXXXXX.tmp.
  virtual absl::Status WriteAtomically(const std::string& path, absl::string_view contents,
                                       mode_t mode) = 0;
  // Creates the file with `mode` when it is not there.
  virtual absl::StatusOr<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path,
                                                                 mode_t mode) = 0;
  // Durable on return.
  virtual absl::Status Truncate(const std::string& path, uint64_t size_bytes) = 0;
  // Replaces `to`. Durable on return: fsync of both directories.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // OK when it was not there. After a crash of the machine it may be there again.
  virtual absl::Status Remove(const std::string& path) = 0;
  // Never follows a link out of the tree, never enters a mount point (FAILED_PRECONDITION). OK when
  // it was not there.
  virtual absl::Status RemoveTree(const std::string& path) = 0;
  // With all parents; each that it makes gets `mode`. Durable with the first file made durable
  // there.
  virtual absl::Status MakeDirectories(const std::string& path, mode_t mode) = 0;
  // Names without the directory, sorted.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  // Of a link itself, not of what it leads to.
  virtual absl::StatusOr<FileInfo> Stat(const std::string& path) = 0;
  virtual absl::StatusOr<uint64_t> FreeBytes(const std::string& path) = 0;
};

class RealDisk : public Disk {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override;
  absl::StatusOr<std::string> ReadRange(const std::string& path, uint64_t offset,
                                        uint64_t length) override;
  absl::Status WriteAtomically(const std::string& path, absl::string_view contents,
                               mode_t mode) override;
  absl::StatusOr<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path,
                                                         mode_t mode) override;
  absl::Status Truncate(const std::string& path, uint64_t size_bytes) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status RemoveTree(const std::string& path) override;
  absl::Status MakeDirectories(const std::string& path, mode_t mode) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<FileInfo> Stat(const std::string& path) override;
  absl::StatusOr<uint64_t> FreeBytes(const std::string& path) override;
};

}  // namespace trainyard::base
