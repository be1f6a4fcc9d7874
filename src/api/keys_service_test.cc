#include <algorithm>

#include "absl/strings/str_cat.h"
#include "api/house.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "trainyard/admin/v1/admin.pb.h"

namespace trainyard::api {
namespace {

namespace admin = trainyard::admin::v1;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

constexpr char kService[] = "trainyard.admin.v1.AdminService/";

class KeysTest : public testing::Test {
 protected:
  absl::StatusOr<admin::CreateKeyResponse> Create(const std::string& request,
                                                  const std::string& account = House::kOwner) {
    return house_.AskText<admin::CreateKeyResponse, admin::CreateKeyRequest>(
        absl::StrCat(kService, "CreateKey"), request, account);
  }

  absl::Status Revoke(const std::string& key_id, const std::string& account = House::kOwner) {
    return house_
        .AskText<admin::RevokeKeyResponse, admin::RevokeKeyRequest>(
            absl::StrCat(kService, "RevokeKey"), absl::StrCat("key_id: '", key_id, "'"), account)
        .status();
  }

  std::vector<std::string> Keys(const std::string& account = House::kOwner) {
    auto listed = house_.AskText<admin::ListKeysResponse, admin::ListKeysRequest>(
        absl::StrCat(kService, "ListKeys"), "", account);
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<std::string> keys;
    for (const auto& key : listed->keys()) keys.push_back(key.key_id());
    return keys;
  }

  House house_;
};

TEST_F(KeysTest, ANewAccountCanCall) {
  auto key = Create("account: 'alice' bindings { project: 'p' role: 'user' }");
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->account(), "alice@p.iam.gserviceaccount.com");
  EXPECT_THAT(key->key_file(), HasSubstr("\"private_key\""));
  EXPECT_THAT(key->key_file(), HasSubstr("https://127.0.0.1:8443/token"));
  EXPECT_TRUE(house_.accounts->Exists(key->account()));
  EXPECT_TRUE(house_.accounts
                  ->Check({key->account(), ""}, "aiplatform.customJobs.create",
                          "projects/p/locations/us-central1")
                  .ok());
  EXPECT_THAT(Keys(), IsSupersetOf({key->key_id()}));
  absl::StatusOr<store::Record> record = house_.store->Get(store::kAccounts, key->account());
  ASSERT_TRUE(record.ok());
  EXPECT_TRUE(record->live) << "else it is not loaded at the next start";
  trainyard::store::v1::AccountRecord stored;
  ASSERT_TRUE(stored.ParseFromString(record->value));
  EXPECT_EQ(stored.keys(0).id(), key->key_id());
  EXPECT_THAT(stored.keys(0).public_key_pem(), HasSubstr("PUBLIC KEY"));
}

TEST_F(KeysTest, OneMoreKeyAndBinding) {
  auto first = Create("account: 'a@b.c' bindings { project: 'p' role: 'viewer' }");
  auto second = Create(
      "account: 'a@b.c' bindings { project: 'p' role: 'viewer' } bindings { project: 'q' role: "
      "'admin' }");
  ASSERT_TRUE(first.ok() && second.ok());
  auto accounts = house_.accounts->accounts();
  auto account = std::find_if(accounts.begin(), accounts.end(),
                              [](const auto& one) { return one.email() == "a@b.c"; });
  ASSERT_NE(account, accounts.end());
  EXPECT_EQ(account->keys_size(), 2);
  EXPECT_EQ(account->bindings_size(), 2);
  while (account->keys_size() < 10) *account->add_keys() = account->keys(0);
  house_.accounts->Replace(accounts);
  EXPECT_EQ(Create("account: 'a@b.c'").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(KeysTest, BadRequests) {
  for (const char* request :
       {"", "account: 'a b'", "account: '@'", "account: 'a' bindings { project: 'p' role: 'king' }",
        "account: 'a' bindings { project: 'p/q' role: 'user' }",
        "account: 'a' bindings { project: '' role: 'user' }"}) {
    EXPECT_EQ(Create(request).status().code(), absl::StatusCode::kInvalidArgument) << request;
  }
}

TEST_F(KeysTest, NobodyGainsMoreThanHeHas) {
  // The stranger is admin of q.
  EXPECT_TRUE(Create("account: 'b' bindings { project: 'q' role: 'user' }", House::kStranger).ok());
  for (const std::string& request :
       {std::string("account: 'b' bindings { project: 'p' role: 'user' }"),
        std::string("account: 'b' bindings { project: '*' role: 'viewer' }"),
        std::string("account: 'c'"), absl::StrCat("account: '", House::kOwner, "'"),
        absl::StrCat("account: '", House::kOwner, "' bindings { project: 'q' role: 'user' }")}) {
    EXPECT_EQ(Create(request, House::kStranger).status().code(),
              absl::StatusCode::kPermissionDenied)
        << request;
  }
  EXPECT_EQ(
      Create("account: 'd' bindings { project: 'p' role: 'viewer' }", House::kUser).status().code(),
      absl::StatusCode::kPermissionDenied);
  EXPECT_FALSE(house_.accounts->Exists("d@p.iam.gserviceaccount.com"));
}

TEST_F(KeysTest, EachSeesHisOwnProjects) {
  EXPECT_THAT(Keys(), UnorderedElementsAre("key-of-owner", "key-of-user", "key-of-viewer",
                                           "key-of-stranger"));
  EXPECT_THAT(Keys(House::kStranger), UnorderedElementsAre("key-of-stranger"));
  EXPECT_THAT(Keys(House::kUser), UnorderedElementsAre());
}

TEST_F(KeysTest, Revoking) {
  EXPECT_TRUE(Revoke("key-of-user").ok());
  EXPECT_EQ(Revoke("key-of-user").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Revoke("key-of-viewer", House::kStranger).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Revoke("").code(), absl::StatusCode::kNotFound);
  absl::Status last = Revoke("key-of-owner");
  EXPECT_EQ(last.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(last.message()), HasSubstr("make another before it goes"));
  EXPECT_TRUE(Create("account: 'second' bindings { project: '*' role: 'admin' }").ok());
  EXPECT_TRUE(Revoke("key-of-owner").ok());
}

TEST_F(KeysTest, ChangesAtTheSameTimeAreAllKept) {
  std::vector<std::optional<edge::Response>> responses(3);
  for (int i = 0; i < 3; ++i) {
    admin::CreateKeyRequest request;
    request.set_account("a@b.c");
    auto* binding = request.add_bindings();
    binding->set_project(absl::StrCat("p", i));
    binding->set_role("user");
    house_.Begin(absl::StrCat(kService, "CreateKey"), request, House::kOwner,
                 [&responses, i](edge::Response response) { responses[i] = std::move(response); });
  }
  for (int i = 0; i < 3; ++i) house_.RunAll();
  for (const auto& response : responses) {
    ASSERT_TRUE(response.has_value());
    EXPECT_TRUE(response->ok()) << response->status();
  }
  for (const auto& account : house_.accounts->accounts()) {
    if (account.email() == "a@b.c") {
      EXPECT_EQ(account.keys_size(), 3);
    }
  }
}

}  // namespace
}  // namespace trainyard::api
