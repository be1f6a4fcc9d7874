// What a job may leave in a bucket, and what comes of it: nothing.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <atomic>
#include <functional>

#include "base/executor.h"
#include "objects/beneath.h"
#include "objects/store_fixture.h"

namespace trainyard::objects {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EscapeTest : public StoreTest {
 protected:
  EscapeTest() {
    std::ofstream(root_ + "/secret") << "the server's key";
    std::filesystem::create_directories(root_ + "/secrets");
    std::ofstream(root_ + "/secrets/key") << "the server's key";
  }
  void ExpectNoObject(const std::string& name) {
    EXPECT_TRUE(absl::IsNotFound(store_->GetObject("bucket", name).status())) << name;
    EXPECT_TRUE(absl::IsNotFound(store_->OpenObject("bucket", name).status())) << name;
    EXPECT_TRUE(absl::IsNotFound(store_->DeleteObject("bucket", name, {}))) << name;
    EXPECT_TRUE(absl::IsNotFound(store_->UpdateObject("bucket", name, {}, {}).status())) << name;
    EXPECT_THAT(List(), IsEmpty());
  }
};

TEST_F(EscapeTest, ASetUidFileIsNoObject) {
  for (mode_t bits : {S_ISUID, S_ISGID}) {
    JobWrites("tool", "#!/bin/sh");
    ASSERT_EQ(chmod(Path("tool").c_str(), bits | 0755), 0);
    ExpectNoObject("tool");
    std::filesystem::remove(Path("tool"));
  }
  ASSERT_EQ(chmod((JobWrites("tool", "x"), Path("tool")).c_str(), S_ISUID | 0755), 0);
  ASSERT_TRUE(Put("tool", "replaced").ok());
  struct stat info;
  ASSERT_EQ(stat(Path("tool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0666u);
}

TEST_F(EscapeTest, ALinkOutIsNoObject) {
  ASSERT_EQ(symlink((root_ + "/secret").c_str(), Path("link").c_str()), 0);
  ExpectNoObject("link");
  ASSERT_TRUE(Put("link", "mine").ok());  // replaces the link, not what it points at
  std::ifstream secret(root_ + "/secret");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(secret), {}), "the server's key");
  EXPECT_FALSE(std::filesystem::is_symlink(Path("link")));
}

TEST_F(EscapeTest, ALinkInsideIsNoObjectEither) {
  JobWrites("real/file", "x");
  ASSERT_EQ(symlink("real", Path("dir").c_str()), 0);
  ASSERT_EQ(symlink("real/file", Path("file").c_str()), 0);
  EXPECT_THAT(List(), ElementsAre("real/file"));
  EXPECT_TRUE(absl::IsNotFound(Get("dir/file").status()));
  EXPECT_TRUE(absl::IsNotFound(Get("file").status()));
}

TEST_F(EscapeTest, ALinkedDirectoryLeadsNowhere) {
  ASSERT_EQ(symlink((root_ + "/secrets").c_str(), Path("dir").c_str()), 0);
  ASSERT_EQ(symlink("/proc/self/root", Path("root").c_str()), 0);
  ExpectNoObject("dir/key");
  ExpectNoObject("root/etc/passwd");
  EXPECT_TRUE(absl::IsInvalidArgument(Put("dir/new", "x").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Put("dir/", "").status()));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/secrets/new"));
}

TEST_F(EscapeTest, AFifoIsNoObjectAndBlocksNobody) {
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0666), 0);
  ExpectNoObject("fifo");
  ASSERT_TRUE(Put("fifo", "a file now").ok());
  EXPECT_EQ(*Get("fifo"), "a file now");
}

TEST_F(EscapeTest, ASecondLinkToAFileIsNoObject) {
  ASSERT_EQ(link((root_ + "/secret").c_str(), Path("hard").c_str()), 0);
  ExpectNoObject("hard");
  ASSERT_TRUE(Put("hard", "mine").ok());
  std::ifstream secret(root_ + "/secret");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(secret), {}), "the server's key");
}

TEST_F(EscapeTest, SocketsAndDevicesAreNoObjects) {
  int socket_file = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX};
  std::string path = Path("s");
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(bind(socket_file, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ExpectNoObject("s");
  close(socket_file);
  std::filesystem::remove(path);
  if (mknod(Path("device").c_str(), S_IFCHR | 0666, makedev(1, 5)) != 0) GTEST_SKIP() << "no root";
  ExpectNoObject("device");
}

TEST_F(EscapeTest, TheDataRootLetsNobodyElseIn) {
  struct stat info;
  ASSERT_EQ(stat((root_ + "/data").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(stat((root_ + "/metadata").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

// Runs as another user in the bucket's directory, as a job has it mounted.
int RunAs(uid_t uid, const std::string& directory, const std::function<bool()>& act) {
  pid_t child = fork();
  if (child == 0) {
    bool ready = chdir(directory.c_str()) == 0 && setresgid(uid, uid, uid) == 0 &&
                 setresuid(uid, uid, uid) == 0;
    umask(077);
    _exit(ready && act() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

bool WriteFile(const char* path) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  return file >= 0 && write(file, "job", 3) == 3 && close(file) == 0;
}

TEST_F(EscapeTest, AnyUserOfAnyJobSharesABucket) {
  if (getuid() != 0) GTEST_SKIP() << "only root can become other users";
  ASSERT_TRUE(Put("api/file", "x").ok());
  EXPECT_EQ(RunAs(100'000, Path(""),
                  [] {
                    return WriteFile("api/file") && WriteFile("api/new") &&
                           mkdir("dir", 0777) == 0 && WriteFile("dir/file");
                  }),
            0);
  EXPECT_EQ(RunAs(101'000, Path(""),
                  [] {
                    return WriteFile("dir/file") && WriteFile("dir/other") &&
                           WriteFile("api/new") && unlink("dir/file") == 0;
                  }),
            0);
  EXPECT_THAT(List(), ElementsAre("api/file", "api/new", "dir/other"));
  EXPECT_EQ(*Get("api/file"), "job");
  ASSERT_TRUE(Put("dir/other", "api").ok());
  EXPECT_EQ(RunAs(100'000, Path(""), [] { return WriteFile("dir/other"); }), 0);
}

TEST_F(EscapeTest, ObjectsBelongToTheDataAccount) {
  if (getuid() != 0) GTEST_SKIP() << "only root can give files away";
  store_.reset();
  auto store =
      ObjectStore::Open({root_ + "/data", root_ + "/metadata", 12'345, 23'456}, *clock_, random_);
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
  ASSERT_TRUE(store_->CreateBucket("p", "owned", "x").ok());
  auto writer = store_->CreateObject("owned", "dir/file", {}, {});
  ASSERT_TRUE((*writer)->Commit().ok());
  for (const char* name : {"", "/dir", "/dir/file"}) {
    struct stat info;
    ASSERT_EQ(stat((root_ + "/data/owned" + name).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 12'345u) << name;
    EXPECT_EQ(info.st_gid, 23'456u) << name;
  }
}

// A job swaps a directory for a link to the server's files as fast as it can, while the API reads,
// writes and lists below it.
TEST_F(EscapeTest, RacesLeadNowhere) {
  JobWrites("dir/key", "the job's");
  ASSERT_EQ(symlink((root_ + "/secrets").c_str(), Path("link").c_str()), 0);
  std::atomic<bool> done = false;
  base::ThreadExecutor job("job");
  job.Post([&] {
    while (!done) {
      renameat2(AT_FDCWD, Path("dir").c_str(), AT_FDCWD, Path("link").c_str(), RENAME_EXCHANGE);
    }
  });
  int reads = 0;
  for (int i = 0; i < 3000; ++i) {
    absl::StatusOr<std::string> bytes = Get("dir/key");
    if (bytes.ok()) {
      EXPECT_EQ(*bytes, "the job's");
      ++reads;
    } else {
      EXPECT_TRUE(absl::IsNotFound(bytes.status())) << bytes.status();
    }
    if (i % 50 != 0) continue;
    Put("dir/written", "x").IgnoreError();
    store_->DeleteObject("bucket", "dir/written", {}).IgnoreError();
    List();
  }
  done = true;
  EXPECT_GT(reads, 0);
  std::vector<std::string> secrets;
  for (const auto& entry : std::filesystem::directory_iterator(root_ + "/secrets")) {
    secrets.push_back(entry.path().filename());
  }
  EXPECT_THAT(secrets, ElementsAre("key"));
}

TEST_F(EscapeTest, DeepTreesEndTheProgramNowhere) {
  std::string deep = Path("deep");
  std::filesystem::create_directories(deep);
  int directory = open(deep.c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(mkdirat(directory, "d", 0777), 0);
    int next = openat(directory, "d", O_RDONLY | O_DIRECTORY);
    close(directory);
    directory = next;
  }
  close(directory);
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_TRUE(absl::IsInvalidArgument(Put("deep", "x").status()));
  EXPECT_TRUE(store_->DeleteBucket("bucket").ok());
}

}  // namespace
}  // namespace trainyard::objects
