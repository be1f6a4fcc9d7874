#include "edge/dispatcher.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/status.h"
#include "edge/errors.h"
#include "edge/pending_call.h"
#include "edge/resource_check.h"
#include "edge/transcoder.h"
#include "edge/version_bridge.h"
#include "model/names.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Message;
// The request's wire bytes, in the call's own version.
using RequestMaker = absl::AnyInvocable<absl::StatusOr<std::string>()>;

constexpr absl::string_view kBeta = "v1beta1";
constexpr absl::string_view kStable = "v1";
constexpr absl::Duration kRestTimeoutMax = absl::Minutes(10);

absl::Status NotImplemented(absl::string_view method) {
  return absl::UnimplementedError(
      absl::StrCat("Method ", method, " is not implemented by this server."));
}

absl::string_view HeaderOf(const Headers& headers, absl::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

RestReply ErrorReply(int http_status, const absl::Status& status) {
  RestReply reply = {http_status, {{"content-type", "application/json; charset=UTF-8"}}, ""};
  if (http_status == 401)
    reply.headers.emplace_back("www-authenticate", "Bearer realm=\"trainyard\"");
  reply.body = ErrorJson(http_status, status);
  return reply;
}

RestReply ErrorReply(const absl::Status& status) {
  return ErrorReply(HttpStatusOf(status.code()), status);
}

RestReply NoSuchPath(const RestCall& call) {
  return ErrorReply(absl::NotFoundError(absl::StrCat(
      "No method answers ", call.verb, " ", absl::string_view(call.path).substr(0, 500),
      ". Paths look like /v1/projects/PROJECT/locations/LOCATION/customJobs; the methods are "
      "listed "
      "by gRPC reflection.")));
}

RestReply WrongVerb(const RestCall& call, const std::vector<std::string>& allowed) {
  const std::string verbs = absl::StrJoin(allowed, ", ");
  RestReply reply = ErrorReply(405, absl::UnimplementedError(absl::StrCat(
                                        "The path ", absl::string_view(call.path).substr(0, 500),
                                        " does not take ", call.verb, "; it takes ", verbs, ".")));
  reply.headers.emplace_back("allow", verbs);
  return reply;
}

// Clients send a GET whose URL would be too long as a POST with the query as a form.
void ApplyMethodOverride(RestCall& call) {
  const std::string verb = absl::AsciiStrToUpper(HeaderOf(call.headers, "x-http-method-override"));
  if (call.verb != "POST") return;
  if (verb == "GET" || verb == "PUT" || verb == "PATCH" || verb == "DELETE") call.verb = verb;
}

void TakeFormAsQuery(RestCall& call) {
  if (call.verb != "GET" || call.body.empty() ||
      !absl::StartsWith(HeaderOf(call.headers, "content-type"),
                        "application/x-www-form-urlencoded")) {
    return;
  }
  absl::StrAppend(&call.query, call.query.empty() ? "" : "&", call.body);
  call.body.clear();
}

absl::Status CheckEncoding(const Headers& headers) {
  absl::string_view encoding = HeaderOf(headers, "content-encoding");
  if (encoding.empty() || encoding == "identity") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("A body with Content-Encoding: ", encoding.substr(0, 100),
                   " is not served; send it as it is."));
}

// Of the URL, or of the gRPC package: the same operation answers clients of both versions.
std::string VersionOf(absl::string_view path, const Method& method) {
  if (absl::StartsWith(path, "/v1beta1/") || absl::StrContains(method.full_name, ".v1beta1.")) {
    return std::string(kBeta);
  }
  return std::string(kStable);
}

// Answers for a handler that lets its responder go without a word.
class Answer {
 public:
  explicit Answer(std::shared_ptr<PendingCall> call) : call_(std::move(call)) {}
  Answer(Answer&&) = default;
  ~Answer() {
    if (call_ != nullptr) call_->Finish(absl::InternalError("The call ended without an answer."));
  }
  std::shared_ptr<PendingCall> Take() { return std::move(call_); }

 private:
  std::shared_ptr<PendingCall> call_;
};

absl::StatusOr<std::string> SerializeReply(const PendingCall& pending, Response response) {
  if (!response.ok()) return response.status();
  const auto& type = *pending.method().descriptor->output_type();
  CHECK(*response != nullptr);
  const std::string& made = (*response)->GetDescriptor()->full_name();
  CHECK(made == type.full_name() || made == InVersion(type.full_name(), kBeta, kStable));
  std::string bytes = (*response)->SerializeAsString();
  if (pending.call().version != kBeta) return bytes;
  return RewriteVersion(bytes, type, kStable, kBeta);
}

}  // namespace

struct Dispatcher::State {
  State(const MethodTable& methods, Authenticator& authenticator, Policy& policy, Audit& audit,
        const base::Clock& clock, DispatcherOptions options)
      : methods(methods),
        authenticator(authenticator),
        policy(policy),
        audit(audit),
        clock(clock),
        rest_timeout(options.rest_timeout),
        timers("edge-deadlines"),
        surroundings{audit, clock, timers, open},
        pool(std::make_unique<base::ThreadPool>("edge-calls", options.call_threads,
                                                options.call_queue_max)) {
    places.projects = std::move(options.projects);
    places.locations = options.locations.empty() ? model::Regions() : std::move(options.locations);
    absl::StatusOr<RouteTable> made = MakeRoutes(methods);
    CHECK(made.ok());
    routes = std::move(*made);
  }

  void Begin(Call call, const Method& method, PendingCall::Replier reply, RequestMaker make);
  void Run(const std::shared_ptr<PendingCall>& pending, RequestMaker make);
  absl::StatusOr<std::unique_ptr<Message>> ReadRequest(const PendingCall& pending,
                                                       RequestMaker make);
  absl::Status Allow(PendingCall& pending, const Message& request);
  absl::Time RestDeadline(const RestCall& call) const;
  void AuditRefusal(const RestCall& call, const Method& method, const absl::Status& status);

  const MethodTable& methods;
  Authenticator& authenticator;
  Policy& policy;
  Audit& audit;
  const base::Clock& clock;
  const absl::Duration rest_timeout;
  ServedPlaces places;
  RouteTable routes;
  base::ThreadExecutor timers;
  OpenCalls open;
  const CallSurroundings surroundings;
  std::unique_ptr<base::ThreadPool> pool;
};

void Dispatcher::State::Begin(Call call, const Method& method, PendingCall::Replier reply,
                              RequestMaker make) {
  auto pending =
      std::make_shared<PendingCall>(surroundings, std::move(call), method, std::move(reply));
  open.Add(pending);
  const bool posted = pool->TryPost(
      [this, pending, make = std::move(make)]() mutable { Run(pending, std::move(make)); });
  if (!posted) {
    pending->Finish(absl::UnavailableError("The server has too many calls in hand; try again."));
  }
}

void Dispatcher::State::Run(const std::shared_ptr<PendingCall>& pending, RequestMaker make) {
  if (pending->IsLate()) {
    return pending->Finish(absl::DeadlineExceededError("Deadline exceeded in the queue."));
  }
  absl::StatusOr<std::unique_ptr<Message>> request = ReadRequest(*pending, std::move(make));
  if (!request.ok()) return pending->Finish(request.status());
  if (absl::Status allowed = Allow(*pending, **request); !allowed.ok()) {
    return pending->Finish(std::move(allowed));
  }
  pending->method().registration.handler(pending->call(), **request,
                                         [answer = Answer(pending)](Response response) mutable {
                                           std::shared_ptr<PendingCall> call = answer.Take();
                                           CHECK(call != nullptr);
                                           call->Finish(SerializeReply(*call, std::move(response)));
                                         });
  pending->WatchDeadline();
}

absl::StatusOr<std::unique_ptr<Message>> Dispatcher::State::ReadRequest(const PendingCall& pending,
                                                                        RequestMaker make) {
  const Method& method = pending.method();
  ASSIGN_OR_RETURN(std::string bytes, make());
  if (pending.call().version == kBeta) {
    ASSIGN_OR_RETURN(bytes,
                     RewriteVersion(bytes, *method.descriptor->input_type(), kBeta, kStable));
  }
  std::unique_ptr<Message> request(method.request_prototype->New());
  if (request->ParseFromString(bytes)) return request;
  return absl::InvalidArgumentError(
      absl::StrCat("The request is no valid ", method.descriptor->input_type()->full_name(),
                   ": it is malformed, has a string that is not UTF-8, or is nested too deep."));
}

absl::Status Dispatcher::State::Allow(PendingCall& pending, const Message& request) {
  const Registration& registration = pending.method().registration;
  ASSIGN_OR_RETURN(std::vector<std::string> resources,
                   ResourcesOf(request, registration.resource_field));
  pending.set_resource(absl::StrJoin(resources, ","));
  for (const std::string& resource : resources) {
    if (registration.check_location) {
      RETURN_IF_ERROR(CheckPlace(resource, places));
    }
    if (!registration.permission.empty()) {
      RETURN_IF_ERROR(policy.Check(pending.call().caller, registration.permission, resource));
    }
  }
  return absl::OkStatus();
}

absl::Time Dispatcher::State::RestDeadline(const RestCall& call) const {
  double seconds = 0;
  absl::Duration timeout = rest_timeout;
  if (absl::SimpleAtod(HeaderOf(call.headers, "x-server-timeout"), &seconds) && seconds > 0) {
    timeout = std::min(absl::Seconds(seconds), kRestTimeoutMax);
  }
  return clock.Now() + timeout;
}

void Dispatcher::State::AuditRefusal(const RestCall& call, const Method& method,
                                     const absl::Status& status) {
  if (!method.registration.mutates) return;
  Call record = {call.caller, method.full_name, absl::InfiniteFuture(),
                 call.peer,   /*rest=*/true,    VersionOf(call.path, method)};
  audit.Record({std::move(record), method.registration.permission, "", status, clock.Now()});
}

Dispatcher::Dispatcher(const MethodTable& methods, Authenticator& authenticator, Policy& policy,
                       Audit& audit, const base::Clock& clock, DispatcherOptions options)
    : state_(std::make_unique<State>(methods, authenticator, policy, audit, clock,
                                     std::move(options))) {}

Dispatcher::~Dispatcher() {
  state_->pool.reset();
  state_->open.FinishAll(absl::UnavailableError("The server is shutting down."));
}

void Dispatcher::DispatchGrpc(GrpcCall call, GrpcReplier reply) {
  const std::string name(absl::StripPrefix(call.method, "/"));
  const Method* method = state_->methods.Find(name);
  absl::StatusOr<Caller> caller = state_->authenticator.Authenticate(call.authorization);
  const bool served = method != nullptr && method->implemented;
  Call made = {{}, name, call.deadline, call.peer, /*rest=*/false, ""};
  if (!caller.ok()) {
    if (served && method->registration.mutates) {
      state_->audit.Record(
          {made, method->registration.permission, "", caller.status(), state_->clock.Now()});
    }
    return reply(caller.status());
  }
  if (!served) return reply(NotImplemented(name));
  made.caller = *std::move(caller);
  made.version = VersionOf("", *method);
  state_->Begin(std::move(made), *method, std::move(reply),
                [bytes = std::move(call.request)]() mutable { return std::move(bytes); });
}

std::optional<RestReply> Dispatcher::AdmitRest(RestCall& call) {
  ApplyMethodOverride(call);
  const RouteMatch match = state_->routes.Match(call.verb, call.path);
  const Method* method = match.binding == nullptr ? nullptr : match.binding->method;
  absl::StatusOr<Caller> caller =
      state_->authenticator.Authenticate(HeaderOf(call.headers, "authorization"));
  if (!caller.ok()) {
    if (method != nullptr) state_->AuditRefusal(call, *method, caller.status());
    return ErrorReply(caller.status());
  }
  call.caller = *std::move(caller);
  if (method == nullptr) {
    return match.allowed.empty() ? NoSuchPath(call) : WrongVerb(call, match.allowed);
  }
  if (!method->implemented) return ErrorReply(NotImplemented(method->full_name));
  absl::Status encoding = CheckEncoding(call.headers);
  if (!encoding.ok()) return ErrorReply(encoding);
  return std::nullopt;
}

void Dispatcher::DispatchRest(RestCall call, RestReplier reply) {
  TakeFormAsQuery(call);
  // The match points into the path, so both live as long as the call.
  auto kept = std::make_shared<RestCall>(std::move(call));
  const RouteMatch match = state_->routes.Match(kept->verb, kept->path);
  CHECK(match.binding != nullptr && match.binding->method->implemented);
  absl::StatusOr<RestQuery> parsed = ParseRestQuery(kept->query);
  if (!parsed.ok()) {
    state_->AuditRefusal(*kept, *match.binding->method, parsed.status());
    return reply(ErrorReply(parsed.status()));
  }
  if (parsed->fields.empty()) {
    parsed->fields = std::string(HeaderOf(kept->headers, "x-goog-fieldmask"));
  }
  auto query = std::make_shared<const RestQuery>(*std::move(parsed));
  const Method& method = *match.binding->method;
  Call made = {kept->caller, method.full_name, state_->RestDeadline(*kept),
               kept->peer,   /*rest=*/true,    VersionOf(kept->path, method)};
  auto replier = [binding = match.binding, query,
                  reply = std::move(reply)](absl::StatusOr<std::string> response) mutable {
    if (!response.ok()) return reply(ErrorReply(response.status()));
    absl::StatusOr<RestBody> body = TranscodeResponse(*binding, *query, *response);
    if (!body.ok()) return reply(ErrorReply(body.status()));
    reply({200,
           {{"content-type", std::move(body->content_type)},
            {"cache-control", "private"},
            {"x-content-type-options", "nosniff"}},
           std::move(body->bytes)});
  };
  auto make = [kept, match, query] {
    return TranscodeRequest(match, *query, HeaderOf(kept->headers, "content-type"), kept->body);
  };
  state_->Begin(std::move(made), method, std::move(replier), std::move(make));
}

}  // namespace trainyard::edge
