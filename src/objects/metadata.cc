#include "objects/metadata.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "objects/string_map.h"

namespace trainyard::objects {
namespace {

constexpr int64_t kSchemaVersion = 1;

constexpr char kTables[] = R"(
BEGIN;
CREATE TABLE IF NOT EXISTS buckets(
  name PRIMARY KEY, project, location, created_us, updated_us, metageneration, storage_class,
  labels, iam_policy) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects(
  bucket, name, inode, size_bytes, modified_ns, changed_ns, generation, metageneration, crc32c, md5,
  content_type, headers, metadata, created_us, updated_us, PRIMARY KEY(bucket, name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_by_generation ON objects(generation);
CREATE TABLE IF NOT EXISTS uploads(
  id PRIMARY KEY, bucket, name, content_type, headers, metadata, crc32c, md5,
  if_generation_match, if_generation_not_match, if_metageneration_match,
  if_metageneration_not_match, created_us) WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
)";

Bucket TakeBucket(Query& query) {
  Bucket bucket;
  bucket.name = query.NextText();
  bucket.project = query.NextText();
  bucket.location = query.NextText();
  bucket.created = absl::FromUnixMicros(query.NextInt());
  bucket.updated = absl::FromUnixMicros(query.NextInt());
  bucket.metageneration = query.NextInt();
  bucket.storage_class = query.NextText();
  bucket.labels = DecodeMap(query.NextText());
  bucket.iam_policy = query.NextText();
  return bucket;
}

ObjectRow TakeObject(Query& query) {
  ObjectRow row;
  row.fingerprint.inode = static_cast<uint64_t>(query.NextInt());
  row.fingerprint.size_bytes = static_cast<uint64_t>(query.NextInt());
  row.fingerprint.modified_ns = query.NextInt();
  row.fingerprint.changed_ns = query.NextInt();
  row.generation = query.NextInt();
  row.metageneration = query.NextInt();
  bool known = !query.NextIsNull();
  uint32_t crc32c = static_cast<uint32_t>(query.NextInt());
  if (known) row.crc32c = crc32c;
  row.md5 = query.NextText();
  row.attributes.content_type = query.NextText();
  row.attributes.headers = DecodeMap(query.NextText());
  row.attributes.metadata = DecodeMap(query.NextText());
  row.created_us = query.NextInt();
  row.updated_us = query.NextInt();
  return row;
}

constexpr absl::string_view kObjectColumns =
    "inode, size_bytes, modified_ns, changed_ns, generation, metageneration, crc32c, md5, "
    "content_type, headers, metadata, created_us, updated_us";

}  // namespace

absl::StatusOr<std::unique_ptr<Metadata>> Metadata::Open(const std::string& path) {
  ASSIGN_OR_RETURN(Database database, OpenDatabase(path));
  std::unique_ptr<Metadata> metadata(new Metadata(std::move(database)));
  RETURN_IF_ERROR(base::Annotate(metadata->CreateTables(), path));
  return metadata;
}

absl::Status Metadata::CreateTables() {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query, Query::Prepare(database_.get(), "PRAGMA user_version"));
  ASSIGN_OR_RETURN(bool found, query.Step());
  int64_t version = found ? query.NextInt() : 0;
  if (version > kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrCat("a newer trainyard wrote this file (version ",
                                                      version, "; this one knows ", kSchemaVersion,
                                                      "): start that one"));
  }
  if (version == kSchemaVersion) return absl::OkStatus();
  return Execute(database_.get(), kTables);
}

absl::Status Metadata::PutBucket(const Bucket& bucket) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(
      Query query,
      Query::Prepare(database_.get(), "INSERT OR REPLACE INTO buckets VALUES(?,?,?,?,?,?,?,?,?)"));
  query.Bind(bucket.name)
      .Bind(bucket.project)
      .Bind(bucket.location)
      .Bind(absl::ToUnixMicros(bucket.created))
      .Bind(absl::ToUnixMicros(bucket.updated))
      .Bind(bucket.metageneration)
      .Bind(bucket.storage_class)
      .Bind(EncodeMap(bucket.labels))
      .Bind(bucket.iam_policy);
  return query.Run();
}

absl::StatusOr<std::optional<Bucket>> Metadata::GetBucket(const std::string& name) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query,
                   Query::Prepare(database_.get(), "SELECT * FROM buckets WHERE name = ?"));
  ASSIGN_OR_RETURN(bool found, query.Bind(name).Step());
  if (!found) return std::nullopt;
  return TakeBucket(query);
}

absl::StatusOr<std::vector<Bucket>> Metadata::ListBuckets(const std::string& project) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query,
                   Query::Prepare(database_.get(),
                                  "SELECT * FROM buckets WHERE ?1 = x'' OR project = ?1 "
                                  "ORDER BY name"));
  query.Bind(project);
  std::vector<Bucket> buckets;
  while (true) {
    ASSIGN_OR_RETURN(bool found, query.Step());
    if (!found) return buckets;
    buckets.push_back(TakeBucket(query));
  }
}

absl::Status Metadata::DeleteBucket(const std::string& name) {
  base::MutexLock lock(mutex_);
  RETURN_IF_ERROR(Execute(database_.get(), "BEGIN IMMEDIATE"));
  absl::Status status;
  for (const char* text :
       {"DELETE FROM objects WHERE bucket = ?", "DELETE FROM uploads WHERE bucket = ?",
        "DELETE FROM buckets WHERE name = ?"}) {
    absl::StatusOr<Query> query = Query::Prepare(database_.get(), text);
    status.Update(query.ok() ? query->Bind(name).Run() : query.status());
  }
  if (status.ok()) return Execute(database_.get(), "COMMIT");
  Execute(database_.get(), "ROLLBACK").IgnoreError();
  return status;
}

absl::Status Metadata::PutObject(const std::string& bucket, const std::string& name,
                                 const ObjectRow& row) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(
      Query query,
      Query::Prepare(database_.get(),
                     absl::StrCat("INSERT OR REPLACE INTO objects(bucket, name, ", kObjectColumns,
                                  ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")));
  query.Bind(bucket)
      .Bind(name)
      .Bind(static_cast<int64_t>(row.fingerprint.inode))
      .Bind(static_cast<int64_t>(row.fingerprint.size_bytes))
      .Bind(row.fingerprint.modified_ns)
      .Bind(row.fingerprint.changed_ns)
      .Bind(row.generation)
      .Bind(row.metageneration);
  row.crc32c.has_value() ? query.Bind(static_cast<int64_t>(*row.crc32c)) : query.BindNull();
  query.Bind(row.md5)
      .Bind(row.attributes.content_type)
      .Bind(EncodeMap(row.attributes.headers))
      .Bind(EncodeMap(row.attributes.metadata))
      .Bind(row.created_us)
      .Bind(row.updated_us);
  return query.Run();
}

absl::StatusOr<std::optional<ObjectRow>> Metadata::GetObject(const std::string& bucket,
                                                             const std::string& name) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query,
                   Query::Prepare(database_.get(), absl::StrCat("SELECT ", kObjectColumns,
                                                                " FROM objects "
                                                                "WHERE bucket = ? AND name = ?")));
  ASSIGN_OR_RETURN(bool found, query.Bind(bucket).Bind(name).Step());
  if (!found) return std::nullopt;
  return TakeObject(query);
}

absl::StatusOr<std::map<std::string, ObjectRow>> Metadata::ListObjects(const std::string& bucket,
                                                                       const std::string& first,
                                                                       const std::string& last) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query,
                   Query::Prepare(database_.get(),
                                  absl::StrCat("SELECT name, ", kObjectColumns, " FROM objects ",
                                               "WHERE bucket = ? AND name >= ? AND name <= ?")));
  query.Bind(bucket).Bind(first).Bind(last);
  std::map<std::string, ObjectRow> rows;
  while (true) {
    ASSIGN_OR_RETURN(bool found, query.Step());
    if (!found) return rows;
    std::string name = query.NextText();
    rows.emplace(std::move(name), TakeObject(query));
  }
}

absl::Status Metadata::DeleteObject(const std::string& bucket, const std::string& name) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query, Query::Prepare(database_.get(),
                                               "DELETE FROM objects "
                                               "WHERE bucket = ? AND name = ?"));
  return query.Bind(bucket).Bind(name).Run();
}

absl::StatusOr<int64_t> Metadata::MaxGeneration() {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query,
                   Query::Prepare(database_.get(), "SELECT max(generation) FROM objects"));
  ASSIGN_OR_RETURN(bool found, query.Step());
  return found ? query.NextInt() : 0;
}

absl::Status Metadata::PutUpload(const UploadRow& row, int64_t created_us) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(
      Query query,
      Query::Prepare(database_.get(), "INSERT INTO uploads VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  query.Bind(row.id)
      .Bind(row.bucket)
      .Bind(row.name)
      .Bind(row.attributes.content_type)
      .Bind(EncodeMap(row.attributes.headers))
      .Bind(EncodeMap(row.attributes.metadata))
      .Bind(row.attributes.checksums.crc32c_base64)
      .Bind(row.attributes.checksums.md5_base64)
      .Bind(row.preconditions.if_generation_match)
      .Bind(row.preconditions.if_generation_not_match)
      .Bind(row.preconditions.if_metageneration_match)
      .Bind(row.preconditions.if_metageneration_not_match)
      .Bind(created_us);
  return query.Run();
}

absl::StatusOr<std::optional<UploadRow>> Metadata::GetUpload(const std::string& id) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query,
                   Query::Prepare(database_.get(), "SELECT * FROM uploads WHERE id = ?"));
  ASSIGN_OR_RETURN(bool found, query.Bind(id).Step());
  if (!found) return std::nullopt;
  UploadRow row;
  row.id = query.NextText();
  row.bucket = query.NextText();
  row.name = query.NextText();
  row.attributes.content_type = query.NextText();
  row.attributes.headers = DecodeMap(query.NextText());
  row.attributes.metadata = DecodeMap(query.NextText());
  row.attributes.checksums.crc32c_base64 = query.NextText();
  row.attributes.checksums.md5_base64 = query.NextText();
  row.preconditions.if_generation_match = query.NextInt();
  row.preconditions.if_generation_not_match = query.NextInt();
  row.preconditions.if_metageneration_match = query.NextInt();
  row.preconditions.if_metageneration_not_match = query.NextInt();
  return row;
}

absl::Status Metadata::DeleteUpload(const std::string& id) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query,
                   Query::Prepare(database_.get(), "DELETE FROM uploads WHERE id = ?"));
  return query.Bind(id).Run();
}

absl::StatusOr<std::vector<std::string>> Metadata::ListUploads(int64_t created_before_us) {
  base::MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Query query,
                   Query::Prepare(database_.get(), "SELECT id FROM uploads WHERE created_us < ?"));
  query.Bind(created_before_us);
  std::vector<std::string> ids;
  while (true) {
    ASSIGN_OR_RETURN(bool found, query.Step());
    if (!found) return ids;
    ids.push_back(query.NextText());
  }
}

}  // namespace trainyard::objects
