// A store in a directory of its own, and what a job does in its buckets. For tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/random.h"
#include "objects/objects.h"

namespace trainyard::objects {

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    std::string name = ::testing::TempDir() + "/objects.XXXXXX";
    root_ = mkdtemp(name.data());
    Reopen();
    EXPECT_TRUE(store_->CreateBucket("project", "bucket", "us-central1").ok());
  }
  ~StoreTest() override { std::filesystem::remove_all(root_); }

  void Reopen() {
    store_.reset();
    auto store = ObjectStore::Open({root_ + "/data", root_ + "/metadata"}, *clock_, random_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  absl::StatusOr<Object> Put(const std::string& name, absl::string_view bytes,
                             const ObjectAttributes& attributes = {},
                             const Preconditions& preconditions = {}) {
    auto writer = store_->CreateObject("bucket", name, attributes, preconditions);
    if (!writer.ok()) return writer.status();
    absl::Status appended = (*writer)->Append(bytes);
    if (!appended.ok()) return appended;
    return (*writer)->Commit();
  }
  absl::StatusOr<std::string> Get(const std::string& name) {
    auto reader = store_->OpenObject("bucket", name);
    if (!reader.ok()) return reader.status();
    return (*reader)->Read(0, 1 << 20);
  }
  std::vector<std::string> List(const ListOptions& options = {}) {
    std::vector<std::string> names;
    ListOptions page_options = options;
    do {
      auto page = store_->ListObjects("bucket", page_options);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const Object& object : page->objects) names.push_back(object.name);
      for (const std::string& prefix : page->prefixes) names.push_back("> " + prefix);
      page_options.page_token = page->next_page_token;
    } while (!page_options.page_token.empty());
    return names;
  }
  // Where a job sees /gcs/bucket/<name>.
  std::string Path(const std::string& name) const { return root_ + "/data/bucket/" + name; }
  void JobWrites(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    std::ofstream(Path(name)) << bytes;
  }
  std::string JobReads(const std::string& name) {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::string root_;
  base::RealClock real_clock_;
  const base::Clock* clock_ = &real_clock_;
  base::SystemRandom random_;
  std::unique_ptr<ObjectStore> store_;
};

}  // namespace trainyard::objects
