#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "google/protobuf/util/json_util.h"
#include "model/custom_job.h"
#include "model/validate_parts.h"

namespace trainyard::model {
namespace {

constexpr int kPort = 2222;
// execve(2) takes at most 128 KiB in one variable.
constexpr size_t kBytesMax = 120 << 10;

// "workerpool0":["cmle-training-workerpool0-33d7222dd4-0:2222"],...
std::string HostsOf(const CustomJobSpec& spec, const ReplicaEnvironment& replica) {
  std::string text;
  for (int pool = 0; pool < spec.worker_pool_specs_size(); ++pool) {
    if (IsEmptyPool(spec.worker_pool_specs(pool))) continue;
    absl::StrAppend(&text, text.empty() ? "" : ",", "\"workerpool", pool, "\":[");
    int64_t count = std::max<int64_t>(1, spec.worker_pool_specs(pool).replica_count());
    ReplicaEnvironment other = replica;
    other.pool = pool;
    for (other.index = 0; other.index < count; ++other.index) {
      absl::StrAppend(&text, other.index == 0 ? "" : ",", "\"", HostNameOf(other), ":", kPort,
                      "\"");
    }
    text += "]";
  }
  return text;
}

}  // namespace

std::string HostNameOf(const ReplicaEnvironment& replica) {
  return absl::StrCat("cmle-training-workerpool", replica.pool, "-", replica.attempt_hash, "-",
                      replica.index);
}

std::string ClusterSpecOf(const CustomJobSpec& spec, const ReplicaEnvironment& replica) {
  std::string text = absl::StrCat("{\"cluster\":{", HostsOf(spec, replica),
                                  "},\"environment\":\"cloud\",\"task\":{\"type\":\"workerpool",
                                  replica.pool, "\",\"index\":", replica.index, "}");
  std::string job;
  CHECK(google::protobuf::util::MessageToJsonString(spec, &job).ok());
  if (text.size() + job.size() < kBytesMax) absl::StrAppend(&text, ",\"job\":", job);
  return text + "}";
}

}  // namespace trainyard::model
