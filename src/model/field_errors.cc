#include "model/field_errors.h"

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace trainyard::model {
namespace {

constexpr char kBadRequestType[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr size_t kListedBytesMax = 2048;

}  // namespace

absl::Status ErrorOfFields(const std::vector<FieldError>& errors) {
  if (errors.empty()) return absl::OkStatus();
  std::string text = "List of found errors:\t";
  google::rpc::BadRequest details;
  int listed = 0;
  for (const FieldError& error : errors) {
    if (listed > 0 && text.size() + error.field.size() + error.message.size() > kListedBytesMax) {
      break;
    }
    ++listed;
    absl::StrAppend(&text, listed, ".Field: ", error.field, "; Message: ", error.message, "\t");
    auto* violation = details.add_field_violations();
    violation->set_field(error.field);
    violation->set_description(error.message);
  }
  size_t left = errors.size() - static_cast<size_t>(listed);
  if (left > 0) absl::StrAppend(&text, "and ", left, " more\t");
  absl::Status status = absl::InvalidArgumentError(text);
  status.SetPayload(kBadRequestType, absl::Cord(details.SerializeAsString()));
  return status;
}

}  // namespace trainyard::model
