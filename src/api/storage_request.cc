#include "api/storage_request.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status.h"

namespace trainyard::api {
namespace {

absl::Status UnknownPath(absl::string_view path) {
  return absl::NotFoundError(
      absl::StrCat("The object store's API has no ", path,
                   ". (The slashes of an object's name are written as %2F.)"));
}

// The decoded parts behind ".../b".
absl::StatusOr<std::vector<std::string>> SplitParts(absl::string_view rest) {
  std::vector<std::string> parts;
  if (rest.empty()) return parts;
  for (absl::string_view part : absl::StrSplit(rest, '/')) {
    ASSIGN_OR_RETURN(std::string decoded, edge::PercentDecode(part, false));
    parts.push_back(std::move(decoded));
  }
  return parts;
}

bool ParseBucketPart(const std::vector<std::string>& parts, StorageTarget& target) {
  auto is = [&](std::initializer_list<absl::string_view> rest) {
    return std::equal(parts.begin() + 1, parts.end(), rest.begin(), rest.end());
  };
  target.bucket = parts[0];
  if (is({})) {
    target.noun = StorageNoun::kBucket;
  } else if (is({"iam"})) {
    target.noun = StorageNoun::kBucketIam;
  } else if (is({"iam", "testPermissions"})) {
    target.noun = StorageNoun::kBucketIamTest;
  } else if (is({"storageLayout"})) {
    target.noun = StorageNoun::kBucketLayout;
  } else if (parts.size() >= 2 && (parts[1] == "acl" || parts[1] == "defaultObjectAcl")) {
    target.noun = StorageNoun::kBucketAcl;
  } else if (is({"o"})) {
    target.noun = StorageNoun::kObjects;
  } else {
    return false;
  }
  return true;
}

bool ParseObjectPart(const std::vector<std::string>& parts, StorageTarget& target) {
  target.bucket = parts[0];
  target.bucket = parts[0];
  target.object = parts[2];
  size_t count = parts.size() - 3;
  std::string verb = count > 0 ? parts[3] : "";
  if (count == 0) {
    target.noun = StorageNoun::kObject;
  } else if (count == 1 && verb == "compose") {
    target.noun = StorageNoun::kCompose;
  } else if (verb == "acl") {
    target.noun = StorageNoun::kBucketAcl;
  } else if (count == 5 && (verb == "rewriteTo" || verb == "copyTo") && parts[4] == "b" &&
             parts[6] == "o") {
    target.noun = StorageNoun::kRewrite;
    target.is_copy = verb == "copyTo";
    target.to_bucket = parts[5];
    target.to_object = parts[7];
  } else if (count == 3 && verb == "moveTo" && parts[4] == "o") {
    target.noun = StorageNoun::kMove;
    target.to_bucket = target.bucket;
    target.to_object = parts[5];
  } else {
    return false;
  }
  return true;
}

bool TakeNumber(absl::string_view text, uint64_t& number) {
  bool digits = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isdigit(c);
  });
  return digits && absl::SimpleAtoi(text, &number);
}

}  // namespace

absl::StatusOr<StorageTarget> ParseStorageTarget(absl::string_view path) {
  absl::string_view rest = path;
  bool upload =
      absl::ConsumePrefix(&rest, "/resumable/upload") || absl::ConsumePrefix(&rest, "/upload");
  bool download = !upload && absl::ConsumePrefix(&rest, "/download");
  if (!absl::ConsumePrefix(&rest, "/storage/v1/b")) return UnknownPath(path);
  StorageTarget target;
  if (!rest.empty() && !absl::ConsumePrefix(&rest, "/")) return UnknownPath(path);
  ASSIGN_OR_RETURN(std::vector<std::string> parts, SplitParts(rest));
  if (parts.empty() && (upload || download)) return UnknownPath(path);
  if (parts.empty()) return target;
  bool of_object = parts.size() >= 3 && parts[1] == "o";
  bool known = of_object ? ParseObjectPart(parts, target) : ParseBucketPart(parts, target);
  if (!known) return UnknownPath(path);
  if (upload) {
    if (target.noun != StorageNoun::kObjects) return UnknownPath(path);
    target.noun = StorageNoun::kUpload;
  }
  if (download) {
    if (target.noun != StorageNoun::kObject) return UnknownPath(path);
    target.noun = StorageNoun::kDownload;
  }
  return target;
}

absl::StatusOr<int64_t> ParseNumber(const edge::HttpRequest& request, absl::string_view name,
                                    int64_t fallback) {
  if (!request.HasQuery(name)) return fallback;
  uint64_t number = 0;
  if (!TakeNumber(request.Query(name), number) || number > INT64_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("Invalid value for ", name, ": expected a whole number."));
  }
  return static_cast<int64_t>(number);
}

absl::StatusOr<objects::Preconditions> ParsePreconditions(const edge::HttpRequest& request,
                                                          absl::string_view prefix) {
  objects::Preconditions preconditions;
  const std::pair<const char*, int64_t*> kFields[] = {
      {"GenerationMatch", &preconditions.if_generation_match},
      {"GenerationNotMatch", &preconditions.if_generation_not_match},
      {"MetagenerationMatch", &preconditions.if_metageneration_match},
      {"MetagenerationNotMatch", &preconditions.if_metageneration_not_match}};
  for (const auto& [name, field] : kFields) {
    ASSIGN_OR_RETURN(*field, ParseNumber(request, absl::StrCat(prefix, name), -1));
  }
  return preconditions;
}

objects::Checksums ParseHashHeaders(const edge::HttpRequest& request) {
  objects::Checksums checksums;
  checksums.md5_base64 = std::string(request.Header("content-md5"));
  for (const auto& [name, value] : request.headers) {
    if (name != "x-goog-hash") continue;
    for (absl::string_view item : absl::StrSplit(value, ',')) {
      item = absl::StripAsciiWhitespace(item);
      if (absl::ConsumePrefix(&item, "crc32c=")) checksums.crc32c_base64 = std::string(item);
      if (absl::ConsumePrefix(&item, "md5=")) checksums.md5_base64 = std::string(item);
    }
  }
  return checksums;
}

RangeKind ParseRange(absl::string_view header, uint64_t size_bytes, ByteRange& range) {
  absl::string_view rest = absl::StripAsciiWhitespace(header);
  if (!absl::ConsumePrefix(&rest, "bytes=")) return RangeKind::kAll;
  std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(rest, absl::MaxSplits('-', 1));
  uint64_t first = 0;
  uint64_t last = UINT64_MAX - 1;
  if (!absl::StrContains(rest, '-')) return RangeKind::kAll;
  if (ends.first.empty()) {  // the last so many
    uint64_t count = 0;
    if (!TakeNumber(ends.second, count)) return RangeKind::kAll;
    if (count == 0 || size_bytes == 0) return RangeKind::kUnsatisfiable;
    range = {size_bytes - std::min(count, size_bytes), size_bytes};
    return RangeKind::kPart;
  }
  if (!TakeNumber(ends.first, first)) return RangeKind::kAll;
  if (!ends.second.empty() && !TakeNumber(ends.second, last)) return RangeKind::kAll;
  if (last < first) return RangeKind::kAll;
  if (first >= size_bytes) return RangeKind::kUnsatisfiable;
  range = {first, last >= size_bytes ? size_bytes : last + 1};
  return RangeKind::kPart;
}

absl::StatusOr<UploadRange> ParseContentRange(absl::string_view header) {
  const absl::Status bad = absl::InvalidArgumentError(
      "Invalid Content-Range: expected \"bytes FIRST-LAST/TOTAL\" or \"bytes */TOTAL\"; TOTAL may "
      "be "
      "\"*\".");
  absl::string_view rest = absl::StripAsciiWhitespace(header);
  if (!absl::ConsumePrefix(&rest, "bytes")) return bad;
  rest = absl::StripLeadingAsciiWhitespace(rest);
  absl::ConsumePrefix(&rest, "=");  // some clients write it so
  std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(rest, absl::MaxSplits('/', 1));
  UploadRange range;
  uint64_t total = 0;
  if (parts.second != "*") {
    if (!TakeNumber(parts.second, total)) return bad;
    range.total = total;
  }
  if (parts.first == "*") return range;
  std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(parts.first, absl::MaxSplits('-', 1));
  if (ends.second == "*") {  // the Node client: all that follows, and then it is complete
    if (!TakeNumber(ends.first, range.first)) return bad;
    range.has_bytes = true;
    range.end = UINT64_MAX;
    return range;
  }
  uint64_t last = 0;
  bool sound = TakeNumber(ends.first, range.first) && TakeNumber(ends.second, last) &&
               last >= range.first && last < UINT64_MAX - 1 &&
               (!range.total.has_value() || last < *range.total);
  if (!sound) return bad;
  range.has_bytes = true;
  range.end = last + 1;
  return range;
}

}  // namespace trainyard::api
