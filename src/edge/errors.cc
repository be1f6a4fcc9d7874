#include "edge/errors.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "edge/http_handler.h"
#include "edge/json_text.h"
#include "edge/wire_to_json.h"
#include "google/rpc/error_details.pb.h"

namespace trainyard::edge {
namespace {

struct CodeRow {
  absl::StatusCode code;
  absl::string_view name;
  int http_status;
};

constexpr CodeRow kCodes[] = {
    {absl::StatusCode::kOk, "OK", 200},
    {absl::StatusCode::kCancelled, "CANCELLED", 499},
    {absl::StatusCode::kUnknown, "UNKNOWN", 500},
    {absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", 400},
    {absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", 504},
    {absl::StatusCode::kNotFound, "NOT_FOUND", 404},
    {absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS", 409},
    {absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED", 403},
    {absl::StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", 429},
    {absl::StatusCode::kFailedPrecondition, "FAILED_PRECONDITION", 400},
    {absl::StatusCode::kAborted, "ABORTED", 409},
    {absl::StatusCode::kOutOfRange, "OUT_OF_RANGE", 400},
    {absl::StatusCode::kUnimplemented, "UNIMPLEMENTED", 501},
    {absl::StatusCode::kInternal, "INTERNAL", 500},
    {absl::StatusCode::kUnavailable, "UNAVAILABLE", 503},
    {absl::StatusCode::kDataLoss, "DATA_LOSS", 500},
    {absl::StatusCode::kUnauthenticated, "UNAUTHENTICATED", 401},
};

const CodeRow& RowOf(absl::StatusCode code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row;
  }
  return kCodes[2];
}

std::vector<std::pair<std::string, std::string>> SortedPayloads(const absl::Status& status) {
  std::vector<std::pair<std::string, std::string>> payloads;
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    payloads.emplace_back(std::string(type_url), std::string(payload));
  });
  std::sort(payloads.begin(), payloads.end());
  return payloads;
}

}  // namespace

absl::Status InvalidFields(const std::vector<FieldViolation>& violations) {
  google::rpc::BadRequest details;
  for (const FieldViolation& violation : violations) {
    auto* entry = details.add_field_violations();
    entry->set_field(violation.field);
    entry->set_description(violation.description);
  }
  std::string text =
      absl::StrJoin(violations, "\n", [](std::string* out, const FieldViolation& violation) {
        out->append(violation.description);
      });
  return WithDetail(absl::InvalidArgumentError(text), details);
}

absl::Status WithDetail(absl::Status status, const google::protobuf::Message& detail) {
  status.SetPayload(absl::StrCat(kTypeUrlPrefix, detail.GetDescriptor()->full_name()),
                    absl::Cord(detail.SerializeAsString()));
  return status;
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status out;
  out.set_code(status.raw_code());
  out.set_message(std::string(status.message()));
  for (auto& [type_url, payload] : SortedPayloads(status)) {
    google::protobuf::Any* detail = out.add_details();
    detail->set_type_url(type_url);
    detail->set_value(payload);
  }
  return out;
}

absl::Status FromRpcStatus(const google::rpc::Status& status) {
  absl::Status out(static_cast<absl::StatusCode>(status.code()), status.message());
  for (const google::protobuf::Any& detail : status.details()) {
    out.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return out;
}

std::string StatusDetailsBytes(const absl::Status& status) {
  google::rpc::Status out = ToRpcStatus(status);
  return out.details().empty() ? "" : out.SerializeAsString();
}

absl::string_view StatusName(absl::StatusCode code) { return RowOf(code).name; }

int HttpStatusOf(absl::StatusCode code) { return RowOf(code).http_status; }

std::string ErrorJson(int http_status, const absl::Status& status) {
  std::string out =
      absl::StrCat("{\n  \"error\": {\n    \"code\": ", http_status, ",\n    \"message\": ");
  AppendJsonString(status.message(), out);
  absl::StrAppend(&out, ",\n    \"status\": \"", StatusName(status.code()), "\"");
  auto payloads = SortedPayloads(status);
  if (!payloads.empty()) {
    const auto& pool = *google::rpc::BadRequest::descriptor()->file()->pool();
    out += ",\n    \"details\": [";
    for (size_t i = 0; i < payloads.size(); ++i) {
      out += i == 0 ? "\n      " : ",\n      ";
      out += AnyToJson(pool, payloads[i].first, payloads[i].second, /*indent=*/6);
    }
    out += "\n    ]";
  }
  out += "\n  }\n}\n";
  return out;
}

std::string ErrorJson(const absl::Status& status) {
  return ErrorJson(HttpStatusOf(status.code()), status);
}

void WriteError(HttpWriter& writer, const absl::Status& status) {
  std::string body = ErrorJson(status);
  Headers headers = {{"content-type", "application/json; charset=UTF-8"}};
  if (status.code() == absl::StatusCode::kUnauthenticated) {
    headers.emplace_back("www-authenticate", "Bearer realm=\"trainyard\"");
  }
  // A client that has gone needs no answer.
  if (!writer.Start(HttpStatusOf(status.code()), headers, static_cast<int64_t>(body.size())).ok()) {
    return;
  }
  writer.Write(body).IgnoreError();
}

}  // namespace trainyard::edge
