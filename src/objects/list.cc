#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "objects/file_store.h"
#include "objects/object_name.h"

namespace trainyard::objects {
namespace {

constexpr int kPageMax = 1000;

// The least string that is greater than everything that starts with `prefix`.
std::string Behind(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

// A token is "o" or "p" and the last object or prefix that was given.
std::string MakeToken(char kind, const std::string& name) {
  return absl::WebSafeBase64Escape(absl::StrCat(absl::string_view(&kind, 1), name));
}

absl::StatusOr<std::string> BoundOfToken(const std::string& token) {
  if (token.empty()) return std::string();
  std::string text;
  bool sound = absl::WebSafeBase64Unescape(token, &text) && text.size() > 1 &&
               (text[0] == 'o' || text[0] == 'p');
  if (!sound) return absl::InvalidArgumentError("Invalid page token.");
  std::string name = text.substr(1);
  return text[0] == 'o' ? name + std::string(1, '\0') : Behind(std::move(name));
}

// The part of `name` up to the first delimiter behind the prefix; empty when there is none.
std::string GroupOf(const std::string& name, const ListOptions& options) {
  if (options.delimiter.empty()) return "";
  size_t at = name.find(options.delimiter, options.prefix.size());
  return at == std::string::npos ? "" : name.substr(0, at + options.delimiter.size());
}

struct Names {
  std::vector<std::pair<std::string, Fingerprint>> objects;
  std::vector<std::string> prefixes;
  std::string token;

  size_t size() const { return objects.size() + prefixes.size(); }
};

}  // namespace

absl::StatusOr<ObjectPage> FileStore::ListObjects(const std::string& bucket,
                                                  const ListOptions& options) {
  ASSIGN_OR_RETURN(base::Descriptor directory, OpenBucket(bucket));
  ASSIGN_OR_RETURN(std::string bound, BoundOfToken(options.page_token));
  size_t page_size = static_cast<size_t>(std::clamp(options.page_size, 1, kPageMax));
  BucketWalk walk(directory.get(), directories_);
  RETURN_IF_ERROR(walk.Seek(std::max({bound, options.prefix, options.start_offset})));
  Names names;
  std::string last_token;
  while (true) {
    ASSIGN_OR_RETURN(std::string name, walk.Next());
    bool end = name.empty() || !absl::StartsWith(name, options.prefix) ||
               (!options.end_offset.empty() && name >= options.end_offset);
    if (end) break;
    Fingerprint fingerprint;
    ASSIGN_OR_RETURN(bool is_object, IsObject(directory.get(), bucket, name, fingerprint));
    if (!is_object) continue;
    if (names.size() >= page_size) {
      names.token = last_token;
      break;
    }
    std::string group = GroupOf(name, options);
    if (group.empty() || (options.include_trailing_delimiter && group == name)) {
      names.objects.emplace_back(name, fingerprint);
      last_token = MakeToken('o', name);
    }
    if (!group.empty()) {
      names.prefixes.push_back(group);
      last_token = MakeToken('p', group);
      RETURN_IF_ERROR(walk.Seek(Behind(group)));
    }
  }
  ObjectPage page;
  page.prefixes = std::move(names.prefixes);
  page.next_page_token = std::move(names.token);
  if (names.objects.empty()) return page;
  ASSIGN_OR_RETURN(auto rows, metadata_->ListObjects(bucket, names.objects.front().first,
                                                     names.objects.back().first));
  for (auto& [name, fingerprint] : names.objects) {
    auto row = rows.find(name);
    page.objects.push_back(DescribeObject(
        bucket, name, fingerprint,
        row == rows.end() ? std::nullopt : std::make_optional(std::move(row->second))));
  }
  return page;
}

}  // namespace trainyard::objects
