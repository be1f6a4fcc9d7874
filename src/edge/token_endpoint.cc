#include "edge/token_endpoint.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/mutex.h"
#include "base/status.h"
#include "edge/json_quote.h"

namespace trainyard::edge {
namespace {

constexpr size_t kBodyBytesMax = 16 << 10;
constexpr double kRequestsPerSecond = 200;
constexpr double kBurst = 400;
constexpr char kGrant[] = "urn:ietf:params:oauth:grant-type:jwt-bearer";

// Lets so many through each second, and so many at once. Threads: any.
class TokenBucket {
 public:
  explicit TokenBucket(const base::Clock& clock) : clock_(clock), last_(clock.Monotonic()) {}
  bool Take() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    const absl::Duration now = clock_.Monotonic();
    level_ = std::min(kBurst, level_ + kRequestsPerSecond * absl::ToDoubleSeconds(now - last_));
    last_ = now;
    if (level_ < 1) return false;
    level_ -= 1;
    return true;
  }

 private:
  const base::Clock& clock_;
  base::Mutex mutex_;
  absl::Duration last_ GUARDED_BY(mutex_);
  double level_ GUARDED_BY(mutex_) = kBurst;
};

struct Reply {
  int status = 200;
  std::string json;
  Headers headers;
};

Reply Refusal(int status, absl::string_view error, absl::string_view description) {
  return {status, absl::StrCat("{\"error\":", QuoteJson(error),
                               ",\"error_description\":", QuoteJson(description), "}")};
}

using Form = std::map<std::string, std::string>;

absl::StatusOr<std::string> ReadBody(BodyReader* body) {
  std::string text;
  while (body != nullptr) {
    ASSIGN_OR_RETURN(const std::string piece, body->Read(kBodyBytesMax));
    if (piece.empty()) break;
    text += piece;
    if (text.size() > kBodyBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat("the body is over ", kBodyBytesMax, " bytes"));
    }
  }
  return text;
}

absl::StatusOr<Form> ReadForm(const HttpRequest& request) {
  if (!absl::StartsWithIgnoreCase(request.Header("content-type"),
                                  "application/x-www-form-urlencoded")) {
    return absl::InvalidArgumentError("the body must be application/x-www-form-urlencoded");
  }
  ASSIGN_OR_RETURN(const std::string body, ReadBody(request.body));
  Form form;
  for (const absl::string_view field : absl::StrSplit(body, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(field, absl::MaxSplits('=', 1));
    ASSIGN_OR_RETURN(std::string name, PercentDecode(parts.first, true));
    ASSIGN_OR_RETURN(std::string value, PercentDecode(parts.second, true));
    if (!form.emplace(std::move(name), std::move(value)).second) {
      return absl::InvalidArgumentError("a parameter is there twice");
    }
  }
  return form;
}

Reply Answer(AccountRegistry& accounts, TokenBucket& bucket, const std::string& path,
             const HttpRequest& request) {
  if (request.path != path) return Refusal(404, "not_found", "there is nothing at this path");
  if (request.method != "POST") {
    Reply reply = Refusal(405, "invalid_request", "the token endpoint takes POST");
    reply.headers.emplace_back("allow", "POST");
    return reply;
  }
  if (!bucket.Take()) {
    Reply reply = Refusal(429, "temporarily_unavailable", "too many token requests; try again");
    reply.headers.emplace_back("retry-after", "1");
    return reply;
  }
  absl::StatusOr<Form> form = ReadForm(request);
  if (!form.ok()) return Refusal(400, "invalid_request", form.status().message());
  if ((*form)["grant_type"] != kGrant) {
    return Refusal(400, "unsupported_grant_type",
                   absl::StrCat("grant_type must be ", kGrant,
                                ": a service-account key is the only credential here"));
  }
  const absl::StatusOr<AccountRegistry::Token> token = accounts.Exchange((*form)["assertion"]);
  if (!token.ok()) return Refusal(400, "invalid_grant", token.status().message());
  return {200, absl::StrCat("{\"access_token\":", QuoteJson(token->access_token),
                            ",\"expires_in\":", token->expires_in_seconds,
                            ",\"token_type\":\"Bearer\"}")};
}

HttpRoute RouteAt(const std::string& path, AccountRegistry& accounts,
                  std::shared_ptr<TokenBucket> bucket) {
  return {path, /*open=*/true, [path, &accounts, bucket](HttpRequest& request, HttpWriter& writer) {
            Reply reply = Answer(accounts, *bucket, path, request);
            reply.headers.emplace_back("content-type", "application/json; charset=utf-8");
            reply.headers.emplace_back("cache-control", "no-store");
            const auto size = static_cast<int64_t>(reply.json.size());
            if (writer.Start(reply.status, reply.headers, size).ok()) {
              // A client that has gone needs no answer.
              (void)writer.Write(reply.json);
            }
          }};
}

}  // namespace

std::vector<HttpRoute> TokenRoutes(AccountRegistry& accounts, const base::Clock& clock) {
  const auto bucket = std::make_shared<TokenBucket>(clock);
  return {RouteAt("/token", accounts, bucket), RouteAt("/oauth2/v4/token", accounts, bucket)};
}

}  // namespace trainyard::edge
