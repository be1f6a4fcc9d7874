#include "edge/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/disk.h"
#include "base/fake_disk.h"
#include "base/process.h"
#include "edge/certificate_names.h"

namespace trainyard::edge {
namespace {

using testing::HasSubstr;

TEST(CertificateNameTest, TakesNamesAndAddresses) {
  const struct {
    const char* text;
    const char* name;
  } cases[] = {{"Host.Example.", "DNS:host.example"},
               {"*.example.com", "DNS:*.example.com"},
               {"10.0.0.7", "IP:10.0.0.7"},
               {"[fd00::0:1]", "IP:fd00::1"},
               {"0.0.0.0", ""},
               {"::", ""}};
  for (const auto& test : cases) {
    EXPECT_EQ(CertificateName(test.text).value_or("error"), test.name) << test.text;
  }
}

TEST(CertificateNameTest, RefusesWhatIsNeither) {
  for (const char* text :
       {"", "my_host", "a b", "-a.com", "a..b", "*.*.com", "a,DNS:evil.com", "a\nb"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CertificateName(text).status())) << text;
  }
  EXPECT_FALSE(CertificateName(std::string(64, 'a')).ok());
}

class EnsureCertificatesTest : public testing::Test {
 protected:
  bool Ensure() {
    const absl::StatusOr<bool> wrote = EnsureCertificates(disk_, clock_, options_, paths_);
    EXPECT_TRUE(wrote.ok()) << wrote.status();
    return wrote.value_or(false);
  }
  std::string Read(const std::string& path) { return disk_.Read(path).value_or(""); }
  void CopyKey(const std::string& from, const std::string& to) {
    ASSERT_TRUE(disk_.WriteAtomically(to, Read(from), 0600).ok());
  }

  base::FakeClock clock_;
  base::FakeDisk disk_{clock_};
  CertificateOptions options_{.directory = "/tls", .host_name = "train"};
  CertificatePaths paths_;
};

TEST_F(EnsureCertificatesTest, WritesOnceThenLeavesThemAlone) {
  EXPECT_TRUE(Ensure());
  const std::string ca = Read(paths_.ca_certificate);
  const std::string server = Read(paths_.server_certificate);
  EXPECT_THAT(ca, HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_THAT(Read(paths_.server_key), HasSubstr("BEGIN PRIVATE KEY"));
  EXPECT_FALSE(Ensure());
  EXPECT_EQ(Read(paths_.ca_certificate), ca);
  EXPECT_EQ(Read(paths_.server_certificate), server);
}

TEST_F(EnsureCertificatesTest, RenewsTheServerCertificateOnly) {
  const struct {
    const char* what;
    std::function<void()> change;
  } cases[] = {
      {"due", [&] { clock_.Advance(absl::Hours(24 * 61)); }},
      {"wall clock went back", [&] { clock_.JumpWall(-absl::Hours(24)); }},
      {"another address", [&] { options_.names.push_back("10.1.2.3"); }},
      {"a name below a permitted one", [&] { options_.names.push_back("x.googleapis.com"); }},
      {"no key", [&] { ASSERT_TRUE(disk_.Remove(paths_.server_key).ok()); }},
      {"a key of another", [&] { CopyKey(paths_.ca_key, paths_.server_key); }},
      {"broken", [&] { CopyKey(paths_.ca_key, paths_.server_certificate); }},
      {"signed by another", [&] { CopyKey(paths_.ca_certificate, paths_.server_certificate); }},
  };
  Ensure();
  const std::string ca = Read(paths_.ca_certificate);
  for (const auto& test : cases) {
    const std::string before = Read(paths_.server_certificate);
    test.change();
    EXPECT_TRUE(Ensure()) << test.what;
    EXPECT_NE(Read(paths_.server_certificate), before) << test.what;
    EXPECT_EQ(Read(paths_.ca_certificate), ca) << test.what;
    EXPECT_FALSE(Ensure()) << test.what;
  }
}

TEST_F(EnsureCertificatesTest, MakesANewCaForWhatTheOldOneCannotSign) {
  const struct {
    const char* what;
    std::function<void()> change;
  } cases[] = {
      {"another name", [&] { options_.names.push_back("train.example.com"); }},
      {"near its end", [&] { clock_.Advance(absl::Hours(24 * 3600)); }},
      {"key lost", [&] { ASSERT_TRUE(disk_.Remove(paths_.ca_key).ok()); }},
      {"crash between its files", [&] { ASSERT_TRUE(disk_.Remove(paths_.ca_certificate).ok()); }},
  };
  Ensure();
  for (const auto& test : cases) {
    const std::string before = Read(paths_.ca_certificate);
    test.change();
    EXPECT_TRUE(Ensure()) << test.what;
    EXPECT_NE(Read(paths_.ca_certificate), before) << test.what;
    EXPECT_FALSE(Ensure()) << test.what;
  }
}

// A machine that moves between networks keeps its CA.
TEST_F(EnsureCertificatesTest, ANewHostNameIsLeftOut) {
  Ensure();
  const std::string ca = Read(paths_.ca_certificate);
  options_.host_name = "elsewhere";
  EXPECT_TRUE(Ensure());
  EXPECT_EQ(Read(paths_.ca_certificate), ca);
  EXPECT_FALSE(Ensure());
}

TEST_F(EnsureCertificatesTest, NamesTheFileThatIsWrong) {
  Ensure();
  const std::string good = Read(paths_.ca_certificate);
  for (const std::string& bad : {std::string("garbage"), Read(paths_.server_certificate)}) {
    ASSERT_TRUE(disk_.WriteAtomically(paths_.ca_certificate, bad, 0644).ok());
    const auto result = EnsureCertificates(disk_, clock_, options_, paths_);
    EXPECT_TRUE(absl::IsFailedPrecondition(result.status())) << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr("/tls/ca.pem"));
  }
  ASSERT_TRUE(disk_.WriteAtomically(paths_.ca_certificate, good, 0644).ok());
  ASSERT_TRUE(disk_.WriteAtomically(paths_.ca_key, "SECRET", 0600).ok());
  const auto result = EnsureCertificates(disk_, clock_, options_, paths_);
  EXPECT_TRUE(absl::IsFailedPrecondition(result.status()));
  EXPECT_THAT(std::string(result.status().message()), testing::Not(HasSubstr("SECRET")));
}

TEST_F(EnsureCertificatesTest, FailsWithTheDisk) {
  disk_.SetCapacity(10);
  EXPECT_FALSE(EnsureCertificates(disk_, clock_, options_, paths_).ok());
}

TEST_F(EnsureCertificatesTest, EndAndFingerprint) {
  Ensure();
  const std::string pem = Read(paths_.server_certificate);
  EXPECT_EQ(CertificateEnd(pem).value_or(absl::InfinitePast()), clock_.Now() + options_.lifetime);
  EXPECT_EQ(CertificateFingerprint(pem).value_or("").size(), 32u * 3 - 1);
  EXPECT_FALSE(CertificateEnd("x").ok());
}

// What OpenSSL's own command says of the chain, at its strictest.
class OpensslVerifyTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(EnsureCertificates(disk_, clock_, options_, paths_).ok()); }
  void TearDown() override { std::filesystem::remove_all(options_.directory); }

  // Empty when the certificate is good for the name.
  std::string Verify(const std::string& option, const std::string& name,
                     const std::string& certificate) {
    const absl::StatusOr<base::CommandResult> result =
        processes_.Run({.argv = {"openssl", "verify", "-x509_strict", "-purpose", "sslserver",
                                 "-CAfile", paths_.ca_certificate, option, name, certificate},
                        .environment = {"PATH=/usr/bin:/bin"}});
    if (!result.ok()) return std::string(result.status().message());
    return result->exit_code == 0 ? "" : absl::StrCat(result->output, result->error);
  }

  base::RealClock clock_;
  base::RealDisk disk_;
  base::RealProcesses processes_;
  CertificateOptions options_{
      .directory = absl::StrCat(testing::TempDir(), "/certificates_", getpid()),
      .names = {"train.example.com", "203.0.113.9"},
      .host_name = "train"};
  CertificatePaths paths_;
};

TEST_F(OpensslVerifyTest, AcceptsEveryNameOfTheServer) {
  for (const char* name :
       {"localhost", "train", "train.example.com", "storage.googleapis.com",
        "us-central1-aiplatform.googleapis.com", "aiplatform.us.rep.googleapis.com",
        "bucket.storage.googleapis.com", "us-docker.pkg.dev"}) {
    EXPECT_EQ(Verify("-verify_hostname", name, paths_.server_certificate), "") << name;
  }
  for (const char* address : {"127.0.0.1", "::1", "203.0.113.9"}) {
    EXPECT_EQ(Verify("-verify_ip", address, paths_.server_certificate), "") << address;
  }
  EXPECT_NE(Verify("-verify_hostname", "example.org", paths_.server_certificate), "");
  EXPECT_NE(Verify("-verify_ip", "203.0.113.10", paths_.server_certificate), "");
}

TEST_F(OpensslVerifyTest, KeysAreSecret) {
  for (const std::string& path : {paths_.ca_key, paths_.server_key}) {
    struct stat info {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << path;
  }
}

// The constraint of the CA is what refuses: the same CA signs a name outside of it.
TEST_F(OpensslVerifyTest, TheCaCannotVouchForOtherNames) {
  const std::string& dir = options_.directory;
  const std::string script = absl::StrCat(
      "cd ", dir, " && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes",
      " -keyout other.key -out other.csr -subj /CN=other 2>/dev/null &&",
      " printf 'subjectAltName=DNS:%s\\nextendedKeyUsage=serverAuth\\nauthorityKeyIdentifier=keyid",
      "\\nsubjectKeyIdentifier=hash\\nbasicConstraints=critical,CA:FALSE\\n' $NAME > ext &&",
      " openssl x509 -req -in other.csr -CA ca.pem -CAkey ca.key -days 1 -extfile ext",
      " -out other.pem 2>/dev/null");
  const struct {
    const char* name;
    bool good;
  } cases[] = {{"localhost", true}, {"www.example.com", false}, {"evilgoogleapis.com", false}};
  for (const auto& test : cases) {
    const auto made =
        processes_.Run({.argv = {"sh", "-c", script},
                        .environment = {"PATH=/usr/bin:/bin", absl::StrCat("NAME=", test.name)}});
    ASSERT_TRUE(made.ok() && made->exit_code == 0) << made->error;
    const std::string verdict = Verify("-verify_hostname", test.name, dir + "/other.pem");
    EXPECT_EQ(verdict.empty(), test.good) << verdict;
    EXPECT_THAT(verdict, HasSubstr(test.good ? "" : "permitted subtree violation"));
  }
}

}  // namespace
}  // namespace trainyard::edge
