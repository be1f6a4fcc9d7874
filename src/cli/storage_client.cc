#include "cli/storage_client.h"

#include <curl/curl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::cli {
namespace {

absl::StatusCode CodeOf(long http) {
  switch (http) {
    case 400:
      return absl::StatusCode::kInvalidArgument;
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kAlreadyExists;
    case 412:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kInternal;
  }
}

std::string Field(const google::protobuf::Struct& object, const char* name) {
  auto field = object.fields().find(name);
  return field == object.fields().end() ? "" : field->second.string_value();
}

absl::StatusOr<google::protobuf::Struct> ParseJson(const std::string& text) {
  google::protobuf::Struct object;
  if (google::protobuf::util::JsonStringToMessage(text, &object).ok()) return object;
  return absl::InternalError("the server's answer is not JSON");
}

std::string MessageOf(const std::string& body, long http) {
  absl::StatusOr<google::protobuf::Struct> object = ParseJson(body);
  if (object.ok() && object->fields().count("error")) {
    return Field(object->fields().at("error").struct_value(), "message");
  }
  return absl::StrCat("HTTP ", http);
}

}  // namespace

struct StorageClient::Request {
  std::string method = "GET";
  std::string path;  // with its query, encoded
  std::string body;
  std::string content_type;
  std::FILE* upload = nullptr;
  int64_t upload_bytes = 0;
  std::function<bool(const char*, size_t)> sink;  // of a successful answer
};

struct StorageClient::Response {
  CURL* curl;
  std::string body;
  const std::function<bool(const char*, size_t)>* sink;

  static size_t Write(char* data, size_t size, size_t count, void* self) {
    auto& response = *static_cast<Response*>(self);
    long status = 0;
    curl_easy_getinfo(response.curl, CURLINFO_RESPONSE_CODE, &status);
    if (*response.sink && status < 300)
      return (*response.sink)(data, size * count) ? size * count : 0;
    response.body.append(data, size * count);
    return size * count;
  }
};

StorageClient::StorageClient(const Target& target, ApiClient& api)
    : target_(target), api_(api), curl_(curl_easy_init()) {}

StorageClient::~StorageClient() { curl_easy_cleanup(curl_); }

absl::StatusOr<std::string> StorageClient::Send(const Request& request) {
  ASSIGN_OR_RETURN(std::string authorization, api_.Authorization());
  CURL* curl = curl_;
  curl_easy_reset(curl);
  std::string url = absl::StrCat("https://", target_.endpoint, request.path);
  curl_slist* headers =
      curl_slist_append(nullptr, absl::StrCat("Authorization: ", authorization).c_str());
  headers =
      curl_slist_append(headers, absl::StrCat("Content-Type: ", request.content_type).c_str());
  headers = curl_slist_append(headers, "Expect:");
  Response response{curl, "", &request.sink};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  if (!target_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, target_.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Response::Write);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response);
  if (request.upload != nullptr) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(curl, CURLOPT_READDATA, request.upload);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload_bytes));
  } else if (request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  }
  CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (code != CURLE_OK) {
    return absl::UnavailableError(absl::StrCat(target_.endpoint, ": ", curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 300) return absl::Status(CodeOf(status), MessageOf(response.body, status));
  return response.body;
}

namespace {

std::string Encode(const std::string& text) {
  char* escaped = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  std::string result = escaped;
  curl_free(escaped);
  return result;
}

std::string ObjectPath(const ObjectUri& uri) {
  return absl::StrCat("/storage/v1/b/", Encode(uri.bucket), "/o/", Encode(uri.name));
}

std::string MediaPath(const ObjectUri& uri) {
  return absl::StrCat("/upload/storage/v1/b/", Encode(uri.bucket),
                      "/o?uploadType=media&name=", Encode(uri.name));
}

}  // namespace

absl::StatusOr<ObjectUri> ParseObjectUri(const std::string& uri) {
  absl::string_view rest = uri;
  if (!absl::ConsumePrefix(&rest, "gs://") || rest.empty() || rest[0] == '/') {
    return absl::InvalidArgumentError(absl::StrCat("\"", uri, "\": expected gs://BUCKET/OBJECT"));
  }
  size_t slash = rest.find('/');
  if (slash == absl::string_view::npos) return ObjectUri{std::string(rest), ""};
  return ObjectUri{std::string(rest.substr(0, slash)), std::string(rest.substr(slash + 1))};
}

absl::Status StorageClient::CreateBucket(const std::string& bucket) {
  google::protobuf::Struct body;
  (*body.mutable_fields())["name"].set_string_value(bucket);
  (*body.mutable_fields())["location"].set_string_value(target_.location);
  std::string json;
  google::protobuf::util::MessageToJsonString(body, &json).ok();
  return Send({.method = "POST",
               .path = absl::StrCat("/storage/v1/b?project=", Encode(target_.project)),
               .body = json,
               .content_type = "application/json"})
      .status();
}

absl::StatusOr<std::vector<std::string>> StorageClient::ListBuckets() {
  ASSIGN_OR_RETURN(std::string body,
                   Send({.path = absl::StrCat("/storage/v1/b?project=", Encode(target_.project))}));
  ASSIGN_OR_RETURN(google::protobuf::Struct object, ParseJson(body));
  std::vector<std::string> names;
  for (const auto& item : (*object.mutable_fields())["items"].list_value().values()) {
    names.push_back(Field(item.struct_value(), "name"));
  }
  return names;
}

absl::StatusOr<std::vector<ListedObject>> StorageClient::List(const ObjectUri& uri,
                                                              bool recursive) {
  std::vector<ListedObject> objects;
  std::string token;
  do {
    std::string path =
        absl::StrCat("/storage/v1/b/", Encode(uri.bucket), "/o?prefix=", Encode(uri.name));
    if (!recursive) absl::StrAppend(&path, "&delimiter=%2F");
    if (!token.empty()) absl::StrAppend(&path, "&pageToken=", Encode(token));
    ASSIGN_OR_RETURN(std::string body, Send({.path = path}));
    ASSIGN_OR_RETURN(google::protobuf::Struct page, ParseJson(body));
    auto& fields = *page.mutable_fields();
    for (const auto& prefix : fields["prefixes"].list_value().values()) {
      objects.push_back({.name = prefix.string_value(), .is_prefix = true});
    }
    for (const auto& item : fields["items"].list_value().values()) {
      ListedObject object{.name = Field(item.struct_value(), "name"),
                          .updated = Field(item.struct_value(), "updated")};
      if (!absl::SimpleAtoi(Field(item.struct_value(), "size"), &object.size_bytes))
        object.size_bytes = 0;
      objects.push_back(std::move(object));
    }
    token = Field(page, "nextPageToken");
  } while (!token.empty());
  return objects;
}

absl::Status StorageClient::Upload(const std::string& path, const ObjectUri& uri) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                       &std::fclose);
  struct stat status;
  if (file == nullptr || fstat(fileno(file.get()), &status) != 0)
    return base::ErrnoStatus(errno, path);
  if (!S_ISREG(status.st_mode))
    return absl::InvalidArgumentError(absl::StrCat(path, " is no regular file"));
  return Send({.method = "POST",
               .path = MediaPath(uri),
               .content_type = "application/octet-stream",
               .upload = file.get(),
               .upload_bytes = status.st_size})
      .status();
}

absl::Status StorageClient::UploadBytes(const std::string& bytes, const ObjectUri& uri) {
  return Send({.method = "POST",
               .path = MediaPath(uri),
               .body = bytes,
               .content_type = "application/octet-stream"})
      .status();
}

absl::Status StorageClient::Download(const ObjectUri& uri,
                                     const std::function<bool(const char*, size_t)>& write) {
  return Send({.path = ObjectPath(uri) + "?alt=media", .sink = write}).status();
}

absl::Status StorageClient::Delete(const ObjectUri& uri) {
  return Send({.method = "DELETE", .path = ObjectPath(uri)}).status();
}

absl::Status StorageClient::DeleteBucket(const std::string& bucket) {
  return Send({.method = "DELETE", .path = absl::StrCat("/storage/v1/b/", Encode(bucket))})
      .status();
}

}  // namespace trainyard::cli
