#include "model/field_format.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace trainyard::model {
namespace {

struct Table {
  const char* name;
  std::function<bool(absl::string_view)> predicate;
  std::vector<std::string> good, bad;
};

std::vector<Table> Tables() {
  std::string e_acute = "\xC3\xA9", e_acute_upper = "\xC3\x89", hiragana = "\xE3\x81\x82";
  return {
      {"C identifier",
       IsCIdentifier,
       {"A", "_", "a_1", "AIP_X"},
       {"", "1a", "a-b", "a b", e_acute}},
      {"module",
       IsPythonModule,
       {"task", "trainer.task", "_a.b1", e_acute},
       {"", ".", "a.", ".a", "a..b", "1a", "a-b", "a/b", "a b", "-m"}},
      {"DNS label",
       IsDnsLabel,
       {"a", "a-b", "a1", std::string(63, 'a')},
       {"", "1a", "-a", "a-", "A", "a_b", std::string(64, 'a')}},
      {"email",
       IsEmail,
       {"a@b", "owner@p.iam.gserviceaccount.com", "a.b-c_d+e@x.y"},
       {"", "a", "@b", "a@", "a@@b", "a b@c", "a@.b", "a@b.", "a@b@c", "a\n@b"}},
      {"IP address",
       IsIpAddress,
       {"10.0.0.1", "::1", "fe80::1"},
       {"", "10.0.0", "host", "10.0.0.1 ", std::string("10.0.0.1\0", 9)}},
      {"gs uri",
       [](absl::string_view text) { return IsGcsUri(text, false); },
       {"gs://abc", "gs://abc/", "gs://abc/d/e", "gs://a.b_c-d/2026-01-02-03:04:05.678/x",
        "gs://abc/d/", "gs://abc//d"},
       {"", "gs://", "gs:///x", "gs://ab", "gs://ABC", "s3://abc", "/gcs/abc", "gs://abc/../x",
        "gs://abc/./x", "gs://-abc", "gs://a..b", "gs://abc/\n",
        "gs://abc/" + std::string(1025, 'x')}},
      {"gs object",
       [](absl::string_view text) { return IsGcsUri(text, true); },
       {"gs://abc/x.tar.gz"},
       {"gs://abc", "gs://abc/", "gs://abc//x", "gs://abc/x//y", "gs://abc/x/"}},
      {"network",
       [](absl::string_view text) { return IsResourceName(text, "projects/#/global/networks/*"); },
       {"projects/12/global/networks/vpc"},
       {"", "projects/p/global/networks/vpc", "projects/12/global/networks/",
        "projects/12/global/networks", "projects/12/global/networks/vpc/x",
        "projects/12/global/networks/..", "projects/12/global/networks/a b"}},
      {"prebuilt image",
       IsPrebuiltTrainingImage,
       {"us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest",
        "asia-docker.pkg.dev/vertex-ai/training/tf-cpu.2-11",
        "gcr.io/cloud-aiplatform/training/tf-cpu.2-3:latest"},
       {"", "python:3.11", "us-docker.pkg.dev/vertex-ai/training/",
        "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6",
        "evil.example/us-docker.pkg.dev/vertex-ai/training/x",
        "us-docker.pkg.dev/vertex-ai/training/a/b"}},
      {"relative path",
       IsRelativePath,
       {"a", "a/b"},
       {"", "/", "/a", "a/", "a//b", "..", "a/../b", ".", "a\nb"}},
      {"label key",
       IsLabelKey,
       {"a", "a_1-b", e_acute, hiragana, std::string(64, 'a')},
       {"", "1a", "_a", "-a", "A", "a.b", "a/b", e_acute_upper, std::string(65, 'a'), "a b",
        "\xE2\x80\xA8"}},
      {"label value",
       IsLabelValue,
       {"", "1", "-", "a", hiragana},
       {"A", "a.b", e_acute_upper, " "}},
  };
}

TEST(FieldFormatTest, Tables) {
  for (const Table& table : Tables()) {
    for (const std::string& text : table.good) {
      EXPECT_TRUE(table.predicate(text)) << table.name << ": " << text;
    }
    for (const std::string& text : table.bad) {
      EXPECT_FALSE(table.predicate(text)) << table.name << ": " << text;
    }
  }
}

TEST(FieldFormatTest, LengthsCountCodePoints) {
  EXPECT_EQ(CountCodePoints(""), 0u);
  EXPECT_EQ(CountCodePoints("a\xC3\xA9\xE3\x81\x82\xF0\x9F\x9A\x82"), 4u);
  std::string label;
  for (int i = 0; i < 64; ++i) label += "\xC3\xA9";
  EXPECT_TRUE(IsLabelKey(label));
  EXPECT_FALSE(IsLabelKey(label + "a"));
}

TEST(FieldFormatTest, Durations) {
  auto made = [](int64_t seconds, int nanos) {
    google::protobuf::Duration duration;
    duration.set_seconds(seconds);
    duration.set_nanos(nanos);
    return duration;
  };
  EXPECT_TRUE(IsDuration(made(0, 0)));
  EXPECT_TRUE(IsDuration(made(604800, 999'999'999)));
  EXPECT_FALSE(IsDuration(made(-1, 0)));
  EXPECT_FALSE(IsDuration(made(0, -1)));
  EXPECT_FALSE(IsDuration(made(0, 1'000'000'000)));
  EXPECT_FALSE(IsDuration(made(315'576'000'001, 0)));
}

TEST(FieldFormatTest, BucketOfUri) {
  EXPECT_EQ(BucketOf("gs://abc/d/e"), "abc");
  EXPECT_EQ(BucketOf("gs://abc"), "abc");
}

TEST(FieldFormatTest, QuotedCutsBetweenLetters) {
  EXPECT_EQ(Quoted("x"), "\"x\"");
  std::string cut = Quoted(std::string(59, 'a') + "\xC3\xA9" + "b");
  EXPECT_EQ(cut, "\"" + std::string(59, 'a') + "...\"");
}

}  // namespace
}  // namespace trainyard::model
