#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "cli/session.h"
#include "cli/storage_client.h"

namespace trainyard::cli {
namespace {

namespace fs = std::filesystem;

bool IsRemote(const std::string& path) { return absl::StartsWith(path, "gs://"); }

absl::StatusOr<int> List(StorageClient& storage, const std::string& uri, bool recursive,
                         bool detailed) {
  if (uri.empty()) {
    ASSIGN_OR_RETURN(std::vector<std::string> buckets, storage.ListBuckets());
    for (const std::string& bucket : buckets) std::printf("gs://%s/\n", bucket.c_str());
    return kExitOk;
  }
  ASSIGN_OR_RETURN(ObjectUri parsed, ParseObjectUri(uri));
  ASSIGN_OR_RETURN(std::vector<ListedObject> objects, storage.List(parsed, recursive));
  for (const ListedObject& object : objects) {
    if (detailed && !object.is_prefix) {
      std::printf("%12llu  %s  ", static_cast<unsigned long long>(object.size_bytes),
                  object.updated.c_str());
    }
    std::printf("gs://%s/%s\n", parsed.bucket.c_str(), object.name.c_str());
  }
  return kExitOk;
}

absl::Status DownloadTo(StorageClient& storage, const ObjectUri& uri, const fs::path& path) {
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  fs::path partial = path.string() + ".part";
  std::FILE* file = std::fopen(partial.c_str(), "wb");
  if (file == nullptr) return base::ErrnoStatus(errno, partial.string());
  absl::Status status = storage.Download(uri, [file](const char* data, size_t size) {
    return std::fwrite(data, 1, size, file) == size;
  });
  if (std::fclose(file) != 0 && status.ok()) status = base::ErrnoStatus(errno, partial.string());
  std::error_code error;
  if (!status.ok()) {
    fs::remove(partial, error);
    return status;
  }
  fs::rename(partial, path, error);
  return error ? base::ErrnoStatus(error.value(), path.string()) : absl::OkStatus();
}

// "gs://b/dir/" or an existing directory takes the source's own name.
std::string Inside(const std::string& directory, const std::string& name) {
  return absl::StrCat(directory, absl::EndsWith(directory, "/") ? "" : "/", name);
}

absl::Status CopyUp(StorageClient& storage, const std::string& source, const std::string& target,
                    bool recursive) {
  ASSIGN_OR_RETURN(ObjectUri uri, ParseObjectUri(target));
  if (!fs::is_directory(source)) {
    if (uri.name.empty() || absl::EndsWith(uri.name, "/"))
      uri.name += fs::path(source).filename().string();
    return storage.Upload(source, uri);
  }
  if (!recursive)
    return absl::InvalidArgumentError(absl::StrCat(source, " is a directory: use cp -r"));
  for (const auto& entry : fs::recursive_directory_iterator(source)) {
    if (!entry.is_regular_file()) continue;
    std::string relative = fs::relative(entry.path(), source).string();
    RETURN_IF_ERROR(
        storage.Upload(entry.path().string(),
                       {uri.bucket, uri.name.empty() ? relative : Inside(uri.name, relative)}));
  }
  return absl::OkStatus();
}

absl::Status CopyDown(StorageClient& storage, const std::string& source, const std::string& target,
                      bool recursive) {
  ASSIGN_OR_RETURN(ObjectUri uri, ParseObjectUri(source));
  if (!recursive) {
    if (uri.name.empty())
      return absl::InvalidArgumentError(absl::StrCat(source, " names no object: use cp -r"));
    std::string name = uri.name.substr(uri.name.rfind('/') + 1);
    bool into = fs::is_directory(target) || absl::EndsWith(target, "/");
    return DownloadTo(storage, uri, into ? Inside(target, name) : target);
  }
  ASSIGN_OR_RETURN(std::vector<ListedObject> objects, storage.List(uri, true));
  if (objects.empty()) return absl::NotFoundError(absl::StrCat("nothing below ", source));
  for (const ListedObject& object : objects) {
    if (absl::EndsWith(object.name, "/")) continue;  // a directory's placeholder
    absl::string_view relative = absl::string_view(object.name).substr(uri.name.size());
    while (absl::ConsumePrefix(&relative, "/")) {
    }
    RETURN_IF_ERROR(
        DownloadTo(storage, {uri.bucket, object.name}, Inside(target, std::string(relative))));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Copy(StorageClient& storage, const std::string& source,
                         const std::string& target, bool recursive) {
  if (IsRemote(source) == IsRemote(target)) {
    return absl::InvalidArgumentError(
        "one of the two must be gs://BUCKET/..., the other a local path");
  }
  RETURN_IF_ERROR(IsRemote(target) ? CopyUp(storage, source, target, recursive)
                                   : CopyDown(storage, source, target, recursive));
  return kExitOk;
}

absl::StatusOr<int> Cat(StorageClient& storage, const std::vector<std::string>& uris) {
  for (const std::string& text : uris) {
    ASSIGN_OR_RETURN(ObjectUri uri, ParseObjectUri(text));
    RETURN_IF_ERROR(storage.Download(uri, [](const char* data, size_t size) {
      return std::fwrite(data, 1, size, stdout) == size;
    }));
  }
  return kExitOk;
}

absl::StatusOr<int> Remove(StorageClient& storage, const std::vector<std::string>& uris,
                           bool recursive) {
  for (const std::string& text : uris) {
    ASSIGN_OR_RETURN(ObjectUri uri, ParseObjectUri(text));
    if (!recursive) {
      if (uri.name.empty())
        return absl::InvalidArgumentError(absl::StrCat(text, " is a bucket: use rm -r"));
      RETURN_IF_ERROR(storage.Delete(uri));
      continue;
    }
    ASSIGN_OR_RETURN(std::vector<ListedObject> objects, storage.List(uri, true));
    for (const ListedObject& object : objects) {
      // "dir" also begins "directory2": only what lies below goes.
      if (!uri.name.empty() && object.name != uri.name &&
          !absl::StartsWith(object.name, Inside(uri.name, "")))
        continue;
      RETURN_IF_ERROR(storage.Delete({uri.bucket, object.name}));
    }
    if (uri.name.empty()) RETURN_IF_ERROR(storage.DeleteBucket(uri.bucket));
  }
  return kExitOk;
}

std::function<int()> With(Session& session,
                          std::function<absl::StatusOr<int>(StorageClient&)> run) {
  return Act([&session, run = std::move(run)]() -> absl::StatusOr<int> {
    ASSIGN_OR_RETURN(ApiClient * client, session.Client());
    StorageClient storage(session.target, *client);
    return run(storage);
  });
}

struct Flags {
  std::string source, target;
  std::vector<std::string> uris;
  bool recursive = false, detailed = false;
};

}  // namespace

void AddStorageCommands(CLI::App& app, Session& session) {
  auto flags = std::make_shared<Flags>();
  CLI::App* storage = app.add_subcommand("storage", "Buckets and objects: ls, cp, cat, rm, mb");
  storage->require_subcommand(1);

  CLI::App* list = storage->add_subcommand("ls", "Buckets, or what lies below gs://BUCKET/PREFIX");
  list->add_option("URI", flags->source, "gs://BUCKET/PREFIX");
  list->add_flag("-r,--recursive", flags->recursive, "All levels");
  list->add_flag("-l,--long", flags->detailed, "Sizes and times");
  list->callback([&session, flags] {
    session.action = With(session, [flags](StorageClient& client) {
      return List(client, flags->source, flags->recursive, flags->detailed);
    });
  });

  CLI::App* copy = storage->add_subcommand(
      "cp", "Copies up or down:  trainyard storage cp model.pkl gs://b/models/");
  copy->add_option("SOURCE", flags->source, "Local path or gs:// object")->required();
  copy->add_option("TARGET", flags->target, "gs:// object or local path")->required();
  copy->add_flag("-r,--recursive", flags->recursive, "Whole directories");
  copy->callback([&session, flags] {
    session.action = With(session, [flags](StorageClient& client) {
      return Copy(client, flags->source, flags->target, flags->recursive);
    });
  });

  CLI::App* cat = storage->add_subcommand("cat", "Prints objects");
  cat->add_option("URI", flags->uris, "gs://BUCKET/OBJECT")->required();
  cat->callback([&session, flags] {
    session.action =
        With(session, [flags](StorageClient& client) { return Cat(client, flags->uris); });
  });

  CLI::App* remove = storage->add_subcommand(
      "rm", "Deletes objects; with -r everything below, and the bucket itself");
  remove->add_option("URI", flags->uris, "gs://BUCKET/OBJECT")->required();
  remove->add_flag("-r,--recursive", flags->recursive, "Everything below");
  remove->callback([&session, flags] {
    session.action = With(session, [flags](StorageClient& client) {
      return Remove(client, flags->uris, flags->recursive);
    });
  });

  CLI::App* make =
      storage->add_subcommand("mb", "Makes a bucket:  trainyard storage mb gs://my-bucket");
  make->add_option("URI", flags->source, "gs://BUCKET")->required();
  make->callback([&session, flags] {
    session.action = With(session, [flags](StorageClient& client) -> absl::StatusOr<int> {
      ASSIGN_OR_RETURN(ObjectUri uri, ParseObjectUri(flags->source));
      RETURN_IF_ERROR(client.CreateBucket(uri.bucket));
      return kExitOk;
    });
  });
}

}  // namespace trainyard::cli
