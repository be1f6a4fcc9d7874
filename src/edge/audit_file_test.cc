#include "edge/audit_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/fake_disk.h"
#include "edge/test_token.h"

namespace trainyard::edge {
namespace {

using testing::HasSubstr;

constexpr char kPath[] = "/audit.jsonl";

class AuditFileTest : public testing::Test {
 protected:
  AuditRecord Sample(const std::string& id = "1") {
    AuditRecord record;
    record.call.caller = {"owner@x", "abc"};
    record.call.method = "google.cloud.aiplatform.v1.JobService/CreateCustomJob";
    record.call.peer = "127.0.0.1";
    record.permission = "aiplatform.customJobs.create";
    record.resource = "projects/p/locations/us-central1";
    record.time = clock_.Now();
    record.status = id == "denied" ? absl::PermissionDeniedError("no \"way\"\n") : absl::OkStatus();
    return record;
  }
  void Open() {
    auto executor = std::make_unique<base::FakeExecutor>(clock_);
    executor_ = executor.get();
    auto audit = OpenAuditFile(disk_, kPath, clock_, std::move(executor));
    ASSERT_TRUE(audit.ok()) << audit.status();
    audit_ = *std::move(audit);
  }
  void Write(int records) {
    for (int i = 0; i < records; ++i) audit_->Record(Sample());
  }
  std::string Contents() { return disk_.Read(kPath).value_or(""); }
  void Replace(const std::string& contents) {
    ASSERT_TRUE(disk_.WriteAtomically(kPath, contents, 0600).ok());
  }
  uint64_t Records() {
    const auto summary = VerifyAuditFile(disk_, kPath);
    EXPECT_TRUE(summary.ok()) << summary.status();
    return summary.ok() ? summary->records : 0;
  }

  base::FakeClock clock_;
  base::FakeDisk disk_{clock_};
  base::FakeExecutor* executor_ = nullptr;
  std::unique_ptr<Audit> audit_;
};

TEST_F(AuditFileTest, WritesGooglesShape) {
  Open();
  audit_->Record(Sample());
  audit_->Record(Sample("denied"));
  const std::vector<std::string> lines = absl::StrSplit(Contents(), '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2u);
  const auto entry = ParseJson(lines[1]);
  EXPECT_EQ(entry.fields().at("logName").string_value(),
            "projects/p/logs/cloudaudit.googleapis.com%2Factivity");
  const auto& payload = entry.fields().at("protoPayload").struct_value().fields();
  EXPECT_EQ(payload.at("@type").string_value(), "type.googleapis.com/google.cloud.audit.AuditLog");
  EXPECT_EQ(payload.at("serviceName").string_value(), "aiplatform.googleapis.com");
  EXPECT_EQ(payload.at("methodName").string_value(),
            "google.cloud.aiplatform.v1.JobService.CreateCustomJob");
  EXPECT_EQ(payload.at("resourceName").string_value(), "projects/p/locations/us-central1");
  const auto& who = payload.at("authenticationInfo").struct_value().fields();
  EXPECT_EQ(who.at("principalEmail").string_value(), "owner@x");
  EXPECT_THAT(who.at("serviceAccountKeyName").string_value(), HasSubstr("keys/abc"));
  const auto& what = payload.at("authorizationInfo").list_value().values(0).struct_value().fields();
  EXPECT_FALSE(what.at("granted").bool_value());
  EXPECT_EQ(payload.at("status").struct_value().fields().at("code").number_value(), 7);
  EXPECT_EQ(payload.at("status").struct_value().fields().at("message").string_value(),
            "no \"way\"\n");
  EXPECT_EQ(Records(), 2u);
}

TEST_F(AuditFileTest, GoesOnWhereItEnded) {
  Open();
  Write(3);
  audit_.reset();
  Open();
  Write(2);
  EXPECT_EQ(Records(), 5u);
  EXPECT_THAT(Contents(), HasSubstr("{\"insertId\":\"5\""));
}

TEST_F(AuditFileTest, CutsOffAnUnfinishedLineAndSaysSo) {
  Open();
  Write(2);
  audit_.reset();
  Replace(Contents() + "{\"insertId\":\"3\",\"logN");
  const auto summary = VerifyAuditFile(disk_, kPath);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->torn_bytes, 21u);
  Open();
  Write(1);
  EXPECT_EQ(Records(), 4u);
  EXPECT_THAT(Contents(), HasSubstr("21 bytes of an unfinished record were removed"));
}

TEST_F(AuditFileTest, ShowsEveryChange) {
  Open();
  Write(4);
  const std::string good = Contents();
  const std::vector<std::string> lines = absl::StrSplit(good, '\n', absl::SkipEmpty());
  const std::string edited = absl::StrReplaceAll(lines[1], {{"us-central1", "us-central2"}});
  const struct {
    const char* what;
    std::string contents;
    const char* line;
  } cases[] = {
      {"edited", absl::StrCat(lines[0], "\n", edited, "\n", lines[2], "\n", lines[3], "\n"),
       "line 3"},
      {"removed", absl::StrCat(lines[0], "\n", lines[2], "\n", lines[3], "\n"), "line 2"},
      {"first removed", absl::StrCat(lines[1], "\n", lines[2], "\n"), "line 1"},
      {"swapped", absl::StrCat(lines[1], "\n", lines[0], "\n"), "line 1"},
      {"doubled", absl::StrCat(lines[0], "\n", lines[0], "\n"), "line 2"},
      {"empty line", absl::StrCat(lines[0], "\n\n", lines[1], "\n"), "line 2"},
      {"garbage", "garbage\n", "line 1"},
  };
  for (const auto& test : cases) {
    Replace(test.contents);
    const auto summary = VerifyAuditFile(disk_, kPath);
    EXPECT_TRUE(absl::IsDataLoss(summary.status())) << test.what;
    EXPECT_THAT(std::string(summary.status().message()), HasSubstr(test.line)) << test.what;
  }
  Replace(good);
  EXPECT_EQ(Records(), 4u);
}

TEST_F(AuditFileTest, RefusesAFileThatIsNone) {
  for (const std::string& contents : {std::string("hello\n"), std::string(100'000, 'x')}) {
    Replace(contents);
    const auto audit =
        OpenAuditFile(disk_, kPath, clock_, std::make_unique<base::FakeExecutor>(clock_));
    EXPECT_TRUE(absl::IsDataLoss(audit.status()));
    EXPECT_EQ(Contents(), contents);
  }
}

TEST_F(AuditFileTest, AFullDiskLosesRecordsButNotTheChain) {
  Open();
  Write(2);
  disk_.SetCapacity(Contents().size() + 100);  // a part of a line still fits
  Write(3);
  disk_.SetCapacity(UINT64_MAX);
  Write(1);
  EXPECT_THAT(Contents(), HasSubstr("3 records could not be written"));
  EXPECT_EQ(Records(), 2u + 1 + 1 + 1);  // written, torn line, missing, the last
}

TEST_F(AuditFileTest, IsDurableWithinASecond) {
  Open();
  Write(2);
  executor_->AdvanceBy(absl::Seconds(1));
  disk_.Crash();
  EXPECT_EQ(Records(), 2u);
}

TEST_F(AuditFileTest, LongTextsAreCut) {
  Open();
  AuditRecord record = Sample();
  record.resource = "projects/" + std::string(100'000, 'x');
  audit_->Record(record);
  EXPECT_LT(Contents().size(), 20'000u);
  audit_.reset();
  Open();
  Write(1);
  EXPECT_EQ(Records(), 2u);
}

TEST_F(AuditFileTest, VerifyNeedsAFile) {
  EXPECT_TRUE(absl::IsNotFound(VerifyAuditFile(disk_, kPath).status()));
}

}  // namespace
}  // namespace trainyard::edge
