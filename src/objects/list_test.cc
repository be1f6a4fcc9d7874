#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utime.h>

#include <algorithm>
#include <map>
#include <set>

#include "objects/bucket_walk.h"
#include "objects/store_fixture.h"

namespace trainyard::objects {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(StoreTest, NamesAreInByteOrderAcrossDirectories) {
  for (const char* name : {"a/b", "a-b", "a.txt", "a0", "b", "a/c/d", "a/c-", "\xc3\xa4", "Z"}) {
    JobWrites(name, "x");
  }
  EXPECT_THAT(List(),
              ElementsAre("Z", "a-b", "a.txt", "a/b", "a/c-", "a/c/d", "a0", "b", "\xc3\xa4"));
  EXPECT_THAT(List({.delimiter = "/"}),
              ElementsAre("Z", "a-b", "a.txt", "a0", "b", "\xc3\xa4", "> a/"));
  EXPECT_THAT(List({.prefix = "a/"}), ElementsAre("a/b", "a/c-", "a/c/d"));
  EXPECT_THAT(List({.prefix = "a/c"}), ElementsAre("a/c-", "a/c/d"));
  EXPECT_THAT(List({.prefix = "a/c", .delimiter = "/"}), ElementsAre("a/c-", "> a/c/"));
  EXPECT_THAT(List({.prefix = "a/c/d/e"}), IsEmpty());
  EXPECT_THAT(List({.prefix = "nothing"}), IsEmpty());
  EXPECT_THAT(List({.prefix = "../"}), IsEmpty());
  EXPECT_THAT(List({.start_offset = "a/c", .end_offset = "b"}), ElementsAre("a/c-", "a/c/d", "a0"));
  EXPECT_THAT(List({.delimiter = "-"}),
              ElementsAre("Z", "a.txt", "a/b", "a/c/d", "a0", "b", "\xc3\xa4", "> a-", "> a/c-"));
}

TEST_F(StoreTest, APageTokenOfAnotherMakeIsRefused) {
  for (const char* token : {"x", "!!!", "bw", "eHh4"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(store_->ListObjects("bucket", {.page_token = token}).status()))
        << token;
  }
}

TEST_F(StoreTest, WhatHasNoObjectsNameIsNotListed) {
  for (const char* name : {"line\nfeed", "latin\xe4", "dir\r/file", "good"}) JobWrites(name, "x");
  EXPECT_THAT(List(), ElementsAre("good"));
  EXPECT_TRUE(absl::IsInvalidArgument(Get("line\nfeed").status()));
}

// What a list should give, by the definition.
std::vector<std::string> Expected(const std::set<std::string>& names, const ListOptions& options) {
  std::vector<std::string> objects;
  std::set<std::string> prefixes;
  for (const std::string& name : names) {
    if (name.compare(0, options.prefix.size(), options.prefix) != 0) continue;
    size_t at = options.delimiter.empty() ? std::string::npos
                                          : name.find(options.delimiter, options.prefix.size());
    if (at == std::string::npos) {
      objects.push_back(name);
    } else {
      prefixes.insert("> " + name.substr(0, at + options.delimiter.size()));
    }
  }
  objects.insert(objects.end(), prefixes.begin(), prefixes.end());
  std::sort(objects.begin(), objects.end());
  return objects;
}

TEST_F(StoreTest, EveryPageSizeGivesWhatTheDefinitionSays) {
  base::SeededRandom random(5);
  const char* kParts[] = {"a", "b", "a-", "a.x", "aa", "c d", "0", "\xc3\xa4"};
  std::set<std::string> names;
  for (int i = 0; i < 150; ++i) {
    std::string name;
    for (uint64_t depth = random.Below(4);; --depth) {
      absl::StrAppend(&name, kParts[random.Below(8)], depth > 0 ? "d/" : "");
      if (depth == 0) break;
    }
    names.insert(name);
    JobWrites(name, "x");
  }
  std::filesystem::create_directories(Path("empty/empty"));
  const char* kPrefixes[] = {"", "a", "ad/", "ad/a", "ad", "c", "zz"};
  for (const char* delimiter : {"", "/", "d", "-", "d/"}) {
    for (const char* prefix : kPrefixes) {
      for (int page_size : {1, 2, 7, 1000}) {
        ListOptions options{.prefix = prefix, .delimiter = delimiter, .page_size = page_size};
        std::vector<std::string> found = List(options);
        std::sort(found.begin(), found.end());
        ASSERT_EQ(found, Expected(names, options))
            << delimiter << " " << prefix << " " << page_size;
      }
    }
  }
}

TEST_F(StoreTest, AListStaysRightWhileObjectsComeAndGo) {
  for (int i = 0; i < 100; ++i) JobWrites(absl::StrCat("f", 1000 + i), "x");
  ListOptions options{.page_size = 10};
  std::set<std::string> seen;
  for (int page_number = 0;; ++page_number) {
    auto page = store_->ListObjects("bucket", options);
    ASSERT_TRUE(page.ok());
    for (const Object& object : page->objects) EXPECT_TRUE(seen.insert(object.name).second);
    if (page->next_page_token.empty()) break;
    // The last one given goes, one before and one behind come.
    ASSERT_TRUE(store_->DeleteObject("bucket", page->objects.back().name, {}).ok());
    JobWrites(absl::StrCat("a", page_number), "x");
    JobWrites(absl::StrCat("z", page_number), "x");
    options.page_token = page->next_page_token;
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen.count(absl::StrCat("f", 1000 + i)), 1u);
}

TEST_F(StoreTest, LargeDirectoriesAreReadOnceWhileTheyStay) {
  base::FakeClock clock(real_clock_.Now() + absl::Hours(1));  // what is there has settled
  DirectoryCache cache(clock);
  for (int i = 0; i < 300; ++i) JobWrites(absl::StrCat("d/", i), "x");
  base::Descriptor bucket = *OpenDirectory(root_ + "/data/bucket");
  DirectoryEntries first = *cache.List(bucket.get(), "d");
  EXPECT_EQ(cache.List(bucket.get(), "d")->get(), first.get());
  JobWrites("d/new", "x");
  DirectoryEntries second = *cache.List(bucket.get(), "d");
  EXPECT_EQ(second->size(), 301u);
  EXPECT_EQ(first->size(), 300u);
}

}  // namespace
}  // namespace trainyard::objects
