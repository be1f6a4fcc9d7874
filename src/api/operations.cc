// google.longrunning.Operations. Every operation here is done when it is made, so waiting is
// getting, and cancelling changes nothing.
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "api/registrations.h"
#include "api/reply.h"
#include "base/status.h"
#include "google/longrunning/operations.pb.h"
#include "model/filter.h"
#include "model/names.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::api {
namespace {

namespace lro = google::longrunning;

constexpr char kService[] = "google.longrunning.Operations/";

absl::StatusOr<lro::Operation> OperationOf(const store::Record& record) {
  trainyard::store::v1::OperationRecord parsed;
  if (!parsed.ParseFromString(record.value)) {
    return absl::DataLossError(absl::StrCat("The record of ", record.name, " is damaged."));
  }
  return std::move(*parsed.mutable_operation());
}

absl::StatusOr<lro::Operation> Get(store::Store& store, const std::string& name) {
  ASSIGN_OR_RETURN(model::ResourceName parsed, model::ParseOperationName(name));
  absl::StatusOr<store::Record> record = store.Get(store::kOperations, parsed.ToString());
  if (absl::IsNotFound(record.status())) {
    return absl::NotFoundError(absl::StrCat("Operation ", name, " was not found."));
  }
  if (!record.ok()) return record.status();
  return OperationOf(*record);
}

absl::StatusOr<lro::ListOperationsResponse> List(store::Store& store,
                                                 const lro::ListOperationsRequest& request) {
  // "projects/P/locations/L", or a resource below it.
  ASSIGN_OR_RETURN(model::ResourceName any,
                   model::ParseOperationName(absl::StrCat(request.name(), "/operations/-")));
  std::string location = any.parent.ToString();
  if (request.page_size() < 0) {
    return absl::InvalidArgumentError("page_size: must not be negative.");
  }
  store::ListQuery query;
  query.kind = store::kOperations;
  query.parent = location;
  ASSIGN_OR_RETURN(query.filter, model::ParseFilter(request.filter()));
  RETURN_IF_ERROR(model::CheckFilterFields(query.filter, {"name", "done", "create_time"}));
  query.filter_text = absl::StrCat(request.name(), " ", request.filter());
  query.page_size = request.page_size();
  query.page_token = request.page_token();
  query.fields = [](const store::Record& record,
                    const std::string& path) -> std::optional<model::FilterValue> {
    absl::StatusOr<lro::Operation> operation = OperationOf(record);
    if (!operation.ok()) return std::nullopt;
    if (path == "done") return operation->done();
    if (path == "name") return operation->name();
    return std::nullopt;
  };
  ASSIGN_OR_RETURN(store::Page page, store.List(query));
  lro::ListOperationsResponse response;
  for (const store::Record& record : page.records) {
    ASSIGN_OR_RETURN(lro::Operation operation, OperationOf(record));
    bool below = absl::StartsWith(operation.name(), absl::StrCat(request.name(), "/operations/"));
    if (below || request.name() == location) *response.add_operations() = std::move(operation);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

void Delete(control::Engine& engine, const lro::DeleteOperationRequest& request,
            edge::Responder respond) {
  absl::StatusOr<model::ResourceName> name = model::ParseOperationName(request.name());
  if (!name.ok()) return respond(name.status());
  engine.DeleteOperation(name->ToString(),
                         [respond = std::move(respond)](absl::StatusOr<bool> done) mutable {
                           SendEmpty(respond, done.status());
                         });
}

}  // namespace

void RegisterOperations(edge::MethodTable& methods, const Services& services) {
  store::Store& store = services.store;
  control::Engine& engine = services.engine;
  methods.Register<lro::GetOperationRequest>(
      absl::StrCat(kService, "GetOperation"), "aiplatform.operations.get", "name", false,
      [&store](const edge::Call&, const lro::GetOperationRequest& request,
               edge::Responder respond) { Send(respond, Get(store, request.name())); });
  methods.Register<lro::WaitOperationRequest>(
      absl::StrCat(kService, "WaitOperation"), "aiplatform.operations.get", "name", false,
      [&store](const edge::Call&, const lro::WaitOperationRequest& request,
               edge::Responder respond) { Send(respond, Get(store, request.name())); });
  methods.Register<lro::ListOperationsRequest>(
      absl::StrCat(kService, "ListOperations"), "aiplatform.operations.list", "name", false,
      [&store](const edge::Call&, const lro::ListOperationsRequest& request,
               edge::Responder respond) { Send(respond, List(store, request)); });
  methods.Register<lro::CancelOperationRequest>(
      absl::StrCat(kService, "CancelOperation"), "aiplatform.operations.cancel", "name", true,
      [&store](const edge::Call&, const lro::CancelOperationRequest& request,
               edge::Responder respond) {
        SendEmpty(respond, Get(store, request.name()).status());
      });
  methods.Register<lro::DeleteOperationRequest>(
      absl::StrCat(kService, "DeleteOperation"), "aiplatform.operations.delete", "name", true,
      [&engine](const edge::Call&, const lro::DeleteOperationRequest& request,
                edge::Responder respond) { Delete(engine, request, std::move(respond)); });
}

}  // namespace trainyard::api
