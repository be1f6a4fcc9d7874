#include "api/storage_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "api/storage_json.h"
#include "base/clock.h"
#include "base/random.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::api {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class TextBody : public edge::BodyReader {
 public:
  explicit TextBody(std::string bytes) : bytes_(std::move(bytes)) {}
  absl::StatusOr<std::string> Read(size_t length) override {
    std::string bytes = bytes_.substr(position_, length);
    position_ += bytes.size();
    if (bytes.empty() && cut_) return absl::CancelledError("The client has gone.");
    return bytes;
  }
  bool cut_ = false;

 private:
  const std::string bytes_;
  size_t position_ = 0;
};

struct Reply : public edge::HttpWriter {
  absl::Status Start(int given_status, const edge::Headers& given, int64_t length) override {
    EXPECT_EQ(status, 0);
    status = given_status;
    headers = given;
    content_length = length;
    return absl::OkStatus();
  }
  absl::Status Write(absl::string_view bytes) override {
    absl::StrAppend(&body, bytes);
    return absl::OkStatus();
  }
  std::string Header(absl::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return "";
  }
  // A member of the JSON body, by its path: "error.code", "items.0.name".
  std::string Json(const std::string& path) const {
    google::protobuf::Value value;
    if (!google::protobuf::util::JsonStringToMessage(body, &value).ok()) return "no JSON: " + body;
    for (absl::string_view key : absl::StrSplit(path, '.')) {
      int index = 0;
      if (value.has_list_value() && absl::SimpleAtoi(key, &index)) {
        if (index >= value.list_value().values_size()) return "";
        value = google::protobuf::Value(value.list_value().values(index));
      } else {
        auto& fields = *value.mutable_struct_value()->mutable_fields();
        value = google::protobuf::Value(fields[std::string(key)]);
      }
    }
    if (value.has_number_value()) return absl::StrCat(value.number_value());
    if (value.has_bool_value()) return value.bool_value() ? "true" : "false";
    return value.string_value();
  }

  int status = 0;
  edge::Headers headers;
  int64_t content_length = -2;
  std::string body;
};

class RolePolicy : public edge::Policy {
 public:
  absl::Status Check(const edge::Caller& caller, absl::string_view permission,
                     absl::string_view resource) override {
    asked.emplace_back(absl::StrCat(permission, " ", resource));
    bool reads = absl::EndsWith(permission, ".get") || absl::EndsWith(permission, ".list");
    if (caller.account == "owner@x" || (caller.account == "viewer@x" && reads)) {
      return absl::OkStatus();
    }
    return absl::PermissionDeniedError("no");
  }
  std::vector<std::string> asked;
};

class ListAudit : public edge::Audit {
 public:
  void Record(const edge::AuditRecord& record) override {
    lines.push_back(absl::StrCat(record.call.caller.account, " ", record.permission, " ",
                                 record.resource, " ",
                                 absl::StatusCodeToString(record.status.code())));
  }
  std::vector<std::string> lines;
};

struct Options {
  edge::Headers headers;
  std::string body;
  std::string account = "owner@x";
  bool cut = false;
};

class StorageServiceTest : public ::testing::Test {
 protected:
  StorageServiceTest() {
    std::string name = ::testing::TempDir() + "/storage.XXXXXX";
    root_ = mkdtemp(name.data());
    auto store = objects::ObjectStore::Open({root_ + "/data", root_ + "/meta"}, clock_, random_);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    routes_ = StorageRoutes(*store_, policy_, audit_, clock_);
    EXPECT_EQ(Http("POST /storage/v1/b?project=p", {.body = R"({"name":"bkt"})"}).status, 200);
    audit_.lines.clear();
  }
  ~StorageServiceTest() override { std::filesystem::remove_all(root_); }

  // `line` is "METHOD path?query", as on the wire.
  Reply Http(const std::string& line, const Options& options = {}) {
    std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    std::pair<std::string, std::string> target =
        absl::StrSplit(parts.second, absl::MaxSplits('?', 1));
    edge::HttpRequest request;
    request.method = parts.first;
    request.path = target.first;
    for (absl::string_view item : absl::StrSplit(target.second, '&', absl::SkipEmpty())) {
      std::pair<std::string, std::string> pair = absl::StrSplit(item, absl::MaxSplits('=', 1));
      request.query.emplace_back(pair.first, *edge::PercentDecode(pair.second, true));
    }
    request.headers = options.headers;
    request.headers.emplace_back("host", "server:8443");
    request.caller.account = options.account;
    TextBody body(options.body);
    body.cut_ = options.cut;
    request.body = &body;
    Reply reply;
    const edge::HttpRoute* best = nullptr;
    for (const edge::HttpRoute& route : routes_) {
      if (absl::StartsWith(request.path, route.prefix)) best = &route;
    }
    EXPECT_NE(best, nullptr) << line;
    if (best == nullptr) return reply;
    EXPECT_FALSE(best->open);
    best->handler(request, reply);
    EXPECT_NE(reply.status, 0) << line;
    if (parts.first != "HEAD") {
      EXPECT_EQ(reply.content_length, static_cast<int64_t>(reply.body.size())) << line;
    }
    return reply;
  }
  Reply Put(const std::string& name, const std::string& bytes) {
    return Http("POST /upload/storage/v1/b/bkt/o?uploadType=media&name=" + PercentEncode(name),
                {.headers = {{"content-type", "text/plain"}}, .body = bytes});
  }
  std::string Get(const std::string& name) {
    return Http("GET /download/storage/v1/b/bkt/o/" + PercentEncode(name) + "?alt=media").body;
  }
  // The path and query of a new session for `name`.
  std::string Start(const std::string& name, const std::string& query = "") {
    Reply reply = Http("POST /upload/storage/v1/b/bkt/o?uploadType=resumable" + query,
                       {.headers = {{"x-upload-content-type", "image/png"}},
                        .body = absl::StrCat(R"({"name":")", name, R"("})")});
    EXPECT_EQ(reply.status, 200) << reply.body;
    std::string location = reply.Header("location");
    EXPECT_TRUE(absl::StartsWith(location, "https://server:8443/upload/storage/v1/b/bkt/o?"));
    return location.substr(std::string("https://server:8443").size());
  }
  Reply Send(const std::string& session, const std::string& range, const std::string& bytes,
             bool cut = false) {
    return Http("PUT " + session,
                {.headers = {{"content-range", range}}, .body = bytes, .cut = cut});
  }

  std::string root_;
  base::RealClock clock_;
  base::SystemRandom random_;
  RolePolicy policy_;
  ListAudit audit_;
  std::unique_ptr<objects::ObjectStore> store_;
  std::vector<edge::HttpRoute> routes_;
};

TEST_F(StorageServiceTest, Buckets) {
  Reply made = Http("POST /storage/v1/b?project=p",
                    {.body = R"({"name":"other","location":"EUROPE-WEST4","labels":{"a":"b"}})"});
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(made.Json("location"), "EUROPE-WEST4");
  EXPECT_EQ(made.Json("labels.a"), "b");
  EXPECT_THAT(made.Json("projectNumber"), Not(IsEmpty()));
  EXPECT_EQ(Http("POST /storage/v1/b?project=p", {.body = R"({"name":"other"})"}).status, 409);
  EXPECT_EQ(Http("POST /storage/v1/b?project=p", {.body = R"({"name":"X"})"}).status, 400);
  EXPECT_EQ(Http("POST /storage/v1/b?project=p", {.body = "{}"}).status, 400);
  EXPECT_EQ(Http("POST /storage/v1/b?project=p", {.body = "["}).status, 400);
  EXPECT_EQ(Http("POST /storage/v1/b", {.body = R"({"name":"third"})"}).status, 400);
  EXPECT_EQ(Http("GET /storage/v1/b/other?fields=name").Json("name"), "other");
  EXPECT_EQ(Http("GET /storage/v1/b/none").status, 404);
  Reply page = Http("GET /storage/v1/b?project=p&maxResults=1");
  EXPECT_EQ(page.Json("items.0.name"), "bkt");
  page = Http("GET /storage/v1/b?project=p&maxResults=1&pageToken=" + page.Json("nextPageToken"));
  EXPECT_EQ(page.Json("items.0.name"), "other");
  EXPECT_EQ(page.Json("nextPageToken"), "");
  EXPECT_EQ(Http("GET /storage/v1/b?project=p&prefix=o").Json("items.0.name"), "other");
  EXPECT_EQ(Http("PATCH /storage/v1/b/other", {.body = R"({"labels":{"a":null,"c":"d"}})"})
                .Json("labels.c"),
            "d");
  EXPECT_EQ(Http("GET /storage/v1/b/other").Json("labels.a"), "");
  EXPECT_EQ(Http("GET /storage/v1/b/other/storageLayout").Json("location"), "EUROPE-WEST4");
  EXPECT_EQ(Http("POST /storage/v1/b/other/acl", {.body = "{}"}).status, 400);
  EXPECT_EQ(Http("DELETE /storage/v1/b/other?ifMetagenerationMatch=99").status, 412);
  EXPECT_EQ(Http("DELETE /storage/v1/b/other").status, 204);
  Put("a", "x");
  EXPECT_EQ(Http("DELETE /storage/v1/b/bkt").status, 409);
}

TEST_F(StorageServiceTest, BucketPolicies) {
  Reply policy = Http("GET /storage/v1/b/bkt/iam?optionsRequestedPolicyVersion=3");
  EXPECT_EQ(policy.Json("bindings.0.members.0"), "projectOwner:p");
  std::string body = absl::StrCat(R"({"bindings":[{"role":"r","members":["user:a@b"]}],"etag":")",
                                  policy.Json("etag"), R"("})");
  EXPECT_EQ(Http("PUT /storage/v1/b/bkt/iam", {.body = body}).status, 200);
  EXPECT_EQ(Http("PUT /storage/v1/b/bkt/iam", {.body = body}).status, 412);
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/iam").Json("bindings.0.role"), "r");
  Reply test = Http(
      "GET /storage/v1/b/bkt/iam/testPermissions?permissions=storage.objects.get&"
      "permissions=storage.objects.delete",
      {.account = "viewer@x"});
  EXPECT_EQ(test.Json("permissions.0"), "storage.objects.get");
  EXPECT_EQ(test.Json("permissions.1"), "");
}

TEST_F(StorageServiceTest, MediaUploadAndDownload) {
  Reply put = Put("dir/a b:\xc3\xa4", "123456789");
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.Json("crc32c"), "4waSgw==");
  EXPECT_EQ(put.Json("md5Hash"), "JfnnlDI7RTiF9RgfG2JNCw==");
  EXPECT_EQ(put.Json("size"), "9");
  EXPECT_EQ(put.Json("contentType"), "text/plain");
  EXPECT_EQ(put.Json("mediaLink"),
            absl::StrCat("https://server:8443/download/storage/v1/b/bkt/o/dir%2Fa%20b%3A%C3%A4"
                         "?generation=",
                         put.Json("generation"), "&alt=media"));
  for (const char* base : {"/download/storage/v1/b/bkt/o/", "/storage/v1/b/bkt/o/"}) {
    Reply got = Http(absl::StrCat("GET ", base, "dir%2Fa%20b%3A%C3%A4?alt=media"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "123456789");
    EXPECT_EQ(got.Header("content-type"), "text/plain");
    EXPECT_EQ(got.Header("x-goog-hash"), "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==");
    EXPECT_EQ(got.Header("x-goog-generation"), put.Json("generation"));
  }
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o/missing?alt=media").status, 404);
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o/missing").Json("error.code"), "404");
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o/missing").Json("error.errors.0.reason"), "notFound");
  EXPECT_EQ(Put("a//b", "x").status, 400);
  EXPECT_THAT(Put("a/../b", "x").Json("error.message"), HasSubstr("'..'"));
  EXPECT_EQ(Http("POST /upload/storage/v1/b/bkt/o?uploadType=media", {.body = "x"}).status, 400);
  EXPECT_EQ(Http("POST /upload/storage/v1/b/none/o?uploadType=media&name=a").status, 404);
  EXPECT_EQ(Http("POST /upload/storage/v1/b/bkt/o?uploadType=odd&name=a").status, 400);
}

TEST_F(StorageServiceTest, Ranges) {
  Put("a", "0123456789");
  Put("empty", "");
  auto get = [&](const char* range) {
    return Http("GET /download/storage/v1/b/bkt/o/a?alt=media", {.headers = {{"range", range}}});
  };
  EXPECT_EQ(get("bytes=2-4").status, 206);
  EXPECT_EQ(get("bytes=2-4").body, "234");
  EXPECT_EQ(get("bytes=2-4").Header("content-range"), "bytes 2-4/10");
  EXPECT_EQ(get("bytes=-3").body, "789");
  EXPECT_EQ(get("bytes=8-100").body, "89");
  EXPECT_EQ(get("bytes=1-2,4-5").status, 200);
  EXPECT_EQ(get("bytes=10-").status, 416);
  EXPECT_EQ(get("bytes=10-").Header("content-range"), "bytes */10");
  EXPECT_EQ(
      Http("GET /download/storage/v1/b/bkt/o/empty?alt=media", {.headers = {{"range", "bytes=0-"}}})
          .status,
      416);
  EXPECT_EQ(Http("GET /download/storage/v1/b/bkt/o/empty?alt=media").status, 200);
}

TEST_F(StorageServiceTest, ConditionsOnReads) {
  std::string generation = Put("a", "x").Json("generation");
  for (const std::string alt : {"", "&alt=media"}) {
    auto get = [&](const std::string& query) {
      return Http("GET /storage/v1/b/bkt/o/a?" + query + alt).status;
    };
    EXPECT_EQ(get("ifGenerationMatch=" + generation), 200);
    EXPECT_EQ(get("ifGenerationMatch=1"), 412);
    EXPECT_EQ(get("ifGenerationNotMatch=" + generation), 304);
    EXPECT_EQ(get("ifMetagenerationMatch=1"), 200);
    EXPECT_EQ(get("ifMetagenerationMatch=2"), 412);
    EXPECT_EQ(get("generation=" + generation), 200);
    EXPECT_EQ(get("generation=1"), 404);
    EXPECT_EQ(get("generation=x"), 400);
  }
}

TEST_F(StorageServiceTest, MultipartUpload) {
  auto upload = [&](const std::string& json, const std::string& bytes,
                    const std::string& query = "") {
    std::string body =
        absl::StrCat("--B\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n", json,
                     "\r\n--B\r\ncontent-type: image/gif\r\n\r\n", bytes, "\r\n--B--");
    return Http("POST /upload/storage/v1/b/bkt/o?uploadType=multipart" + query,
                {.headers = {{"content-type", "multipart/related; boundary=\"B\""}}, .body = body});
  };
  Reply put = upload(R"({"name":"m","metadata":{"k":"v"},"cacheControl":"no-store",
                         "crc32c":"4waSgw=="})",
                     "123456789");
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.Json("contentType"), "image/gif");
  EXPECT_EQ(put.Json("metadata.k"), "v");
  EXPECT_EQ(put.Json("cacheControl"), "no-store");
  EXPECT_EQ(Get("m"), "123456789");
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o/m?alt=media").Header("cache-control"), "no-store");
  EXPECT_EQ(upload(R"({"contentType":"a/b"})", "x", "&name=q").Json("contentType"), "a/b");
  EXPECT_EQ(upload(R"({"name":"n","crc32c":"AAAAAA=="})", "123456789").status, 400);
  EXPECT_EQ(upload(R"({"name":"m"})", "x", "&ifGenerationMatch=0").status, 412);
  EXPECT_EQ(upload(R"({"name":1})", "x").status, 400);
  EXPECT_EQ(upload(R"({"name":"n","metadata":{"k":1}})", "x").status, 400);
  EXPECT_EQ(upload(R"({"name":"n","contentType":"a\nb"})", "x").status, 400);
  EXPECT_EQ(upload(R"({"name":"n","temporaryHold":true})", "x").status, 501);
  EXPECT_EQ(upload("{", "x").status, 400);
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o/n").status, 404);
}

TEST_F(StorageServiceTest, ResumableUploadInPieces) {
  std::string session = Start("big", "&ifGenerationMatch=0");
  EXPECT_EQ(Send(session, "bytes */*", "").status, 308);
  EXPECT_EQ(Send(session, "bytes */*", "").Header("range"), "");
  Reply first = Send(session, "bytes 0-3/*", "0123");
  EXPECT_EQ(first.status, 308);
  EXPECT_EQ(first.Header("range"), "bytes=0-3");
  EXPECT_EQ(Send(session, "bytes 6-9/10", "6789").status, 400);
  EXPECT_EQ(Send(session, "bytes */10", "").Header("range"), "bytes=0-3");
  // A piece that overlaps what is here: only the rest counts.
  EXPECT_EQ(Send(session, "bytes 2-5/10", "2345").Header("range"), "bytes=0-5");
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o/big").status, 404);
  Reply last = Send(session, "bytes 6-9/10", "6789");
  EXPECT_EQ(last.status, 200) << last.body;
  EXPECT_EQ(last.Json("contentType"), "image/png");
  EXPECT_EQ(Get("big"), "0123456789");
  EXPECT_EQ(Send(session, "bytes */10", "").Json("generation"), last.Json("generation"));
  EXPECT_EQ(Send(Start("big"), "bytes 0-0/1", "x").status, 200);
  EXPECT_EQ(Send(Start("big", "&ifGenerationMatch=0"), "bytes 0-0/1", "x").status, 412);
}

TEST_F(StorageServiceTest, ResumableUploadsOfEveryShape) {
  EXPECT_EQ(Http("PUT " + Start("whole"), {.body = "all of it"}).status, 200);
  EXPECT_EQ(Get("whole"), "all of it");
  EXPECT_EQ(Send(Start("none"), "bytes */0", "").status, 200);
  std::string streamed = Start("streamed");
  Send(streamed, "bytes 0-3/*", "0123");
  EXPECT_EQ(Send(streamed, "bytes */4", "").status, 200);
  std::string hashed = Start("hashed");
  Options last{.headers = {{"content-range", "bytes 0-8/9"}, {"x-goog-hash", "crc32c=AAAAAA=="}},
               .body = "123456789"};
  EXPECT_EQ(Http("PUT " + hashed, last).status, 400);
  EXPECT_EQ(Http("PUT " + hashed, last).status, 404);
  std::string cut = Start("cut");
  EXPECT_EQ(Send(cut, "bytes 0-9/10", "0123", true).status, 499);
  EXPECT_EQ(Send(cut, "bytes */10", "").Header("range"), "bytes=0-3");
  EXPECT_EQ(Send(cut, "bytes 4-9/10", "456789").status, 200);
  std::string wrong = Start("wrong");
  EXPECT_EQ(Send(wrong, "bytes 0-1/10", "too long").status, 400);
  EXPECT_EQ(Send(wrong, "bytes 0-5/10", "short").status, 400);
  EXPECT_EQ(Send(wrong, "nonsense", "x").status, 400);
}

TEST_F(StorageServiceTest, ResumableUploadsAreCancelledAndKeptApart) {
  std::string session = Start("a");
  EXPECT_EQ(Http("DELETE " + session).status, 499);
  EXPECT_EQ(Http("DELETE " + session).status, 404);
  EXPECT_EQ(Send(session, "bytes 0-0/1", "x").status, 404);
  EXPECT_EQ(Http("PUT /upload/storage/v1/b/bkt/o?uploadType=resumable").status, 400);
  Http("POST /storage/v1/b?project=p", {.body = R"({"name":"other"})"});
  std::string id = std::string(absl::string_view(Start("b")).substr(Start("b").rfind('=') + 1));
  EXPECT_EQ(Http("PUT /upload/storage/v1/b/other/o?upload_id=" + id, {.body = "x"}).status, 404);
  Put("b", "");
  EXPECT_EQ(Get("b"), "");
}

TEST_F(StorageServiceTest, Lists) {
  for (const char* name : {"a", "d/1", "d/2", "e"}) Put(name, "x");
  Reply all = Http("GET /storage/v1/b/bkt/o?projection=noAcl&prettyPrint=false");
  EXPECT_EQ(all.Json("items.1.name"), "d/1");
  EXPECT_EQ(all.Json("items.1.crc32c"), "qTxfkw==");
  Reply grouped = Http("GET /storage/v1/b/bkt/o?delimiter=%2F");
  EXPECT_EQ(grouped.Json("prefixes.0"), "d/");
  EXPECT_EQ(grouped.Json("items.1.name"), "e");
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o?prefix=d/").Json("items.1.name"), "d/2");
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o?startOffset=d/2&endOffset=e").Json("items.0.name"),
            "d/2");
  Reply page = Http("GET /storage/v1/b/bkt/o?maxResults=3");
  EXPECT_EQ(page.Json("items.2.name"), "d/2");
  page = Http("GET /storage/v1/b/bkt/o?maxResults=3&pageToken=" + page.Json("nextPageToken"));
  EXPECT_EQ(page.Json("items.0.name"), "e");
  EXPECT_EQ(page.Json("nextPageToken"), "");
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o?pageToken=x").status, 400);
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o?maxResults=x").status, 400);
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o?matchGlob=*").status, 501);
  EXPECT_EQ(Http("GET /storage/v1/b/none/o").status, 404);
}

TEST_F(StorageServiceTest, PatchUpdateAndDelete) {
  Put("a", "x");
  Reply patched = Http("PATCH /storage/v1/b/bkt/o/a",
                       {.body = R"({"metadata":{"k":"v","l":"w"},"cacheControl":"no-store"})"});
  EXPECT_EQ(patched.Json("metadata.k"), "v");
  EXPECT_EQ(patched.Json("metageneration"), "2");
  EXPECT_EQ(patched.Json("contentType"), "text/plain");
  patched = Http("PATCH /storage/v1/b/bkt/o/a",
                 {.body = R"({"metadata":{"k":null},"cacheControl":null})"});
  EXPECT_EQ(patched.Json("metadata.k"), "");
  EXPECT_EQ(patched.Json("metadata.l"), "w");
  EXPECT_EQ(patched.Json("cacheControl"), "");
  Reply updated = Http("PUT /storage/v1/b/bkt/o/a", {.body = R"({"contentType":"a/b"})"});
  EXPECT_EQ(updated.Json("metadata.l"), "");
  EXPECT_EQ(updated.Json("contentType"), "a/b");
  EXPECT_EQ(Http("PATCH /storage/v1/b/bkt/o/a?ifMetagenerationMatch=1", {.body = "{}"}).status,
            412);
  EXPECT_EQ(Http("PATCH /storage/v1/b/bkt/o/none", {.body = "{}"}).status, 404);
  EXPECT_EQ(Http("DELETE /storage/v1/b/bkt/o/a?ifGenerationMatch=1").status, 412);
  EXPECT_EQ(Http("DELETE /storage/v1/b/bkt/o/a?generation=1").status, 404);
  EXPECT_EQ(Http("DELETE /storage/v1/b/bkt/o/a").status, 204);
  EXPECT_EQ(Http("DELETE /storage/v1/b/bkt/o/a").status, 404);
}

TEST_F(StorageServiceTest, ComposeCopyAndMove) {
  Put("a", "one,");
  Put("b", "two");
  Reply composed = Http("POST /storage/v1/b/bkt/o/c/compose", {.body = R"({
      "destination":{"contentType":"text/csv"},"sourceObjects":[{"name":"a"},{"name":"b"}]})"});
  EXPECT_EQ(composed.status, 200) << composed.body;
  EXPECT_EQ(composed.Json("contentType"), "text/csv");
  EXPECT_EQ(Get("c"), "one,two");
  EXPECT_EQ(Http("POST /storage/v1/b/bkt/o/c/compose", {.body = "{}"}).status, 400);
  EXPECT_EQ(
      Http("POST /storage/v1/b/bkt/o/d/compose", {.body = R"({"sourceObjects":[{"name":"none"}]})"})
          .status,
      404);
  Http("POST /storage/v1/b?project=p", {.body = R"({"name":"other"})"});
  Reply rewritten = Http("POST /storage/v1/b/bkt/o/c/rewriteTo/b/other/o/x%2Fy", {.body = ""});
  EXPECT_EQ(rewritten.Json("done"), "true");
  EXPECT_EQ(rewritten.Json("resource.contentType"), "text/csv");
  EXPECT_EQ(Http("GET /storage/v1/b/other/o/x%2Fy?alt=media").body, "one,two");
  EXPECT_EQ(Http("POST /storage/v1/b/bkt/o/c/copyTo/b/bkt/o/e?ifSourceGenerationMatch=1").status,
            412);
  EXPECT_EQ(Http("POST /storage/v1/b/bkt/o/c/copyTo/b/bkt/o/e").Json("name"), "e");
  EXPECT_EQ(Http("POST /storage/v1/b/bkt/o/e/moveTo/o/f").Json("name"), "f");
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o/e").status, 404);
  EXPECT_EQ(Http("POST /storage/v1/b/bkt/o/f/moveTo/o/f").status, 400);
}

TEST_F(StorageServiceTest, EveryCallIsAllowedFirst) {
  Put("a", "x");
  std::string session = Start("b");
  const char* kCalls[] = {"POST /storage/v1/b?project=p",
                          "PATCH /storage/v1/b/bkt",
                          "DELETE /storage/v1/b/bkt",
                          "GET /storage/v1/b/bkt/iam",
                          "PUT /storage/v1/b/bkt/iam",
                          "PATCH /storage/v1/b/bkt/o/a",
                          "PUT /storage/v1/b/bkt/o/a",
                          "DELETE /storage/v1/b/bkt/o/a",
                          "POST /storage/v1/b/bkt/o/a/compose",
                          "POST /storage/v1/b/bkt/o/a/rewriteTo/b/bkt/o/c",
                          "POST /storage/v1/b/bkt/o/a/moveTo/o/c",
                          "POST /upload/storage/v1/b/bkt/o?uploadType=media&name=c"};
  for (const char* call : kCalls) {
    EXPECT_EQ(Http(call, {.account = "viewer@x"}).status, 403) << call;
  }
  EXPECT_EQ(Http("PUT " + session, {.body = "x", .account = "viewer@x"}).status, 403);
  const char* kReads[] = {"GET /storage/v1/b?project=p",
                          "GET /storage/v1/b/bkt",
                          "GET /storage/v1/b/bkt/o",
                          "GET /storage/v1/b/bkt/o/a",
                          "GET /storage/v1/b/bkt/o/a?alt=media",
                          "GET /download/storage/v1/b/bkt/o/a?alt=media"};
  for (const char* call : kReads) {
    EXPECT_EQ(Http(call, {.account = "viewer@x"}).status, 200) << call;
    Reply refused = Http(call, {.account = "stranger@x"});
    EXPECT_EQ(refused.status, 403) << call;
    EXPECT_THAT(refused.Json("error.message"), AllOf(HasSubstr("stranger@x does not have storage."),
                                                     Not(HasSubstr("projects/p"))));
  }
  EXPECT_THAT(policy_.asked, testing::Contains("storage.objects.get projects/p/buckets/bkt"));
  EXPECT_EQ(Get("a"), "x");
}

TEST_F(StorageServiceTest, EveryChangeLeavesOneAuditRecord) {
  Put("a", "x");
  std::string session = Start("b");
  Send(session, "bytes 0-0/2", "x");
  Send(session, "bytes 1-1/2", "y");
  Http("DELETE /storage/v1/b/bkt/o/a", {.account = "viewer@x"});
  Http("DELETE /storage/v1/b/bkt/o/a");
  Http("GET /storage/v1/b/bkt/o/b");
  EXPECT_THAT(audit_.lines,
              ElementsAre("owner@x storage.objects.create projects/_/buckets/bkt/objects/a OK",
                          "owner@x storage.objects.create projects/_/buckets/bkt/objects/b OK",
                          "viewer@x storage.objects.delete projects/_/buckets/bkt/objects/a "
                          "PERMISSION_DENIED",
                          "owner@x storage.objects.delete projects/_/buckets/bkt/objects/a OK"));
}

TEST_F(StorageServiceTest, WhatIsNotServedIsSaid) {
  EXPECT_EQ(Http("POST /batch/storage/v1", {.body = "x"}).status, 501);
  EXPECT_EQ(Http("POST /storage/v1/b/bkt").status, 501);
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/notificationConfigs").status, 404);
  EXPECT_EQ(
      Http("GET /storage/v1/b/bkt/o/a", {.headers = {{"x-goog-encryption-algorithm", "AES256"}}})
          .status,
      501);
  EXPECT_EQ(Http("POST /upload/storage/v1/b/bkt/o?uploadType=media&name=a&kmsKeyName=k").status,
            501);
  EXPECT_EQ(Http("POST /storage/v1/b?project=p", {.body = std::string(2 << 20, ' ')}).status, 400);
}

TEST_F(StorageServiceTest, AJobsFileIsServed) {
  std::ofstream(root_ + "/data/bkt/model.pkl") << "123456789";
  Reply got = Http("GET /storage/v1/b/bkt/o/model.pkl");
  EXPECT_EQ(got.Json("crc32c"), "4waSgw==");
  EXPECT_EQ(got.Json("md5Hash"), "");
  EXPECT_EQ(Http("GET /storage/v1/b/bkt/o/model.pkl?alt=media").Header("x-goog-hash"),
            "crc32c=4waSgw==");
}

}  // namespace
}  // namespace trainyard::api
