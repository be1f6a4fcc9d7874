// Files below a directory that untrusted programs write to: the only way that the object store
// opens anything in a bucket.
//
// Every call resolves with openat2(RESOLVE_BENEATH | NO_SYMLINKS | NO_MAGICLINKS | NO_XDEV): no
// name, link or mount leads out, whatever changes meanwhile. Threads: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/descriptor.h"

namespace trainyard::objects {

// Tells one state of a file from every other.
struct Fingerprint {
  uint64_t inode = 0;
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  bool operator==(const Fingerprint&) const = default;
};

absl::StatusOr<base::Descriptor> OpenDirectory(const std::string& path);

// `path` is relative; "" is the directory itself. NOT_FOUND also for what a link or another
// filesystem hides.
absl::StatusOr<base::Descriptor> OpenDirectoryBeneath(int directory, const std::string& path);

// An object's file, for reading. NOT_FOUND for what is no object: no regular file, more than one
// link, set-user-id or set-group-id.
absl::StatusOr<base::Descriptor> OpenObjectBeneath(int directory, const std::string& path,
                                                   Fingerprint& fingerprint);

// The same without opening it: nothing happens to a FIFO or a device.
absl::StatusOr<Fingerprint> StatObjectBeneath(int directory, const std::string& path);
absl::StatusOr<Fingerprint> FingerprintOf(int file);

// The inode of a directory.
absl::StatusOr<uint64_t> StatDirectoryBeneath(int directory, const std::string& path);

// How directories are made: mode 0777, default ACL rwx for everyone, owner when not 0.
struct Ownership {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Opens `path`, making what is missing. INVALID_ARGUMENT, with a sentence, where a file is in the
// way.
absl::StatusOr<base::Descriptor> MakeDirectoriesBeneath(int directory, const std::string& path,
                                                        const Ownership& ownership);

// Mode 0777 and the default ACL. A filesystem without ACLs is passed over.
absl::Status OpenToEveryone(int directory, const Ownership& ownership);

// Removes directory `name` when there are only directories below it, `depth_max` deep. True when it
// is gone.
bool RemoveEmptyTree(int parent, const std::string& name, int depth_max = 128);

struct DirectoryEntry {
  std::string key;  // its name; a directory's ends in a slash, so that keys sort as objects do
  bool is_directory() const { return key.back() == '/'; }
};

// Sorted. Leaves out what is neither a file nor a directory.
absl::StatusOr<std::vector<DirectoryEntry>> ListDirectory(int directory);

}  // namespace trainyard::objects
