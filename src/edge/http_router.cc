#include "edge/http_router.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/status.h"
#include "edge/errors.h"

namespace trainyard::edge {
namespace {

constexpr absl::string_view kHealthPath = "/healthz";
constexpr absl::Duration kLookEvery = absl::Milliseconds(200);

void Send(HttpExchange& exchange, const RestReply& reply) {
  if (!exchange.Start(reply.status, reply.headers, static_cast<int64_t>(reply.body.size())).ok()) {
    return;
  }
  exchange.Write(reply.body).IgnoreError();  // a client that has gone needs no answer
}

RestReply BodyTooLarge() {
  std::string message = absl::StrCat(
      "Request payload size exceeds the limit: ", base::limits::kJsonBodyBytesMax, " bytes.");
  return {413,
          {{"content-type", "application/json; charset=UTF-8"}},
          ErrorJson(413, absl::InvalidArgumentError(message))};
}

// nullopt when it is too large.
absl::StatusOr<std::optional<std::string>> ReadBody(const RequestHead& head, HttpExchange& exchange,
                                                    RequestBudget::Share& share) {
  constexpr size_t kMax = base::limits::kJsonBodyBytesMax;
  if (head.content_length.value_or(0) > kMax) return std::nullopt;
  std::string body;
  while (true) {
    size_t wanted = head.content_length ? *head.content_length - body.size() : 64 << 10;
    ASSIGN_OR_RETURN(std::string piece, exchange.Read(std::max<size_t>(wanted, 1)));
    if (piece.empty()) return body;
    if (!share.TryGrow(piece.size())) {
      return absl::ResourceExhaustedError(
          "The server holds too many bytes of requests; try again.");
    }
    body = body.empty() ? std::move(piece) : body + piece;
    if (body.size() > kMax) return std::nullopt;
  }
}

// Where the thread of a connection waits for a reply that another thread brings.
class ReplySlot {
 public:
  void Put(RestReply reply) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    reply_ = std::move(reply);
    changed_.NotifyAll();
  }
  // nullopt when it is not there after a while.
  std::optional<RestReply> Await(absl::Duration timeout) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (!reply_) changed_.WaitFor(mutex_, timeout);
    return std::exchange(reply_, std::nullopt);
  }

 private:
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::optional<RestReply> reply_ GUARDED_BY(mutex_);
};

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> DecodeQuery(
    absl::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (absl::string_view item : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(item, absl::MaxSplits('=', 1));
    ASSIGN_OR_RETURN(std::string name, PercentDecode(parts.first, /*plus_is_space=*/true));
    ASSIGN_OR_RETURN(std::string value, PercentDecode(parts.second, /*plus_is_space=*/true));
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

}  // namespace

HttpRouter::HttpRouter(std::vector<HttpRoute> routes, Authenticator& authenticator,
                       Dispatcher& dispatcher, RequestBudget& budget, const StopEvents& stop)
    : routes_(std::move(routes)),
      authenticator_(authenticator),
      dispatcher_(dispatcher),
      budget_(budget),
      stop_(stop) {
  std::stable_sort(routes_.begin(), routes_.end(), [](const HttpRoute& a, const HttpRoute& b) {
    return a.prefix.size() > b.prefix.size();
  });
}

const HttpRoute* HttpRouter::Find(absl::string_view path) const {
  auto route = std::find_if(routes_.begin(), routes_.end(), [&](const HttpRoute& item) {
    return absl::StartsWith(path, item.prefix);
  });
  return route == routes_.end() ? nullptr : &*route;
}

void HttpRouter::Serve(const RequestHead& request, const std::string& peer,
                       HttpExchange& exchange) const {
  if (request.path == kHealthPath) {
    ServeHealth(exchange);
  } else if (const HttpRoute* route = Find(request.path)) {
    ServeRoute(*route, request, peer, exchange);
  } else {
    ServeCall(request, peer, exchange);
  }
}

void HttpRouter::ServeHealth(HttpExchange& exchange) const {
  bool draining = stop_.drain.IsSet();
  Send(exchange, {draining ? 503 : 200,
                  {{"content-type", "text/plain; charset=utf-8"}},
                  draining ? "shutting down\n" : "ok\n"});
}

void HttpRouter::ServeRoute(const HttpRoute& route, const RequestHead& head,
                            const std::string& peer, HttpExchange& exchange) const {
  HttpRequest request;
  if (!route.open) {
    absl::StatusOr<Caller> caller = authenticator_.Authenticate(head.Header("authorization"));
    if (!caller.ok()) return WriteError(exchange, caller.status());
    request.caller = *std::move(caller);
  }
  auto query = DecodeQuery(head.query);
  if (!query.ok()) return WriteError(exchange, query.status());
  request.method = head.method;
  request.path = head.path;
  request.query = *std::move(query);
  request.headers = head.headers;
  request.body = &exchange;
  request.peer = peer;
  route.handler(request, exchange);
  if (!exchange.started()) {
    exchange.CloseAfter();
    WriteError(exchange, absl::InternalError("The server has no answer to this request."));
  }
}

void HttpRouter::ServeCall(const RequestHead& head, const std::string& peer,
                           HttpExchange& exchange) const {
  RestCall call{head.method, head.path, head.query, head.headers, peer, "", {}};
  if (std::optional<RestReply> refusal = dispatcher_.AdmitRest(call)) {
    return Send(exchange, *refusal);
  }
  RequestBudget::Share share(budget_);
  absl::StatusOr<std::optional<std::string>> body = ReadBody(head, exchange, share);
  if (!body.ok()) return WriteError(exchange, body.status());
  if (!*body) {
    exchange.CloseAfter();
    return Send(exchange, BodyTooLarge());
  }
  call.body = *std::move(*body);
  auto slot = std::make_shared<ReplySlot>();  // the reply may come after nobody waits for it
  dispatcher_.DispatchRest(std::move(call),
                           [slot](RestReply reply) { slot->Put(std::move(reply)); });
  while (true) {
    if (std::optional<RestReply> reply = slot->Await(kLookEvery)) return Send(exchange, *reply);
    if (exchange.ClientHasGone()) return exchange.CloseAfter();
    if (stop_.kill.IsSet()) {
      return WriteError(exchange, absl::UnavailableError("The server is shutting down."));
    }
  }
}

}  // namespace trainyard::edge
