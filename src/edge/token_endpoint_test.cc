#include "edge/token_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "edge/test_token.h"

namespace trainyard::edge {
namespace {

using testing::HasSubstr;

class StringBody : public BodyReader {
 public:
  explicit StringBody(std::string text) : text_(std::move(text)) {}
  absl::StatusOr<std::string> Read(size_t length) override {
    std::string piece = text_.substr(0, length);
    text_.erase(0, piece.size());
    return piece;
  }

 private:
  std::string text_;
};

class RecordingWriter : public HttpWriter {
 public:
  absl::Status Start(int status, const Headers& headers, int64_t) override {
    status_ = status;
    headers_ = headers;
    return absl::OkStatus();
  }
  absl::Status Write(absl::string_view bytes) override {
    body_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  int status_ = 0;
  Headers headers_;
  std::string body_;
};

class TokenEndpointTest : public testing::Test {
 protected:
  TokenEndpointTest() { accounts_.Replace({account_.Record("*", "admin")}); }

  RecordingWriter Send(HttpRequest request, const std::string& body) {
    StringBody reader(body);
    request.body = &reader;
    RecordingWriter writer;
    routes_[0].handler(request, writer);
    return writer;
  }
  RecordingWriter Post(const std::string& body) {
    return Send({.method = "POST", .path = "/token", .headers = {{"content-type", kForm}}}, body);
  }
  std::string Assertion() {
    return account_.Sign(clock_.Now(), R"(,"aud":"https://oauth2.googleapis.com/token")");
  }

  static constexpr char kForm[] = "application/x-www-form-urlencoded";
  const std::string grant_ = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
  base::FakeClock clock_;
  TestAccount account_{"owner@x"};
  AccountRegistry accounts_{clock_, std::string(32, 's'), {"127.0.0.1"}};
  std::vector<HttpRoute> routes_ = TokenRoutes(accounts_, clock_);
};

TEST_F(TokenEndpointTest, GivesATokenForAnAssertion) {
  EXPECT_TRUE(routes_[0].open);
  EXPECT_EQ(routes_[0].prefix, "/token");
  const RecordingWriter reply = Post(absl::StrCat(grant_, "&assertion=", Assertion()));
  ASSERT_EQ(reply.status_, 200) << reply.body_;
  const auto fields = ParseJson(reply.body_);
  EXPECT_EQ(fields.fields().at("token_type").string_value(), "Bearer");
  EXPECT_EQ(fields.fields().at("expires_in").number_value(), 3600);
  EXPECT_THAT(reply.headers_, testing::Contains(testing::Pair("cache-control", "no-store")));
  const auto caller =
      accounts_.Authenticate("Bearer " + fields.fields().at("access_token").string_value());
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->account, "owner@x");
}

TEST_F(TokenEndpointTest, RefusesInOauthsWords) {
  const std::string good = absl::StrCat(grant_, "&assertion=", Assertion());
  const struct {
    const char* what;
    HttpRequest request;
    std::string body;
    int status;
    const char* error;
  } cases[] = {
      {"GET", {.method = "GET", .path = "/token"}, "", 405, "invalid_request"},
      {"longer path", {.method = "POST", .path = "/tokeninfo"}, good, 404, "not_found"},
      {"no form", {.method = "POST", .path = "/token"}, good, 400, "invalid_request"},
      {"JSON",
       {.method = "POST", .path = "/token", .headers = {{"content-type", "application/json"}}},
       "{}",
       400,
       "invalid_request"},
  };
  for (const auto& test : cases) {
    const RecordingWriter reply = Send(test.request, test.body);
    EXPECT_EQ(reply.status_, test.status) << test.what;
    EXPECT_EQ(ParseJson(reply.body_).fields().at("error").string_value(), test.error) << test.what;
  }
}

TEST_F(TokenEndpointTest, RefusesBadForms) {
  const struct {
    std::string body;
    const char* error;
  } cases[] = {
      {"", "unsupported_grant_type"},
      {"grant_type=refresh_token&refresh_token=x", "unsupported_grant_type"},
      {grant_, "invalid_grant"},
      {absl::StrCat(grant_, "&assertion=a.b.c"), "invalid_grant"},
      {absl::StrCat(grant_, "&assertion=%zz"), "invalid_request"},
      {absl::StrCat(grant_, "&", grant_), "invalid_request"},
      {std::string(17'000, 'a'), "invalid_request"},
  };
  for (const auto& test : cases) {
    const RecordingWriter reply = Post(test.body);
    EXPECT_EQ(reply.status_, 400);
    EXPECT_EQ(ParseJson(reply.body_).fields().at("error").string_value(), test.error) << test.body;
  }
}

TEST_F(TokenEndpointTest, IsBounded) {
  int refused = 0;
  for (int i = 0; i < 500; ++i) refused += Post(grant_).status_ == 429;
  EXPECT_EQ(refused, 100);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Post(grant_).status_, 400);
}

}  // namespace
}  // namespace trainyard::edge
