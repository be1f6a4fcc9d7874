#include "api/storage_request.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "api/multipart.h"
#include "base/random.h"

namespace trainyard::api {
namespace {

using N = StorageNoun;

TEST(StorageTarget, Paths) {
  struct Case {
    const char* path;
    StorageNoun noun;
    const char* bucket;
    const char* object;
    const char* to;
  };
  const Case kCases[] = {
      {"/storage/v1/b", N::kBuckets, "", "", ""},
      {"/storage/v1/b/", N::kBuckets, "", "", ""},
      {"/storage/v1/b/x", N::kBucket, "x", "", ""},
      {"/storage/v1/b/x/iam", N::kBucketIam, "x", "", ""},
      {"/storage/v1/b/x/iam/testPermissions", N::kBucketIamTest, "x", "", ""},
      {"/storage/v1/b/x/storageLayout", N::kBucketLayout, "x", "", ""},
      {"/storage/v1/b/x/acl/allUsers", N::kBucketAcl, "x", "", ""},
      {"/storage/v1/b/x/o", N::kObjects, "x", "", ""},
      {"/storage/v1/b/x/o/a", N::kObject, "x", "a", ""},
      {"/storage/v1/b/x/o/a%2Fb%3Ac%20%C3%A4%252F+", N::kObject, "x", "a/b:c \xc3\xa4%2F+", ""},
      {"/storage/v1/b/x/o/dir%2F", N::kObject, "x", "dir/", ""},
      {"/storage/v1/b/x/o/a/compose", N::kCompose, "x", "a", ""},
      {"/storage/v1/b/x/o/compose", N::kObject, "x", "compose", ""},
      {"/storage/v1/b/x/o/a/acl", N::kBucketAcl, "x", "a", ""},
      {"/storage/v1/b/x/o/a/rewriteTo/b/y/o/c%2Fd", N::kRewrite, "x", "a", "y c/d"},
      {"/storage/v1/b/x/o/a/copyTo/b/y/o/c", N::kRewrite, "x", "a", "y c"},
      {"/storage/v1/b/x/o/a/moveTo/o/c", N::kMove, "x", "a", "x c"},
      {"/upload/storage/v1/b/x/o", N::kUpload, "x", "", ""},
      {"/resumable/upload/storage/v1/b/x/o", N::kUpload, "x", "", ""},
      {"/download/storage/v1/b/x/o/a%2Fb", N::kDownload, "x", "a/b", ""}};
  for (const Case& test : kCases) {
    absl::StatusOr<StorageTarget> target = ParseStorageTarget(test.path);
    ASSERT_TRUE(target.ok()) << test.path << target.status();
    EXPECT_EQ(target->noun, test.noun) << test.path;
    EXPECT_EQ(target->bucket, test.bucket) << test.path;
    EXPECT_EQ(target->object, test.object) << test.path;
    std::string to = target->to_bucket.empty() ? "" : target->to_bucket + " " + target->to_object;
    EXPECT_EQ(to, test.to) << test.path;
  }
  for (const char* path :
       {"", "/", "/storage/v1", "/storage/v1/c", "/storage/v1/bx", "/storage/v1/b/x/y",
        "/storage/v1/b/x/o/a/b", "/storage/v1/b/x/o/a/rewriteTo/b/y", "/upload/storage/v1/b",
        "/upload/storage/v1/b/x/o/a", "/download/storage/v1/b/x", "/download/storage/v1/b/x/o"}) {
    EXPECT_TRUE(absl::IsNotFound(ParseStorageTarget(path).status())) << path;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ParseStorageTarget("/storage/v1/b/x/o/%zz").status()));
}

TEST(Range, OneRangeIsHeededAndNothingElse) {
  struct Case {
    const char* header;
    uint64_t size;
    RangeKind kind;
    uint64_t first, end;
  };
  const Case kCases[] = {{"", 10, RangeKind::kAll, 0, 0},
                         {"bytes=0-0", 10, RangeKind::kPart, 0, 1},
                         {"bytes=2-5", 10, RangeKind::kPart, 2, 6},
                         {"bytes=2-", 10, RangeKind::kPart, 2, 10},
                         {"bytes=2-99", 10, RangeKind::kPart, 2, 10},
                         {"bytes=-3", 10, RangeKind::kPart, 7, 10},
                         {"bytes=-30", 10, RangeKind::kPart, 0, 10},
                         {"bytes=9-9", 10, RangeKind::kPart, 9, 10},
                         {"bytes=10-", 10, RangeKind::kUnsatisfiable, 0, 0},
                         {"bytes=0-", 0, RangeKind::kUnsatisfiable, 0, 0},
                         {"bytes=-0", 10, RangeKind::kUnsatisfiable, 0, 0},
                         {"bytes=-5", 0, RangeKind::kUnsatisfiable, 0, 0},
                         {"bytes=5-2", 10, RangeKind::kAll, 0, 0},
                         {"bytes=1-2,4-5", 10, RangeKind::kAll, 0, 0},
                         {"bytes=a-b", 10, RangeKind::kAll, 0, 0},
                         {"bytes=-", 10, RangeKind::kAll, 0, 0},
                         {"bytes=5", 10, RangeKind::kAll, 0, 0},
                         {"items=0-1", 10, RangeKind::kAll, 0, 0},
                         {"bytes=0-18446744073709551615", 10, RangeKind::kPart, 0, 10},
                         {"bytes=99999999999999999999-", 10, RangeKind::kAll, 0, 0},
                         {"bytes=+1-2", 10, RangeKind::kAll, 0, 0}};
  for (const Case& test : kCases) {
    ByteRange range;
    EXPECT_EQ(ParseRange(test.header, test.size, range), test.kind) << test.header;
    EXPECT_EQ(range.first, test.first) << test.header;
    EXPECT_EQ(range.end, test.end) << test.header;
  }
}

TEST(ContentRange, EveryForm) {
  struct Case {
    const char* header;
    bool has_bytes;
    uint64_t first, end;
    std::optional<uint64_t> total;
  };
  const Case kCases[] = {{"bytes 0-9/10", true, 0, 10, 10},
                         {"bytes 5-9/*", true, 5, 10, std::nullopt},
                         {"bytes */10", false, 0, 0, 10},
                         {"bytes */*", false, 0, 0, std::nullopt},
                         {"bytes */0", false, 0, 0, 0},
                         {"bytes=0-9/10", true, 0, 10, 10},
                         {"bytes 7-*/*", true, 7, UINT64_MAX, std::nullopt}};
  for (const Case& test : kCases) {
    absl::StatusOr<UploadRange> range = ParseContentRange(test.header);
    ASSERT_TRUE(range.ok()) << test.header;
    EXPECT_EQ(range->has_bytes, test.has_bytes) << test.header;
    EXPECT_EQ(range->first, test.first) << test.header;
    EXPECT_EQ(range->end, test.end) << test.header;
    EXPECT_EQ(range->total, test.total) << test.header;
  }
  for (const char* header :
       {"", "bytes", "bytes 0-9", "bytes 9-0/10", "bytes 0-10/10", "bytes -5/10", "bytes 0-/10",
        "bytes a-b/c", "items 0-1/2", "bytes 0-18446744073709551615/*", "bytes */"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseContentRange(header).status())) << header;
  }
}

TEST(Preconditions, FromTheQuery) {
  edge::HttpRequest request;
  request.query = {{"ifGenerationMatch", "0"},
                   {"ifMetagenerationNotMatch", "7"},
                   {"ifSourceGenerationMatch", "9"}};
  objects::Preconditions own = *ParsePreconditions(request, "if");
  EXPECT_EQ(own.if_generation_match, 0);
  EXPECT_EQ(own.if_generation_not_match, -1);
  EXPECT_EQ(own.if_metageneration_not_match, 7);
  EXPECT_EQ(ParsePreconditions(request, "ifSource")->if_generation_match, 9);
  for (const char* value : {"", "-1", "x", "9223372036854775808"}) {
    request.query = {{"ifGenerationMatch", value}};
    EXPECT_TRUE(absl::IsInvalidArgument(ParsePreconditions(request, "if").status())) << value;
  }
}

TEST(HashHeaders, BothSpellings) {
  edge::HttpRequest request;
  request.headers = {{"x-goog-hash", "crc32c=AAAAAA==,md5=BBBB"}};
  EXPECT_EQ(ParseHashHeaders(request).crc32c_base64, "AAAAAA==");
  EXPECT_EQ(ParseHashHeaders(request).md5_base64, "BBBB");
  request.headers = {{"x-goog-hash", "crc32c=A"}, {"x-goog-hash", "md5=B"}, {"content-md5", "C"}};
  EXPECT_EQ(ParseHashHeaders(request).crc32c_base64, "A");
  EXPECT_EQ(ParseHashHeaders(request).md5_base64, "B");
}

// --- multipart ---

class ChunkedBody : public edge::BodyReader {
 public:
  ChunkedBody(std::string bytes, size_t chunk) : bytes_(std::move(bytes)), chunk_(chunk) {}
  absl::StatusOr<std::string> Read(size_t length) override {
    std::string bytes = bytes_.substr(position_, std::min(length, chunk_));
    position_ += bytes.size();
    return bytes;
  }

 private:
  const std::string bytes_;
  const size_t chunk_;
  size_t position_ = 0;
};

struct Parts {
  std::string json, content_type, bytes;
};

absl::StatusOr<Parts> ReadAll(const std::string& type, const std::string& text, size_t chunk) {
  ChunkedBody body(text, chunk);
  auto reader = MultipartReader::Create(type, body);
  if (!reader.ok()) return reader.status();
  Parts parts;
  auto json = reader->ReadJson(1000);
  if (!json.ok()) return json.status();
  parts.json = *json;
  auto content_type = reader->ReadContentType();
  if (!content_type.ok()) return content_type.status();
  parts.content_type = *content_type;
  while (true) {
    auto bytes = reader->ReadBytes(7);
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) return parts;
    parts.bytes += *bytes;
  }
}

TEST(Multipart, WhateverTheChunksAndTheBytes) {
  base::SeededRandom random(1);
  std::string noise;
  for (int i = 0; i < 3000; ++i) noise.push_back(static_cast<char>(random.Uint64()));
  for (const std::string& bytes : {std::string(), std::string("x"), std::string("a\r\n--\r\n--b"),
                                   std::string("\r\n--BB\r\n"), std::string("--B"), noise}) {
    for (const std::string& eol : {std::string("\r\n"), std::string("\n")}) {
      std::string text = "--B" + eol + "content-type: application/json; charset=UTF-8" + eol + eol +
                         "{\"name\": \"a\"}" + eol + "--B" + eol + "Content-Type: text/plain" +
                         eol + "Content-Transfer-Encoding: binary" + eol + eol + bytes + eol +
                         "--B--";
      bool ambiguous = bytes.find(eol + "--B") != std::string::npos;
      for (size_t chunk : {1, 2, 3, 10, 100'000}) {
        for (const char* type :
             {"multipart/related; boundary=B", "multipart/related; boundary=\"B\"",
              "multipart/related;boundary='B'; charset=x"}) {
          absl::StatusOr<Parts> parts = ReadAll(type, text, chunk);
          ASSERT_TRUE(parts.ok()) << parts.status();
          EXPECT_EQ(parts->json, "{\"name\": \"a\"}");
          EXPECT_EQ(parts->content_type, "text/plain");
          EXPECT_TRUE(ambiguous || parts->bytes == bytes);
        }
      }
    }
  }
}

TEST(Multipart, WhatIsMalformedIsSaid) {
  const std::string type = "multipart/related; boundary=B";
  const std::string good = "--B\r\n\r\n{}\r\n--B\r\n\r\nbytes\r\n--B--";
  ASSERT_TRUE(ReadAll(type, good, 5).ok());
  for (size_t length = 0; length < good.size() - 2; ++length) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadAll(type, good.substr(0, length), 5).status()))
        << length;
  }
  const std::pair<std::string, std::string> kBad[] = {
      {"multipart/related", good},
      {"multipart/related; boundary=", good},
      {"multipart/related; boundary=" + std::string(300, 'x'), good},
      {type, "no boundary\r\n" + good},
      {type, "--B\r\n\r\n{}\r\n--B--\r\n"},
      {type, "--B\r\n\r\n" + std::string(2000, ' ') + "\r\n--B\r\n\r\n\r\n--B--"},
      {type, "--B\r\n" + std::string(10'000, 'h')},
      {type, "--B\r\n" + [] {
         std::string headers;
         for (int i = 0; i < 100; ++i) headers += "a: b\r\n";
         return headers;
       }()}};
  for (const auto& [content_type, text] : kBad) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadAll(content_type, text, 100).status())) << text;
  }
}

}  // namespace
}  // namespace trainyard::api
