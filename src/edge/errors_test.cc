#include "edge/errors.h"

#include <gtest/gtest.h>

#include "edge/http_handler.h"
#include "google/rpc/error_details.pb.h"

namespace trainyard::edge {
namespace {

TEST(ErrorsTest, HttpStatusOfEveryCode) {
  const struct {
    int code;
    int http;
    const char* name;
  } rows[] = {{0, 200, "OK"},
              {1, 499, "CANCELLED"},
              {2, 500, "UNKNOWN"},
              {3, 400, "INVALID_ARGUMENT"},
              {4, 504, "DEADLINE_EXCEEDED"},
              {5, 404, "NOT_FOUND"},
              {6, 409, "ALREADY_EXISTS"},
              {7, 403, "PERMISSION_DENIED"},
              {8, 429, "RESOURCE_EXHAUSTED"},
              {9, 400, "FAILED_PRECONDITION"},
              {10, 409, "ABORTED"},
              {11, 400, "OUT_OF_RANGE"},
              {12, 501, "UNIMPLEMENTED"},
              {13, 500, "INTERNAL"},
              {14, 503, "UNAVAILABLE"},
              {15, 500, "DATA_LOSS"},
              {16, 401, "UNAUTHENTICATED"},
              {99, 500, "UNKNOWN"}};
  for (const auto& row : rows) {
    EXPECT_EQ(HttpStatusOf(static_cast<absl::StatusCode>(row.code)), row.http) << row.code;
    EXPECT_EQ(StatusName(static_cast<absl::StatusCode>(row.code)), row.name);
  }
}

TEST(ErrorsTest, JsonBody) {
  EXPECT_EQ(ErrorJson(absl::NotFoundError("no \"x\"\n<b>")), R"({
  "error": {
    "code": 404,
    "message": "no \"x\"\n\u003cb\u003e",
    "status": "NOT_FOUND"
  }
}
)");
  google::rpc::ErrorInfo info;
  info.set_reason("IAM_PERMISSION_DENIED");
  info.set_domain("d");
  absl::Status status = WithDetail(InvalidFields({{"a.b", "wrong"}, {"c", "bad"}}), info);
  status.SetPayload("type.googleapis.com/no.Such", absl::Cord("abc"));
  EXPECT_EQ(ErrorJson(status), R"({
  "error": {
    "code": 400,
    "message": "wrong\nbad",
    "status": "INVALID_ARGUMENT",
    "details": [
      {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [
          {
            "field": "a.b",
            "description": "wrong"
          },
          {
            "field": "c",
            "description": "bad"
          }
        ]
      },
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "d"
      },
      {
        "@type": "type.googleapis.com/no.Such",
        "value": "YWJj"
      }
    ]
  }
}
)");
}

TEST(ErrorsTest, RpcStatusBothWays) {
  absl::Status status = InvalidFields({{"a", "wrong"}});
  google::rpc::Status out = ToRpcStatus(status);
  EXPECT_EQ(out.code(), 3);
  EXPECT_EQ(out.message(), "wrong");
  google::rpc::BadRequest details;
  ASSERT_EQ(out.details_size(), 1);
  ASSERT_TRUE(out.details(0).UnpackTo(&details));
  EXPECT_EQ(details.field_violations(0).field(), "a");
  EXPECT_EQ(FromRpcStatus(out), status);
  EXPECT_EQ(StatusDetailsBytes(status), out.SerializeAsString());
  EXPECT_EQ(StatusDetailsBytes(absl::NotFoundError("x")), "");
}

class StringWriter : public HttpWriter {
 public:
  absl::Status Start(int status, const Headers& headers, int64_t content_length) override {
    status_ = status;
    headers_ = headers;
    length_ = content_length;
    return absl::OkStatus();
  }
  absl::Status Write(absl::string_view bytes) override {
    body_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  int status_ = 0;
  Headers headers_;
  int64_t length_ = 0;
  std::string body_;
};

TEST(ErrorsTest, WritesAnError) {
  StringWriter writer;
  WriteError(writer, absl::UnauthenticatedError("pass a token"));
  EXPECT_EQ(writer.status_, 401);
  EXPECT_EQ(writer.length_, static_cast<int64_t>(writer.body_.size()));
  EXPECT_EQ(writer.body_, ErrorJson(absl::UnauthenticatedError("pass a token")));
  ASSERT_EQ(writer.headers_.size(), 2);
  EXPECT_EQ(writer.headers_[1].first, "www-authenticate");
}

}  // namespace
}  // namespace trainyard::edge
