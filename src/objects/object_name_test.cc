#include "objects/object_name.h"

#include <gtest/gtest.h>

#include <string>

#include "objects/string_map.h"

namespace trainyard::objects {
namespace {

TEST(BucketName, RulesOfCloudStorage) {
  const std::string kGood[] = {"abc",
                               "my-bucket",
                               "my_bucket.example.com",
                               "1bucket1",
                               std::string(63, 'a'),
                               "proj-vertex-staging-us-central1-0b1c2d3e",
                               std::string(60, 'a') + "." + std::string(60, 'b')};
  for (const std::string& name : kGood) EXPECT_TRUE(CheckBucketName(name).ok()) << name;
  const std::string kBad[] = {"",
                              "ab",
                              "Abc",
                              "a b",
                              "-abc",
                              "abc-",
                              ".abc",
                              "a..b",
                              "a/b",
                              "192.168.5.4",
                              "goog-abc",
                              "my-google",
                              ".staging",
                              "b\xc3\xa4r",
                              "..",
                              std::string(64, 'a'),
                              std::string(64, 'a') + ".b",
                              std::string("ab\0c", 4)};
  for (const std::string& name : kBad) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckBucketName(name))) << name;
  }
}

TEST(ObjectName, EveryLegalByteAndNoPathThatLeadsAway) {
  const std::string kGood[] = {"a",
                               "a/b/c",
                               "vertex_ai_auto_staging/2026-01-02-03:04:05.678/x.tar.gz",
                               "spaces and\ttabs",
                               "50%2Foff",
                               "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\x82",
                               "quote\"back\\slash*?[]#",
                               ".hidden/..more/...",
                               "dir/",
                               "\x01\x7f",
                               std::string(255, 'x') + "/" + std::string(255, 'y'),
                               std::string(255, 'x') + "/" + std::string(255, 'y') + "/" +
                                   std::string(255, 'z') + "/" + std::string(255, 'w') + "/"};
  for (const std::string& name : kGood) EXPECT_TRUE(CheckObjectName(name).ok()) << name;
  const std::string kBad[] = {"",
                              "/",
                              "/a",
                              "a//b",
                              "a/b//",
                              ".",
                              "..",
                              "a/../b",
                              "a/..",
                              "./a",
                              "../",
                              "a\nb",
                              "a\rb",
                              std::string("a\0b", 3),
                              "\xff",
                              "\xc0\xaf",
                              "\xed\xa0\x80",
                              "\xf4\x90\x80\x80",
                              "\xe2\x82",
                              std::string(256, 'x'),
                              "a/" + std::string(256, 'x'),
                              ".well-known/acme-challenge/x",
                              std::string(255, 'x') + "/" + std::string(255, 'y') + "/" +
                                  std::string(255, 'z') + "/" + std::string(255, 'w') + "/v"};
  for (const std::string& name : kBad) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckObjectName(name))) << name;
  }
}

TEST(ObjectName, Paths) {
  EXPECT_EQ(SplitPath("a/b/c"), std::pair(std::string("a/b"), std::string("c")));
  EXPECT_EQ(SplitPath("c"), std::pair(std::string(), std::string("c")));
  EXPECT_TRUE(IsPlaceholder("a/"));
  EXPECT_FALSE(IsPlaceholder("a"));
}

TEST(StringMap, RoundTripsAndEndsWhereItIsBroken) {
  const std::map<std::string, std::string> map = {
      {"", ""}, {"a", "1:2"}, {std::string("n\0l", 3), "\xff"}, {"long", std::string(5000, 'x')}};
  std::string text = EncodeMap(map);
  EXPECT_EQ(DecodeMap(text), map);
  for (size_t length = 0; length < text.size(); length += 7) {
    for (const auto& [key, value] : DecodeMap(text.substr(0, length))) {
      EXPECT_EQ(map.at(key), value);
    }
  }
  EXPECT_TRUE(DecodeMap("99999999999999999999:x").empty());
  EXPECT_TRUE(DecodeMap("5:abc").empty());
  EXPECT_TRUE(DecodeMap("-1:a1:b").empty());
}

}  // namespace
}  // namespace trainyard::objects
