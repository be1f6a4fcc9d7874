// Bytes on their way to become an object: a file in the store's own directory, on the buckets'
// filesystem, which no job sees.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/descriptor.h"
#include "objects/beneath.h"
#include "objects/hasher.h"

namespace trainyard::objects {

// Threads: one at a time.
class StagedFile {
 public:
  // Opens or makes `name`; what it holds already is hashed again.
  static absl::StatusOr<StagedFile> Open(int directory, const std::string& name);

  // All or nothing.
  absl::Status Append(absl::string_view bytes);
  uint64_t size_bytes() const { return size_bytes_; }
  // Makes the bytes durable and the file fit for a bucket: mode 0666, its owner. Then no Append.
  absl::Status Seal(const Ownership& ownership);
  uint32_t crc32c() const { return hasher_.crc32c(); }
  const std::string& md5() const { return md5_; }  // after Seal
  int file() const { return file_.get(); }
  const std::string& name() const { return name_; }

 private:
  StagedFile(base::Descriptor file, std::string name)
      : file_(std::move(file)), name_(std::move(name)) {}
  absl::Status HashWhatIsThere();

  base::Descriptor file_;
  std::string name_;
  uint64_t size_bytes_ = 0;
  Hasher hasher_;
  std::string md5_;
};

}  // namespace trainyard::objects
