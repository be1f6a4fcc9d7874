// What REST costs beside gRPC: from path, query and body to a message, and back to JSON.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "edge/method_table.h"
#include "edge/rest_query.h"
#include "edge/transcoder.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"

namespace {

using google::cloud::aiplatform::v1::CustomJob;
using google::cloud::aiplatform::v1::ListCustomJobsResponse;
using trainyard::edge::EmbeddedDescriptorSet;
using trainyard::edge::MakeRoutes;
using trainyard::edge::MethodTable;
using trainyard::edge::ParseRestQuery;
using trainyard::edge::RouteTable;
using trainyard::edge::TranscodeRequest;
using trainyard::edge::TranscodeResponse;

constexpr char kJobs[] = "/v1/projects/my-project/locations/us-central1/customJobs";
constexpr char kQuery[] = "%24alt=json%3Benum-encoding%3Dint";
constexpr char kBody[] =
    R"({"displayName":"train","labels":{"team":"vision"},"jobSpec":{"workerPoolSpecs":[)"
    R"({"machineSpec":{"machineType":"n1-standard-4"},"replicaCount":"1","diskSpec":)"
    R"({"bootDiskType":"pd-ssd","bootDiskSizeGb":100},"pythonPackageSpec":{"executorImageUri":)"
    R"("us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-0:latest","packageUris":)"
    R"(["gs://bucket/aiplatform-2026-01-02-03:04:05.678-aiplatform_custom_trainer_script.tar.gz"],)"
    R"("pythonModule":"aiplatform_custom_trainer_script.task","args":["--epochs=3"],)"
    R"("env":[{"name":"A","value":"B"}]}}],"baseOutputDirectory":{"outputUriPrefix":"gs://b/o"}}})";

struct World {
  std::unique_ptr<MethodTable> table = MethodTable::Create(EmbeddedDescriptorSet()).value();
  RouteTable routes = MakeRoutes(*table).value();
};
const World& TheWorld() {
  static const World world;
  return world;
}

std::string RequestBytes(const char* verb, const std::string& path, const char* body) {
  auto match = TheWorld().routes.Match(verb, path);
  return TranscodeRequest(match, ParseRestQuery(kQuery).value(), "application/json", body).value();
}

CustomJob SampleJob() {
  google::cloud::aiplatform::v1::CreateCustomJobRequest request;
  request.ParseFromString(RequestBytes("POST", kJobs, kBody));
  CustomJob job = request.custom_job();
  job.set_name("projects/my-project/locations/us-central1/customJobs/1234567890123456789");
  job.set_state(google::cloud::aiplatform::v1::JOB_STATE_RUNNING);
  job.mutable_create_time()->set_seconds(1767323045);
  job.mutable_start_time()->set_seconds(1767323046);
  return job;
}

void GetRequest(benchmark::State& state) {
  const std::string path = absl::StrCat(kJobs, "/1234567890123456789");
  for (auto _ : state) benchmark::DoNotOptimize(RequestBytes("GET", path, ""));
}
BENCHMARK(GetRequest);

void CreateRequest(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(RequestBytes("POST", kJobs, kBody));
}
BENCHMARK(CreateRequest);

void GetResponse(benchmark::State& state) {
  auto match = TheWorld().routes.Match("GET", absl::StrCat(kJobs, "/1"));
  const std::string bytes = SampleJob().SerializeAsString();
  const auto query = ParseRestQuery(kQuery).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(TranscodeResponse(*match.binding, query, bytes));
  }
}
BENCHMARK(GetResponse);

void ListResponse(benchmark::State& state) {
  auto match = TheWorld().routes.Match("GET", kJobs);
  ListCustomJobsResponse response;
  for (int i = 0; i < 100; ++i) *response.add_custom_jobs() = SampleJob();
  const std::string bytes = response.SerializeAsString();
  const auto query = ParseRestQuery(kQuery).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(TranscodeResponse(*match.binding, query, bytes));
  }
}
BENCHMARK(ListResponse);

void LoadTable(benchmark::State& state) {
  for (auto _ : state) {
    auto table = MethodTable::Create(EmbeddedDescriptorSet()).value();
    benchmark::DoNotOptimize(MakeRoutes(*table));
  }
}
BENCHMARK(LoadTable)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
