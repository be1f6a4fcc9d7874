#include "cli/exec.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/descriptor.h"

namespace trainyard::cli {
namespace {

using testing::HasSubstr;

// A listener on a free port; connections wait in its queue.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(socket_.get(), 16), 0);
    getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  std::string endpoint() const { return absl::StrCat("127.0.0.1:", port_); }
  int port() const { return port_; }

  // What the next connection that sent anything sent; empty when there is none.
  std::string Next() {
    for (;;) {
      pollfd ready{socket_.get(), POLLIN, 0};
      if (poll(&ready, 1, 200) != 1) return "";
      const base::Descriptor connection(accept(socket_.get(), nullptr, nullptr));
      char buffer[256];
      const ssize_t size = read(connection.get(), buffer, sizeof(buffer));
      if (size > 0) return std::string(buffer, static_cast<size_t>(size));
    }
  }

 private:
  base::Descriptor socket_;
  int port_ = 0;
};

class ExecTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(directory_);
    chmod(directory_.c_str(), 0777);
    std::ofstream(bundle_) << "OUR BUNDLE\n";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  absl::StatusOr<int> Run(const std::string& script) {
    return RunExec({.command = {"bash", "-c", absl::StrCat("exec >", output_, " 2>&1; ", script)},
                    .environment = {"PATH=/usr/bin:/bin", "GREETING=hello"},
                    .endpoint = listener_.endpoint(),
                    .ca_bundle = bundle_});
  }
  // The exit code; skips the test where this machine does not allow the namespace.
  int Code(const std::string& script) {
    const absl::StatusOr<int> code = Run(script);
    skipped_ = absl::IsFailedPrecondition(code.status());
    if (skipped_) {
      std::printf("skipped: %s\n", std::string(code.status().message()).c_str());
      return -1;
    }
    EXPECT_TRUE(code.ok()) << code.status();
    return code.value_or(-1);
  }
  std::string Output() {
    std::ifstream file(output_);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  bool skipped_ = false;
  Listener listener_;
  const std::string directory_ = absl::StrCat(testing::TempDir(), "/exec_", getpid());
  const std::string bundle_ = directory_ + "/bundle.pem";
  const std::string output_ = directory_ + "/output";
};

constexpr char kSend[] =
    "exec 3<>/dev/tcp/us-central1-aiplatform.googleapis.com/443 && echo from $GREETING >&3; ";

TEST_F(ExecTest, GooglesNamesLeadToTheServer) {
  const int code = Code(absl::StrCat(kSend, "exit 7"));
  if (skipped_) GTEST_SKIP();
  EXPECT_EQ(code, 7) << Output();
  EXPECT_EQ(listener_.Next(), "from hello\n");
}

TEST_F(ExecTest, OtherConnectionsGoOnAsTheyWere) {
  Listener other;
  const int code = Code(absl::StrCat("echo other >/dev/tcp/127.0.0.1/", other.port(), " && ",
                                     "! echo x 2>/dev/null >/dev/tcp/storage.googleapis.com/80"));
  if (skipped_) GTEST_SKIP();
  EXPECT_EQ(code, 0) << Output();
  EXPECT_EQ(other.Next(), "other\n");
  EXPECT_EQ(listener_.Next(), "");
}

TEST_F(ExecTest, BothFamilies) {
  const int code = Code(
      "getent ahostsv4 storage.googleapis.com; getent ahostsv6 storage.googleapis.com; "
      "echo six >/dev/tcp/fd54:7261:696e:7961:7264::1/443 || exit 3");
  if (skipped_) GTEST_SKIP();
  EXPECT_THAT(Output(), HasSubstr("127.84.89.68"));
  EXPECT_THAT(Output(), HasSubstr("fd54:7261:696e:7961:7264::1"));
  if (code == 3) GTEST_SKIP() << "no IPv6 on this machine: " << Output();
  EXPECT_EQ(listener_.Next(), "six\n");
}

TEST_F(ExecTest, OnlyTheCommandSeesTheFiles) {
  struct stat before {
  }, after{};
  ASSERT_EQ(stat("/etc/hosts", &before), 0);
  const int code =
      Code("cat /etc/hosts; cat /etc/ssl/certs/ca-certificates.crt; ls /tmp >/dev/null && id -u");
  if (skipped_) GTEST_SKIP();
  EXPECT_EQ(code, 0);
  EXPECT_THAT(Output(), HasSubstr("127.84.89.68 storage.googleapis.com"));
  EXPECT_THAT(Output(), HasSubstr("localhost"));
  EXPECT_THAT(Output(), HasSubstr(absl::StrCat("\n", getuid(), "\n")));
  if (std::filesystem::exists("/etc/ssl/certs/ca-certificates.crt")) {
    EXPECT_THAT(Output(), HasSubstr("OUR BUNDLE"));
  }
  ASSERT_EQ(stat("/etc/hosts", &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  std::ifstream hosts("/etc/hosts");
  const std::string text(std::istreambuf_iterator<char>(hosts), {});
  EXPECT_THAT(text, testing::Not(HasSubstr("127.84.89.68")));
}

TEST_F(ExecTest, ExitCodes) {
  const std::pair<const char*, int> cases[] = {
      {"true", 0}, {"exit 200", 200}, {"kill -9 $$", 137}, {"kill -TERM $$", 143}};
  for (const auto& [script, expected] : cases) {
    const int code = Code(script);
    if (skipped_) GTEST_SKIP();
    EXPECT_EQ(code, expected) << script;
  }
}

TEST_F(ExecTest, WhatStaysInTheBackgroundIsServedOn) {
  const int code =
      Code("setsid bash -c 'sleep 0.3; echo late >/dev/tcp/oauth2.googleapis.com/443' & disown");
  if (skipped_) GTEST_SKIP();
  EXPECT_EQ(code, 0);
  std::string late;
  for (int i = 0; i < 25 && late.empty(); ++i) late = listener_.Next();
  EXPECT_EQ(late, "late\n");
}

TEST_F(ExecTest, SignalsArePassedOn) {
  const pid_t caller = fork();
  if (caller == 0) _exit(Run("trap 'kill %1; exit 5' TERM; sleep 20 & wait").value_or(99));
  // The command is up once it has made its output file.
  for (int i = 0; i < 100 && !std::filesystem::exists(output_); ++i) usleep(20'000);
  usleep(200'000);
  kill(caller, SIGTERM);
  int status = 0;
  ASSERT_EQ(waitpid(caller, &status, 0), caller);
  if (WEXITSTATUS(status) == 99) GTEST_SKIP() << "no namespaces here";
  EXPECT_EQ(WEXITSTATUS(status), 5);
}

TEST_F(ExecTest, SaysWhatIsWrong) {
  const ExecOptions good = {{"true"}, {"PATH=/usr/bin:/bin"}, listener_.endpoint(), bundle_};
  ExecOptions options = good;
  options.command = {};
  EXPECT_TRUE(absl::IsInvalidArgument(RunExec(options).status()));
  options = good;
  options.endpoint = "127.0.0.1:1";
  EXPECT_THAT(std::string(RunExec(options).status().message()), HasSubstr("trainyard serve"));
  options = good;
  options.endpoint = "no-such-host.invalid:1";
  EXPECT_TRUE(absl::IsUnavailable(RunExec(options).status()));
  options = good;
  options.ca_bundle = "/nonexistent";
  EXPECT_TRUE(absl::IsNotFound(RunExec(options).status()));
  options = good;
  options.command = {"no-such-command"};
  const absl::Status status = RunExec(options).status();
  EXPECT_TRUE(absl::IsNotFound(status) || absl::IsFailedPrecondition(status)) << status;
}

// The same by a user who may not mount.
TEST_F(ExecTest, WithoutPrivilege) {
  if (getuid() != 0) GTEST_SKIP() << "the other tests are this one already";
  constexpr int kSkip = 98;
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(97);
    prctl(PR_SET_DUMPABLE, 1);  // as it is for a program that such a user starts
    const absl::StatusOr<int> code = Run(absl::StrCat(kSend, "id -u; exit 7"));
    std::printf("%s\n", code.status().ToString().c_str());
    std::fflush(stdout);
    _exit(absl::IsFailedPrecondition(code.status()) ? kSkip : code.value_or(96));
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == kSkip) GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(WEXITSTATUS(status), 7) << Output();
  EXPECT_EQ(Output(), "65534\n");
  EXPECT_EQ(listener_.Next(), "from hello\n");
}

}  // namespace
}  // namespace trainyard::cli
