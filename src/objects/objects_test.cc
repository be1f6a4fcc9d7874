#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "base/crc32c.h"
#include "objects/file_store.h"
#include "objects/store_fixture.h"

namespace trainyard::objects {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(StoreTest, BucketsAreMadeFoundListedAndDeleted) {
  absl::StatusOr<Bucket> bucket = store_->CreateBucket("p2", "other", "europe-west4");
  ASSERT_TRUE(bucket.ok()) << bucket.status();
  EXPECT_EQ(bucket->location, "europe-west4");
  EXPECT_TRUE(absl::IsAlreadyExists(store_->CreateBucket("p2", "other", "x").status()));
  EXPECT_TRUE(absl::IsAlreadyExists(store_->CreateBucket("p3", "other", "x").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(store_->CreateBucket("p2", "../up", "x").status()));
  Reopen();
  EXPECT_EQ(store_->GetBucket("other")->project, "p2");
  EXPECT_EQ(store_->ListBuckets("p2")->size(), 1u);
  EXPECT_EQ(store_->ListBuckets("project")->at(0).name, "bucket");
  EXPECT_THAT(*store_->ListBuckets("nobody"), IsEmpty());
  EXPECT_EQ(*store_->BucketDirectory("other"), root_ + "/data/other");
  for (const char* name : {"missing", "..", "../data", ".staging"}) {
    EXPECT_TRUE(absl::IsNotFound(store_->GetBucket(name).status())) << name;
    EXPECT_TRUE(absl::IsNotFound(store_->BucketDirectory(name).status())) << name;
    EXPECT_TRUE(absl::IsNotFound(store_->DeleteBucket(name))) << name;
  }
  bucket->labels = {{"team", "a"}};
  bucket->iam_policy = "{}";
  EXPECT_EQ(store_->UpdateBucket(*bucket)->metageneration, 2);
  EXPECT_EQ(store_->GetBucket("other")->labels.at("team"), "a");
  EXPECT_TRUE(store_->DeleteBucket("other").ok());
  EXPECT_TRUE(absl::IsNotFound(store_->GetBucket("other").status()));
}

TEST_F(StoreTest, ABucketIsDeletedWhenItHasNoObjects) {
  ASSERT_TRUE(Put("a/b", "x").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(store_->DeleteBucket("bucket")));
  ASSERT_TRUE(store_->DeleteObject("bucket", "a/b", {}).ok());
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  ASSERT_EQ(symlink("/etc", Path("a/link").c_str()), 0);
  EXPECT_TRUE(store_->DeleteBucket("bucket").ok());
  EXPECT_FALSE(std::filesystem::exists(root_ + "/data/bucket"));
  EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
  ASSERT_TRUE(store_->CreateBucket("project", "bucket", "x").ok());
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(StoreTest, ADirectoryThatNobodyMadeABucketOfIsLeftAlone) {
  std::filesystem::create_directories(root_ + "/data/found");
  std::ofstream(root_ + "/data/found/file") << "precious";
  EXPECT_TRUE(absl::IsNotFound(store_->GetBucket("found").status()));
  EXPECT_TRUE(absl::IsAlreadyExists(store_->CreateBucket("p", "found", "x").status()));
  EXPECT_TRUE(std::filesystem::exists(root_ + "/data/found/file"));
}

TEST_F(StoreTest, AnObjectIsAFileWithItsMetadata) {
  ObjectAttributes attributes{.content_type = "text/plain",
                              .headers = {{"cacheControl", "no-store"}},
                              .metadata = {{"k", "v"}}};
  absl::StatusOr<Object> put = Put("dir/a:b c.txt", "123456789", attributes);
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(JobReads("dir/a:b c.txt"), "123456789");
  Reopen();
  absl::StatusOr<Object> object = store_->GetObject("bucket", "dir/a:b c.txt");
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ(object->size_bytes, 9u);
  EXPECT_TRUE(object->has_crc32c);
  EXPECT_EQ(object->crc32c, 0xe3069283u);
  EXPECT_EQ(absl::BytesToHexString(object->md5), "25f9e794323b453885f5181f1b624d0b");
  EXPECT_EQ(object->content_type, "text/plain");
  EXPECT_EQ(object->headers.at("cacheControl"), "no-store");
  EXPECT_EQ(object->metadata.at("k"), "v");
  EXPECT_EQ(object->generation, put->generation);
  EXPECT_EQ(object->metageneration, 1);
  EXPECT_EQ(*Get("dir/a:b c.txt"), "123456789");
  auto reader = store_->OpenObject("bucket", "dir/a:b c.txt");
  EXPECT_EQ(*(*reader)->Read(3, 2), "45");
  EXPECT_EQ(*(*reader)->Read(7, 100), "89");
  EXPECT_EQ(*(*reader)->Read(9, 1), "");
  EXPECT_TRUE(absl::IsNotFound(Get("dir").status()));
  EXPECT_TRUE(absl::IsNotFound(Get("dir/missing").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Get("dir/../dir/a:b c.txt").status()));
  EXPECT_TRUE(absl::IsNotFound(store_->GetObject("missing", "a").status()));
}

TEST_F(StoreTest, AnOverwriteIsAtomicAndANewGeneration) {
  absl::StatusOr<Object> first = Put("a", "first");
  auto reader = store_->OpenObject("bucket", "a");
  auto writer = store_->CreateObject("bucket", "a", {}, {});
  ASSERT_TRUE((*writer)->Append("second").ok());
  EXPECT_EQ(*Get("a"), "first");
  EXPECT_THAT(List(), ElementsAre("a"));
  absl::StatusOr<Object> second = (*writer)->Commit();
  ASSERT_TRUE(second.ok());
  EXPECT_GT(second->generation, first->generation);
  EXPECT_EQ(*Get("a"), "second");
  EXPECT_EQ(*(*reader)->Read(0, 100), "first");  // the file as it was when opened
}

TEST_F(StoreTest, WhatIsNotCommittedLeavesNoTrace) {
  {
    auto writer = store_->CreateObject("bucket", "a", {}, {});
    ASSERT_TRUE((*writer)->Append("bytes").ok());
  }
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(root_ + "/data/.staging"));
  auto writer = store_->CreateObject("bucket", "a", {}, {});
  std::ofstream(root_ + "/data/.staging/write-left-by-a-crash") << "x";
  std::filesystem::create_directories(root_ + "/data/.staging/deleted-bucket/dir");
  writer->reset();
  Reopen();
  EXPECT_TRUE(std::filesystem::is_empty(root_ + "/data/.staging"));
}

TEST_F(StoreTest, ChecksumsThatCameWithTheBytesAreChecked) {
  const ObjectAttributes kGood[] = {{.checksums = {.crc32c_base64 = "4waSgw=="}},
                                    {.checksums = {.md5_base64 = "JfnnlDI7RTiF9RgfG2JNCw=="}}};
  for (const ObjectAttributes& attributes : kGood) {
    EXPECT_TRUE(Put("a", "123456789", attributes).ok());
  }
  const ObjectAttributes kBad[] = {{.checksums = {.crc32c_base64 = "AAAAAA=="}},
                                   {.checksums = {.md5_base64 = "AAAAAAAAAAAAAAAAAAAAAA=="}}};
  for (const ObjectAttributes& attributes : kBad) {
    EXPECT_TRUE(absl::IsInvalidArgument(Put("b", "123456789", attributes).status()));
  }
  EXPECT_THAT(List(), ElementsAre("a"));
}

TEST_F(StoreTest, Preconditions) {
  int64_t generation = Put("a", "1", {}, {.if_generation_match = 0})->generation;
  struct Case {
    Preconditions preconditions;
    bool holds;
  };
  const Case kCases[] = {{{}, true},
                         {{.if_generation_match = 0}, false},
                         {{.if_generation_match = generation}, true},
                         {{.if_generation_match = generation + 1}, false},
                         {{.if_generation_not_match = generation}, false},
                         {{.if_generation_not_match = 0}, true},
                         {{.if_metageneration_match = 1}, true},
                         {{.if_metageneration_match = 2}, false},
                         {{.if_metageneration_not_match = 1}, false}};
  Object object;
  object.generation = generation;
  for (const Case& test : kCases) {
    EXPECT_EQ(CheckPreconditions(&object, test.preconditions).ok(), test.holds);
    if (test.holds) continue;
    EXPECT_TRUE(absl::IsFailedPrecondition(Put("a", "2", {}, test.preconditions).status()));
    EXPECT_TRUE(
        absl::IsFailedPrecondition(store_->DeleteObject("bucket", "a", test.preconditions)));
    EXPECT_TRUE(absl::IsFailedPrecondition(
        store_->UpdateObject("bucket", "a", {}, test.preconditions).status()));
  }
  EXPECT_EQ(*Get("a"), "1");
  EXPECT_TRUE(absl::IsFailedPrecondition(Put("b", "1", {}, {.if_generation_match = 5}).status()));
}

TEST_F(StoreTest, AttributesAreReplaced) {
  absl::StatusOr<Object> put =
      Put("a", "x", {.content_type = "text/plain", .metadata = {{"a", "1"}}});
  absl::StatusOr<Object> updated = store_->UpdateObject(
      "bucket", "a", {.content_type = "image/png", .metadata = {{"b", "2"}}}, {});
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->generation, put->generation);
  EXPECT_EQ(updated->metageneration, 2);
  EXPECT_EQ(updated->content_type, "image/png");
  EXPECT_EQ(updated->metadata, (std::map<std::string, std::string>{{"b", "2"}}));
  EXPECT_EQ(updated->md5, put->md5);
  JobWrites("job", "y");
  ASSERT_TRUE(store_->UpdateObject("bucket", "job", {.metadata = {{"c", "3"}}}, {}).ok());
  absl::StatusOr<Object> job = store_->GetObject("bucket", "job");
  EXPECT_EQ(job->metageneration, 2);
  EXPECT_EQ(job->metadata.at("c"), "3");
  EXPECT_EQ(job->crc32c, base::Crc32c("y"));
}

TEST_F(StoreTest, AJobsFileIsAnObject) {
  ASSERT_TRUE(Put("out/model", "by the API", {.metadata = {{"k", "v"}}}).ok());
  int64_t before = store_->GetObject("bucket", "out/model")->generation;
  JobWrites("out/model", "by the job!");
  absl::StatusOr<Object> object = store_->GetObject("bucket", "out/model");
  ASSERT_TRUE(object.ok());
  EXPECT_GT(object->generation, before);
  EXPECT_EQ(object->crc32c, base::Crc32c("by the job!"));
  EXPECT_THAT(object->md5, IsEmpty());
  EXPECT_THAT(object->metadata, IsEmpty());
  EXPECT_EQ(store_->GetObject("bucket", "out/model")->generation, object->generation);
  Reopen();
  EXPECT_EQ(store_->GetObject("bucket", "out/model")->generation, object->generation);
  JobWrites("out/model", "by the JOB!");  // the same size
  EXPECT_GT(store_->GetObject("bucket", "out/model")->generation, object->generation);
  EXPECT_EQ(store_->GetObject("bucket", "out/model")->crc32c, base::Crc32c("by the JOB!"));
  absl::StatusOr<Object> again = Put("out/model", "api");
  EXPECT_GT(again->generation, object->generation);
  EXPECT_EQ(JobReads("out/model"), "api");
}

TEST_F(StoreTest, ANameIsAFileOrADirectoryAndEmptyDirectoriesGiveWay) {
  ASSERT_TRUE(Put("a/b", "x").ok());
  absl::Status status = Put("a", "x").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("'a' is a directory here"));
  status = Put("a/b/c", "x").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("'a/b' is a file or a link here"));
  ASSERT_TRUE(store_->DeleteObject("bucket", "a/b", {}).ok());
  EXPECT_THAT(List(), IsEmpty());
  std::filesystem::create_directories(Path("a/empty/empty"));
  EXPECT_THAT(List({.delimiter = "/"}), IsEmpty());
  ASSERT_TRUE(Put("a", "x").ok());
  EXPECT_THAT(List(), ElementsAre("a"));
}

TEST_F(StoreTest, Placeholders) {
  ASSERT_TRUE(Put("dir/", "", {.content_type = "text/x"}).ok());
  ASSERT_TRUE(Put("dir/file", "x").ok());
  EXPECT_TRUE(std::filesystem::is_directory(Path("dir")));
  EXPECT_THAT(List(), ElementsAre("dir/", "dir/file"));
  EXPECT_THAT(List({.delimiter = "/"}), ElementsAre("> dir/"));
  EXPECT_THAT(List({.prefix = "dir/", .delimiter = "/"}), ElementsAre("dir/", "dir/file"));
  EXPECT_THAT(List({.delimiter = "/", .include_trailing_delimiter = true}),
              ElementsAre("dir/", "> dir/"));
  EXPECT_EQ(store_->GetObject("bucket", "dir/")->content_type, "text/x");
  EXPECT_EQ(store_->GetObject("bucket", "dir/")->size_bytes, 0u);
  EXPECT_EQ(*Get("dir/"), "");
  EXPECT_TRUE(absl::IsInvalidArgument(Put("full/", "bytes").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(Put("dir/", "", {}, {.if_generation_match = 0}).status()));
  ASSERT_TRUE(store_->DeleteObject("bucket", "dir/", {}).ok());
  EXPECT_THAT(List(), ElementsAre("dir/file"));
  std::filesystem::create_directories(Path("jobs"));
  EXPECT_TRUE(absl::IsNotFound(Get("jobs/").status()));
  EXPECT_TRUE(std::filesystem::is_empty(root_ + "/data/.staging"));
}

TEST_F(StoreTest, UploadsSurviveARestart) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&bytes, i);
  std::string crc32c = EncodeCrc32c(base::Crc32c(bytes));
  absl::StatusOr<Upload> upload = store_->StartUpload(
      "bucket", "big", {.metadata = {{"k", "v"}}, .checksums = {.crc32c_base64 = crc32c}},
      {.if_generation_match = 0});
  ASSERT_TRUE(upload.ok()) << upload.status();
  uint64_t offset = 0;
  while (offset < bytes.size()) {
    absl::string_view chunk = absl::string_view(bytes).substr(offset, 77'777);
    ASSERT_TRUE(store_->AppendUpload(upload->id, offset, chunk).ok());
    EXPECT_TRUE(absl::IsOutOfRange(store_->AppendUpload(upload->id, offset, chunk).status()));
    Reopen();
    offset = store_->GetUpload(upload->id)->received_bytes;
  }
  EXPECT_THAT(List(), IsEmpty());
  absl::StatusOr<Object> object = store_->FinishUpload(upload->id);
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ(object->size_bytes, bytes.size());
  EXPECT_EQ(object->metadata.at("k"), "v");
  EXPECT_EQ(*Get("big"), bytes);
  // The client did not get the answer and asks again.
  EXPECT_EQ(store_->GetUpload(upload->id)->object->generation, object->generation);
  EXPECT_EQ(store_->FinishUpload(upload->id)->generation, object->generation);
  Reopen();
  EXPECT_TRUE(absl::IsNotFound(store_->GetUpload(upload->id).status()));
  EXPECT_TRUE(std::filesystem::is_empty(root_ + "/data/.staging"));
}

TEST_F(StoreTest, UploadsThatCannotBecomeAnObjectAreForgotten) {
  ASSERT_TRUE(Put("there", "x").ok());
  struct Case {
    const char* name;
    ObjectAttributes attributes;
    Preconditions preconditions;
  };
  const Case kCases[] = {{"a", {.checksums = {.crc32c_base64 = "AAAAAA=="}}, {}},
                         {"there", {}, {.if_generation_match = 0}},
                         {"there/below", {}, {}}};
  for (const Case& test : kCases) {
    Upload upload = *store_->StartUpload("bucket", test.name, test.attributes, test.preconditions);
    ASSERT_TRUE(store_->AppendUpload(upload.id, 0, "bytes").ok());
    EXPECT_FALSE(store_->FinishUpload(upload.id).ok());
    EXPECT_TRUE(absl::IsNotFound(store_->GetUpload(upload.id).status()));
  }
  Upload upload = *store_->StartUpload("bucket", "c", {}, {});
  ASSERT_TRUE(store_->AppendUpload(upload.id, 0, "bytes").ok());
  EXPECT_TRUE(store_->CancelUpload(upload.id).ok());
  EXPECT_TRUE(absl::IsNotFound(store_->CancelUpload(upload.id)));
  EXPECT_TRUE(std::filesystem::is_empty(root_ + "/data/.staging"));
  EXPECT_TRUE(absl::IsInvalidArgument(store_->StartUpload("bucket", "a//b", {}, {}).status()));
  EXPECT_TRUE(absl::IsNotFound(store_->StartUpload("missing", "a", {}, {}).status()));
  EXPECT_TRUE(absl::IsNotFound(store_->AppendUpload("../bucket/there", 0, "x").status()));
}

TEST_F(StoreTest, UploadsEndAfterAWeek) {
  base::FakeClock clock(real_clock_.Now());
  clock_ = &clock;
  Reopen();
  Upload upload = *store_->StartUpload("bucket", "a", {}, {});
  ASSERT_TRUE(store_->AppendUpload(upload.id, 0, "bytes").ok());
  clock.Advance(absl::Hours(24 * 7 - 1));
  ASSERT_TRUE(store_->StartUpload("bucket", "b", {}, {}).ok());
  EXPECT_TRUE(store_->GetUpload(upload.id).ok());
  clock.Advance(absl::Hours(2));
  ASSERT_TRUE(store_->StartUpload("bucket", "c", {}, {}).ok());
  EXPECT_TRUE(absl::IsNotFound(store_->GetUpload(upload.id).status()));
  clock_ = &real_clock_;
}

TEST_F(StoreTest, AFileOfANewerVersionIsRefused) {
  store_.reset();
  Database database = *OpenDatabase(root_ + "/metadata/objects.db");
  ASSERT_TRUE(Execute(database.get(), "PRAGMA user_version = 99").ok());
  database.reset();
  auto store = ObjectStore::Open({root_ + "/data", root_ + "/metadata"}, *clock_, random_);
  EXPECT_TRUE(absl::IsFailedPrecondition(store.status()));
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("newer trainyard"));
}

}  // namespace
}  // namespace trainyard::objects
