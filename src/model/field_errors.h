// How validation collects what it finds.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "model/custom_job.h"

namespace trainyard::model {

// A message within the request: its path, and where to put what is wrong with its fields.
class FieldScope {
 public:
  FieldScope(std::vector<FieldError>& errors, std::string path)
      : errors_(errors), path_(std::move(path)) {}

  FieldScope Child(absl::string_view field) const { return {errors_, Path(field)}; }
  FieldScope Child(absl::string_view field, int index) const {
    return {errors_, absl::StrCat(Path(field), "[", index, "]")};
  }

  // An empty `field` is the message itself.
  void Add(absl::string_view field, absl::string_view message) const {
    errors_.push_back({Path(field), std::string(message)});
  }
  void Expect(bool good, absl::string_view field, absl::string_view message) const {
    if (!good) Add(field, message);
  }

 private:
  std::string Path(absl::string_view field) const {
    if (path_.empty()) return std::string(field);
    return field.empty() ? path_ : absl::StrCat(path_, ".", field);
  }

  std::vector<FieldError>& errors_;
  std::string path_;
};

}  // namespace trainyard::model
