#include "runtime/local/catalog.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace trainyard::runtime {
namespace {

TEST(Catalog, FindsEveryFormOfAName) {
  struct {
    const char* image_uri;
    const char* environment;
  } cases[] = {
      {"us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest", "scikit-learn-1.6"},
      {"europe-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6", "scikit-learn-1.6"},
      {"asia-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest", "scikit-learn-1.6"},
      {"python:3.11", "python"},
      {"docker.io/library/python:3.11-slim", "python"},
      {"docker.io/python:3.11", "python"},
  };
  for (const auto& c : cases) {
    absl::StatusOr<Environment> found = FindEnvironment(c.image_uri);
    ASSERT_TRUE(found.ok()) << c.image_uri << ": " << found.status();
    EXPECT_EQ(found->name, c.environment) << c.image_uri;
    EXPECT_TRUE(absl::StrContains(found->lock, "setuptools==")) << c.image_uri;
  }
}

TEST(Catalog, SaysWhatItHasForAnUnknownName) {
  for (const char* uri : {"python", "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17:latest",
                          "africa-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6",
                          "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:old"}) {
    absl::Status status = FindEnvironment(uri).status();
    EXPECT_TRUE(absl::IsNotFound(status)) << uri << ": " << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "python:3.11")) << status;
  }
}

TEST(Catalog, RefusesMalformedNames) {
  for (const std::string& uri :
       {std::string(), std::string("a b"), std::string("a//b"), std::string("/a"),
        std::string("a:"), std::string("A:b"), std::string("a@sha256:12"),
        std::string("../../etc/passwd\n"), std::string(600, 'a'), std::string("a:b\0c", 5),
        absl::StrCat("a:", std::string(129, 'x'))}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckImageName(uri))) << uri;
    EXPECT_TRUE(absl::IsInvalidArgument(FindEnvironment(uri).status())) << uri;
  }
  EXPECT_TRUE(CheckImageName("localhost:5000/a/b:1").ok());
  EXPECT_TRUE(CheckImageName(absl::StrCat("a/b@sha256:", std::string(64, '0'))).ok());
}

}  // namespace
}  // namespace trainyard::runtime
