#include "api/log_sources.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "model/names.h"

namespace trainyard::api {
namespace {

constexpr size_t kRememberedMax = 10'000;
constexpr size_t kJobsMax = 1000;

std::string NameOf(const std::string& project, const std::string& location,
                   const std::string& job_id) {
  return model::ResourceName{{project, location}, "customJobs", job_id}.ToString();
}

}  // namespace

bool LogSources::Exists(const std::string& project, const std::string& job_id) {
  const std::string key = absl::StrCat(project, "/", job_id);
  std::string name;
  {
    base::MutexLock lock(mutex_);
    auto found = names_.find(key);
    if (found != names_.end()) name = found->second;
  }
  if (!name.empty()) return store_.Get(store::kCustomJobs, name).ok();
  for (const std::string& location : locations_) {
    name = NameOf(project, location, job_id);
    if (!store_.Get(store::kCustomJobs, name).ok()) continue;
    base::MutexLock lock(mutex_);
    if (names_.size() >= kRememberedMax) names_.clear();
    names_[key] = name;
    return true;
  }
  return false;
}

std::vector<LogSource> LogSources::Named(const std::string& project,
                                         const std::set<std::string>& job_ids) {
  std::vector<LogSource> sources;
  for (const std::string& job_id : job_ids) {
    if (sources.size() < kJobsMax && Exists(project, job_id)) sources.push_back({project, job_id});
  }
  return sources;
}

absl::StatusOr<std::vector<LogSource>> LogSources::All(const std::string& project) {
  std::vector<LogSource> sources;
  for (const std::string& location : locations_) {
    store::ListQuery query;
    query.kind = store::kCustomJobs;
    query.parent = model::Location{project, location}.ToString();
    query.page_size = static_cast<int>(kJobsMax);
    do {
      ASSIGN_OR_RETURN(store::Page page, store_.List(query));
      for (const store::Record& record : page.records) {
        sources.push_back({project, record.name.substr(record.name.rfind('/') + 1)});
      }
      query.page_token = page.next_page_token;
      if (sources.size() > kJobsMax) {
        return absl::InvalidArgumentError(
            absl::StrCat("filter: project ", project, " has more than ", kJobsMax,
                         " jobs; name one with resource.labels.job_id=\"...\"."));
      }
    } while (!query.page_token.empty());
  }
  return sources;
}

}  // namespace trainyard::api
