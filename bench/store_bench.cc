// The store with many ended jobs: pages of 100 by each index, start, commits beside fdatasync.
//
//   store_bench [DIRECTORY] [JOBS]     (defaults: /tmp, 1000000; some 3 KB of disk a job)
//
// Commits and fdatasync of the same disk alternate, so that both see the same neighbours.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/log.h"
#include "base/random.h"
#include "store/store.h"

namespace trainyard::store {
namespace {

constexpr char kParent[] = "projects/bench/locations/us-central1";
constexpr int kLive = 200;
constexpr int kPages = 1000;
constexpr int kCommits = 2000;
const absl::Time kStart = absl::FromUnixSeconds(1'750'000'000);
constexpr absl::Duration kSpacing = absl::Seconds(20);

double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

class Samples {
 public:
  void Measure(const std::function<void()>& work) {
    absl::Duration start = clock_.Monotonic();
    work();
    samples_.push_back(clock_.Monotonic() - start);
  }
  absl::Duration At(double quantile) {
    std::sort(samples_.begin(), samples_.end());
    return samples_[static_cast<size_t>(quantile * static_cast<double>(samples_.size() - 1))];
  }
  void Print(const char* what) {
    std::printf("%-52s p50 %8.3f ms   p99 %8.3f ms   max %8.3f ms\n", what, Milliseconds(At(0.5)),
                Milliseconds(At(0.99)), Milliseconds(At(1)));
  }

 private:
  base::RealClock clock_;
  std::vector<absl::Duration> samples_;
};

Record Job(int64_t number, base::SeededRandom& random, bool live) {
  uint64_t dice = random.Below(1000);
  const char* state = dice < 900   ? "JOB_STATE_SUCCEEDED"
                      : dice < 999 ? "JOB_STATE_FAILED"
                                   : "JOB_STATE_CANCELLED";
  return {.kind = kCustomJobs,
          .name = absl::StrCat(kParent, "/customJobs/", base::NewNumericId(random)),
          .parent = kParent,
          .state = live ? "JOB_STATE_RUNNING" : state,
          .live = live,
          .display_name = absl::StrCat("train-", random.Below(2000)),
          .labels = {{"team", absl::StrCat("team-", random.Below(200))},
                     {"run", absl::StrCat("run-", number)}},
          .create_time = kStart + kSpacing * number,
          .value = std::string(1200 + random.Below(600), 'v')};
}

void Load(Store& store, int64_t jobs, base::SeededRandom& random) {
  Transaction transaction;
  for (int64_t i = 0; i < jobs; ++i) {
    bool live = i >= jobs - kLive;
    transaction.writes.push_back({Write::Kind::kPut, Job(i, random, live)});
    if (transaction.writes.size() == 2000 || i + 1 == jobs) {
      CHECK(store.Commit(transaction).ok());
      transaction.writes.clear();
    }
  }
}

// Pages of 100; the first of each list, and the one after it by its token.
void MeasureList(Store& store, const char* what, const std::function<std::string()>& filter,
                 bool full_expected) {
  Samples first, second;
  for (int i = 0; i < kPages; ++i) {
    const std::string text = filter();
    ListQuery query{.kind = kCustomJobs,
                    .parent = kParent,
                    .filter = *model::ParseFilter(text),
                    .page_size = 100,
                    .filter_text = text};
    absl::StatusOr<Page> page;
    first.Measure([&] { page = store.List(query); });
    CHECK(page.ok());
    if (full_expected) CHECK(page->records.size() == 100);
    query.page_token = page->next_page_token;
    if (!query.page_token.empty()) second.Measure([&] { CHECK(store.List(query).ok()); });
  }
  first.Print(what);
  if (full_expected) second.Print("  its second page");
}

void MeasureLists(Store& store, int64_t jobs, base::SeededRandom& random) {
  auto time = [&] {
    absl::Time at =
        kStart + kSpacing * static_cast<int64_t>(random.Below(static_cast<uint64_t>(jobs)));
    return absl::FormatTime(absl::RFC3339_full, at, absl::UTCTimeZone());
  };
  MeasureList(
      store, "newest", [] { return ""; }, true);
  MeasureList(
      store, "by state, nine in ten", [] { return "state=\"JOB_STATE_SUCCEEDED\""; }, true);
  MeasureList(
      store, "by state, one in a thousand", [] { return "state=\"JOB_STATE_CANCELLED\""; },
      jobs >= 1'000'000);
  MeasureList(
      store, "by one state or another",
      [] { return "state=\"JOB_STATE_CANCELLED\" OR state=\"JOB_STATE_RUNNING\""; }, true);
  MeasureList(
      store, "before a random time", [&] { return absl::StrCat("create_time<\"", time(), "\""); },
      false);
  MeasureList(
      store, "by state, before a random time",
      [&] { return absl::StrCat("state=\"JOB_STATE_FAILED\" AND create_time<\"", time(), "\""); },
      false);
  MeasureList(
      store, "by a random name (1 of 2,000)",
      [&] { return absl::StrCat("display_name=\"train-", random.Below(2000), "\""); },
      jobs >= 1'000'000);
  MeasureList(
      store, "by a random label (1 of 200)",
      [&] { return absl::StrCat("labels.team=\"team-", random.Below(200), "\""); },
      jobs >= 1'000'000);
  MeasureList(
      store, "by a label of one job",
      [&] {
        return absl::StrCat("labels.run=\"run-", random.Below(static_cast<uint64_t>(jobs)), "\"");
      },
      false);
  MeasureList(
      store, "by label and state",
      [&] {
        return absl::StrCat("labels.team=\"team-", random.Below(200),
                            "\" AND state=\"JOB_STATE_FAILED\"");
      },
      jobs >= 1'000'000);
}

void MeasureGet(Store& store) {
  absl::StatusOr<Page> page =
      store.List({.kind = kCustomJobs, .parent = kParent, .filter = {}, .page_size = 1000});
  Samples samples;
  for (const Record& record : page->records) {
    samples.Measure([&] { CHECK(store.Get(kCustomJobs, record.name).ok()); });
  }
  samples.Print("get");
}

// Lists whose filter no index serves: a bounded scan.
void MeasureScan(Store& store) {
  Samples samples;
  ListQuery query{.kind = kCustomJobs,
                  .parent = kParent,
                  .filter = *model::ParseFilter("display_name:\"no-such-*\""),
                  .filter_text = "x"};
  for (int i = 0; i < 20; ++i) {
    absl::StatusOr<Page> page;
    samples.Measure([&] { page = store.List(query); });
    CHECK(page.ok());
    query.page_token = page->next_page_token;
  }
  samples.Print("a scan of 20,000 that no index serves");
}

void MeasureCommits(Store& store, const std::string& directory, int64_t jobs, int batch,
                    base::SeededRandom& random) {
  const std::string path = directory + "/fdatasync";
  base::Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const std::string block(4096, 'x'), zeros(16 << 20, '\0');
  CHECK(pwrite(file.get(), zeros.data(), zeros.size(), 0) == static_cast<ssize_t>(zeros.size()));
  CHECK(fdatasync(file.get()) == 0);
  Samples commits, syncs;
  base::RealClock clock;
  absl::Duration busy;
  for (int i = 0; i < kCommits; ++i) {
    off_t offset = static_cast<off_t>(i % 4096) * 4096;
    syncs.Measure([&] {
      CHECK(pwrite(file.get(), block.data(), block.size(), offset) == 4096);
      CHECK(fdatasync(file.get()) == 0);
    });
    Transaction transaction;
    for (int j = 0; j < batch; ++j) {
      transaction.writes.push_back({Write::Kind::kPut, Job(jobs++, random, true)});
    }
    absl::Duration start = clock.Monotonic();
    commits.Measure([&] { CHECK(store.Commit(transaction).ok()); });
    busy += clock.Monotonic() - start;
  }
  syncs.Print("fdatasync of 4 KiB in place");
  commits.Print(absl::StrCat("commit of ", batch, " new jobs").c_str());
  std::printf(
      "  %.0f jobs/s; %.2f jobs per median fdatasync\n",
      kCommits * batch / absl::ToDoubleSeconds(busy),
      kCommits * batch / absl::ToDoubleSeconds(busy) * absl::ToDoubleSeconds(syncs.At(0.5)));
}

void Run(const std::string& directory, int64_t jobs) {
  base::RealClock clock;
  base::SeededRandom random(1);
  SqliteOptions options{.path = directory + "/trainyard.db", .token_key = std::string(32, 'k')};
  absl::Duration start = clock.Monotonic();
  std::unique_ptr<Store> store = *OpenSqliteStore(options);
  Load(*store, jobs, random);
  std::printf("loaded %lld jobs in %.1f s\n", static_cast<long long>(jobs),
              absl::ToDoubleSeconds(clock.Monotonic() - start));
  store.reset();

  start = clock.Monotonic();
  store = *OpenSqliteStore(options);
  absl::Duration opened = clock.Monotonic() - start;
  size_t live = store->ListLive(kCustomJobs)->size();
  std::printf("start: open %.1f ms, with %zu live jobs loaded %.1f ms\n", Milliseconds(opened),
              live, Milliseconds(clock.Monotonic() - start));
  CHECK(live == kLive);

  MeasureLists(*store, jobs, random);
  MeasureScan(*store);
  MeasureGet(*store);
  for (int batch : {1, 16, 128}) {
    MeasureCommits(*store, directory, jobs, batch, random);
    jobs += kCommits * batch;
  }
}

}  // namespace
}  // namespace trainyard::store

int main(int argc, char** argv) {
  std::string directory = absl::StrCat(argc > 1 ? argv[1] : "/tmp", "/store_bench.XXXXXX");
  int64_t jobs = 1'000'000;
  CHECK(mkdtemp(directory.data()) != nullptr);
  CHECK(argc < 3 || absl::SimpleAtoi(argv[2], &jobs));
  trainyard::store::Run(directory, jobs);
  std::filesystem::remove_all(directory);
}
