// google.logging.v2.LoggingServiceV2: reading the logs of jobs. Writing and deleting are not
// registered: a log has one writer, and goes with its job.
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "api/log_bounds.h"
#include "api/log_scan.h"
#include "api/log_sources.h"
#include "api/registrations.h"
#include "api/reply.h"
#include "base/limits.h"
#include "base/status.h"
#include "google/logging/v2/logging.pb.h"
#include "model/filter.h"
#include "model/names.h"

namespace trainyard::api {
namespace {

namespace logging = google::logging::v2;

constexpr char kService[] = "google.logging.v2.LoggingServiceV2/";
constexpr char kPermission[] = "logging.logEntries.list";
constexpr int kPageSizeDefault = 50;
constexpr int kResourcesMax = 100;

// "projects/P", or a view of its logs: "projects/P/locations/global/buckets/_Default/views/_All".
absl::StatusOr<std::string> ProjectOf(absl::string_view resource) {
  std::vector<absl::string_view> parts = absl::StrSplit(resource, '/');
  bool good = parts.size() >= 2 && parts[0] == "projects" &&
              model::ParseLocation(absl::StrCat("projects/", parts[1], "/locations/-")).ok();
  if (good) return std::string(parts[1]);
  return absl::InvalidArgumentError(absl::StrCat("Resource name \"", resource.substr(0, 100),
                                                 "\" is invalid: expected projects/{project}."));
}

class LoggingService {
 public:
  LoggingService(const Services& services, std::shared_ptr<Projects> projects)
      : logs_(services.logs),
        accounts_(services.accounts),
        projects_(std::move(projects)),
        sources_(services.store,
                 services.locations.empty() ? model::Regions() : services.locations) {}

  absl::StatusOr<logging::ListLogEntriesResponse> ListEntries(
      const edge::Call& call, const logging::ListLogEntriesRequest& request) {
    ASSIGN_OR_RETURN(
        std::set<std::string> projects,
        AllowedProjects(call, {request.resource_names().begin(), request.resource_names().end()}));
    LogQuery query;
    ASSIGN_OR_RETURN(query.filter, model::ParseFilter(request.filter()));
    RETURN_IF_ERROR(model::CheckFilterFields(query.filter, LogEntryFields()));
    query.bounds = BoundsOf(query.filter);
    ASSIGN_OR_RETURN(query.newest_first, ParseOrder(request.order_by()));
    ASSIGN_OR_RETURN(query.page_size, PageSize(request.page_size()));
    query.lines_max = base::limits::kScanRecordsMax;
    const std::string bound_to = absl::StrCat(absl::StrJoin(projects, ","), "\n", request.filter(),
                                              "\n", query.newest_first ? "desc" : "asc");
    if (!request.page_token().empty()) {
      ASSIGN_OR_RETURN(query.after, LogPlace::FromToken(request.page_token(), bound_to));
    }
    ASSIGN_OR_RETURN(query.sources, SourcesOf(projects, query.bounds));
    ASSIGN_OR_RETURN(LogPage page, ReadLogPage(logs_, query));
    logging::ListLogEntriesResponse response;
    for (logging::LogEntry& entry : page.entries) *response.add_entries() = std::move(entry);
    if (page.next.has_value()) response.set_next_page_token(page.next->ToToken(bound_to));
    return response;
  }

  // The tasks of the project's jobs. The page token is the last name.
  absl::StatusOr<logging::ListLogsResponse> ListLogs(const edge::Call& call,
                                                     const logging::ListLogsRequest& request) {
    std::vector<std::string> resources = {request.parent()};
    resources.insert(resources.end(), request.resource_names().begin(),
                     request.resource_names().end());
    ASSIGN_OR_RETURN(std::set<std::string> projects, AllowedProjects(call, resources));
    ASSIGN_OR_RETURN(size_t page_size, PageSize(request.page_size()));
    ASSIGN_OR_RETURN(std::vector<LogSource> sources, SourcesOf(projects, LogBounds()));
    std::set<std::string> names;
    for (const LogSource& source : sources) {
      ASSIGN_OR_RETURN(std::vector<std::string> tasks, logs_.ListTasks(source.job_id));
      for (const std::string& task : tasks) {
        names.insert(absl::StrCat("projects/", source.project, "/logs/", task));
      }
    }
    logging::ListLogsResponse response;
    for (auto name = names.upper_bound(request.page_token()); name != names.end(); ++name) {
      if (static_cast<size_t>(response.log_names_size()) == page_size) {
        response.set_next_page_token(response.log_names(response.log_names_size() - 1));
        break;
      }
      response.add_log_names(*name);
    }
    return response;
  }

 private:
  static absl::StatusOr<size_t> PageSize(int asked) {
    if (asked < 0) return absl::InvalidArgumentError("page_size: must not be negative.");
    if (asked == 0) return kPageSizeDefault;
    return static_cast<size_t>(std::min(asked, base::limits::kPageSizeMax));
  }

  // True: newest first.
  static absl::StatusOr<bool> ParseOrder(absl::string_view order_by) {
    std::vector<absl::string_view> words = absl::StrSplit(order_by, ' ', absl::SkipWhitespace());
    bool good = words.empty() || (words[0] == "timestamp" && words.size() <= 2);
    if (good && words.size() < 2) return false;
    if (good && words[1] == "asc") return false;
    if (good && words[1] == "desc") return true;
    return absl::InvalidArgumentError(
        "order_by: must be \"timestamp asc\", \"timestamp desc\" or nothing.");
  }

  // Ids of the projects. The permission is asked for here and not by the edge: roles are bound to
  // ids, and a request may name a project by its number.
  absl::StatusOr<std::set<std::string>> AllowedProjects(const edge::Call& call,
                                                        const std::vector<std::string>& resources) {
    if (resources.empty() || resources.size() > kResourcesMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          "resource_names: must have 1 to ", kResourcesMax, " entries of the form projects/P."));
    }
    std::set<std::string> projects;
    for (const std::string& resource : resources) {
      ASSIGN_OR_RETURN(std::string project, ProjectOf(resource));
      std::string id = projects_->IdOf(project);
      RETURN_IF_ERROR(accounts_.Check(call.caller, kPermission, absl::StrCat("projects/", id)));
      projects.insert(std::move(id));
    }
    return projects;
  }

  absl::StatusOr<std::vector<LogSource>> SourcesOf(const std::set<std::string>& projects,
                                                   const LogBounds& bounds) {
    std::vector<LogSource> sources;
    for (const std::string& project : projects) {
      std::vector<LogSource> found;
      if (bounds.jobs.has_value()) {
        found = sources_.Named(project, *bounds.jobs);
      } else {
        ASSIGN_OR_RETURN(found, sources_.All(project));
      }
      sources.insert(sources.end(), found.begin(), found.end());
    }
    return sources;
  }

  const logs::Reader& logs_;
  edge::AccountRegistry& accounts_;
  const std::shared_ptr<Projects> projects_;
  LogSources sources_;
};

}  // namespace

void RegisterLogging(edge::MethodTable& methods, const Services& services,
                     std::shared_ptr<Projects> projects) {
  auto logging_service = std::make_shared<LoggingService>(services, std::move(projects));
  methods.Register<logging::ListLogEntriesRequest>(
      absl::StrCat(kService, "ListLogEntries"), "", "", false,
      [logging_service](const edge::Call& call, const logging::ListLogEntriesRequest& request,
                        edge::Responder respond) {
        Send(respond, logging_service->ListEntries(call, request));
      });
  methods.Register<logging::ListLogsRequest>(
      absl::StrCat(kService, "ListLogs"), "", "", false,
      [logging_service](const edge::Call& call, const logging::ListLogsRequest& request,
                        edge::Responder respond) {
        Send(respond, logging_service->ListLogs(call, request));
      });
}

}  // namespace trainyard::api
