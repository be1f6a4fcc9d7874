// For tests: the real server on a free port, with a few methods and routes whose behaviour is
// known.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "edge/method_table.h"
#include "edge/server.h"
#include "edge/test_certificate.h"
#include "edge/test_connection.h"

namespace trainyard::edge {

inline constexpr char kGoodCredential[] = "Bearer good";

// "Bearer good" is owner@example.com; everybody else is nobody. Everything is permitted.
class TestIdentity : public Authenticator, public Policy, public Audit {
 public:
  absl::StatusOr<Caller> Authenticate(absl::string_view authorization) override;
  absl::Status Check(const Caller&, absl::string_view, absl::string_view) override;
  void Record(const AuditRecord&) override {}
};

// Calls that wait until the test lets them go.
class HeldCalls {
 public:
  void Hold(Responder respond) EXCLUDES(mutex_);
  // True once this many are held, in 20 s.
  bool Await(size_t count) EXCLUDES(mutex_);
  void Release() EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::vector<Responder> held_ GUARDED_BY(mutex_);
};

// JobService/GetCustomJob    echoes the name; NOT_FOUND with a detail for ".../customJobs/404"
// JobService/CreateCustomJob echoes the job
// JobService/CancelCustomJob is held
// Routes: /raw/echo /raw/sink /raw/early /raw/silent /raw/split /raw/short /raw/long /raw/endless
// need the credential, /open/ does not.
class ServerTest : public testing::Test {
 protected:
  ServerTest();
  ~ServerTest() override;

  // Short times, so that tests of them are quick.
  static ServerOptions Options();
  void Start() { Start(options_); }
  void Start(const ServerOptions& options);
  int port() const { return server_->port(); }
  // A request head with host and credential, and these lines more.
  static std::string Head(const std::string& start, const std::string& lines = "");
  // One request on a connection of its own.
  TestReply Ask(const std::string& bytes);

  base::RealClock clock_;
  TestCertificate certificate_;
  TestIdentity identity_;
  HeldCalls held_;
  ServerOptions options_;
  std::unique_ptr<MethodTable> methods_;
  std::unique_ptr<Server> server_;

 private:
  void RegisterMethods();
  static std::vector<HttpRoute> Routes();
};

}  // namespace trainyard::edge
