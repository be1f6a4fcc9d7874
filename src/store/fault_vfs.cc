#include "store/fault_vfs.h"

#include <fstream>
#include <new>
#include <utility>

#include "base/log.h"

namespace trainyard::store {
namespace {

void Apply(uint64_t offset, const std::string& bytes, std::string& contents) {
  if (contents.size() < offset + bytes.size()) contents.resize(offset + bytes.size());
  contents.replace(offset, bytes.size(), bytes);
}

}  // namespace

struct FaultVfs::File {
  sqlite3_file base;
  FaultVfs* owner;
  std::string* path;

  static File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  // SQLite reserves the room for both: ours, then the real one.
  static sqlite3_file* Real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(Of(file) + 1);
  }
  static const sqlite3_io_methods& Methods(sqlite3_file* file) { return *Real(file)->pMethods; }
};

FaultVfs::FaultVfs(std::string name)
    : name_(std::move(name)),
      real_(sqlite3_vfs_find(nullptr)),
      vfs_(*real_),
      methods_(MakeMethods()) {
  vfs_.zName = name_.c_str();
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  vfs_.pAppData = this;
  vfs_.xOpen = &FaultVfs::Open;
  vfs_.xDelete = &FaultVfs::Delete;
  CHECK(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(&vfs_); }

int FaultVfs::Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  FaultVfs* self = static_cast<FaultVfs*>(vfs->pAppData);
  File* ours = new (file) File{{nullptr}, self, nullptr};
  sqlite3_file* real = File::Real(file);
  real->pMethods = nullptr;
  int code = self->real_->xOpen(self->real_, path, real, flags, out);
  if (code != SQLITE_OK) return code;
  ours->path = new std::string(path == nullptr ? "" : path);
  ours->base.pMethods = &self->methods_;
  return SQLITE_OK;
}

int FaultVfs::Delete(sqlite3_vfs* vfs, const char* path, int sync) {
  FaultVfs* self = static_cast<FaultVfs*>(vfs->pAppData);
  {
    base::MutexLock lock(self->mutex_);
    self->files_.erase(path);
  }
  return self->real_->xDelete(self->real_, path, sync);
}

sqlite3_io_methods FaultVfs::MakeMethods() {
  using F = sqlite3_file;
  sqlite3_io_methods m = {};
  m.iVersion = 2;  // no xFetch: everything goes through xRead
  m.xClose = [](F* f) {
    int code = File::Methods(f).xClose(File::Real(f));
    delete File::Of(f)->path;
    return code;
  };
  m.xRead = [](F* f, void* bytes, int count, sqlite3_int64 offset) {
    int code = File::Of(f)->owner->Ask("read", *File::Of(f)->path);
    return code != SQLITE_OK ? code : File::Methods(f).xRead(File::Real(f), bytes, count, offset);
  };
  m.xWrite = [](F* f, const void* bytes, int count, sqlite3_int64 offset) {
    File* file = File::Of(f);
    int code = file->owner->Ask("write", *file->path);
    if (code == SQLITE_OK) code = File::Methods(f).xWrite(File::Real(f), bytes, count, offset);
    if (code == SQLITE_OK) file->owner->NoteWrite(*file->path, bytes, count, offset);
    return code;
  };
  m.xTruncate = [](F* f, sqlite3_int64 size) {
    File::Of(f)->owner->NoteTruncate(*File::Of(f)->path, size);
    return File::Methods(f).xTruncate(File::Real(f), size);
  };
  m.xSync = [](F* f, int flags) {
    File* file = File::Of(f);
    int code = file->owner->Ask("sync", *file->path);
    if (code == SQLITE_OK) code = File::Methods(f).xSync(File::Real(f), flags);
    if (code == SQLITE_OK) file->owner->NoteSync(*file->path);
    return code;
  };
  m.xFileSize = [](F* f, sqlite3_int64* size) {
    return File::Methods(f).xFileSize(File::Real(f), size);
  };
  m.xLock = [](F* f, int level) { return File::Methods(f).xLock(File::Real(f), level); };
  m.xUnlock = [](F* f, int level) { return File::Methods(f).xUnlock(File::Real(f), level); };
  m.xCheckReservedLock = [](F* f, int* out) {
    return File::Methods(f).xCheckReservedLock(File::Real(f), out);
  };
  m.xFileControl = [](F* f, int op, void* argument) {
    return File::Methods(f).xFileControl(File::Real(f), op, argument);
  };
  m.xSectorSize = [](F* f) { return File::Methods(f).xSectorSize(File::Real(f)); };
  m.xDeviceCharacteristics = [](F* f) {
    return File::Methods(f).xDeviceCharacteristics(File::Real(f));
  };
  m.xShmMap = [](F* f, int page, int bytes, int extend, void volatile** out) {
    return File::Methods(f).xShmMap(File::Real(f), page, bytes, extend, out);
  };
  m.xShmLock = [](F* f, int offset, int count, int flags) {
    return File::Methods(f).xShmLock(File::Real(f), offset, count, flags);
  };
  m.xShmBarrier = [](F* f) { File::Methods(f).xShmBarrier(File::Real(f)); };
  m.xShmUnmap = [](F* f, int remove) { return File::Methods(f).xShmUnmap(File::Real(f), remove); };
  return m;
}

void FaultVfs::SetFault(Fault fault) {
  base::MutexLock lock(mutex_);
  fault_ = std::move(fault);
}

int FaultVfs::Ask(absl::string_view operation, const std::string& path) {
  base::MutexLock lock(mutex_);
  return fault_ == nullptr ? SQLITE_OK : fault_(operation, path);
}

void FaultVfs::NoteWrite(const std::string& path, const void* bytes, int count, int64_t offset) {
  base::MutexLock lock(mutex_);
  files_[path].unsynced.push_back(
      {static_cast<uint64_t>(offset),
       std::string(static_cast<const char*>(bytes), static_cast<size_t>(count))});
}

void FaultVfs::NoteTruncate(const std::string& path, int64_t size) {
  base::MutexLock lock(mutex_);
  Contents& contents = files_[path];
  for (const Written& written : contents.unsynced) {
    Apply(written.offset, written.bytes, contents.synced);
  }
  contents.unsynced.clear();
  contents.synced.resize(static_cast<size_t>(size));
}

void FaultVfs::NoteSync(const std::string& path) {
  base::MutexLock lock(mutex_);
  Contents& contents = files_[path];
  for (const Written& written : contents.unsynced) {
    Apply(written.offset, written.bytes, contents.synced);
  }
  contents.unsynced.clear();
}

bool FaultVfs::HasUnsynced(const std::string& path) const {
  base::MutexLock lock(mutex_);
  auto file = files_.find(path);
  return file != files_.end() && !file->second.unsynced.empty();
}

void FaultVfs::SaveAfterPowerLoss(const std::string& directory, base::SeededRandom& random) const {
  base::MutexLock lock(mutex_);
  for (const auto& [path, contents] : files_) {
    std::string left = contents.synced;
    for (const Written& written : contents.unsynced) {
      if (random.Below(2) == 0) Apply(written.offset, written.bytes, left);
    }
    std::ofstream out(directory + path.substr(path.rfind('/')), std::ios::binary);
    out << left;
    CHECK(out.good());
  }
}

}  // namespace trainyard::store
