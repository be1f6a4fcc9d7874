// Service-account keys and JWTs as the clients make them, for tests.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "edge/accounts.h"
#include "edge/openssl.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::edge {

inline google::protobuf::Struct ParseJson(const std::string& json) {
  google::protobuf::Struct fields;
  CHECK(google::protobuf::util::JsonStringToMessage(json, &fields).ok());
  return fields;
}

// An account with one key, and what its owner signs with it.
class TestAccount {
 public:
  explicit TestAccount(std::string email) : email_(std::move(email)) {
    base::SystemRandom random;
    absl::StatusOr<NewKey> key =
        MakeServiceAccountKey(random, email_, "p", "https://127.0.0.1:8443/token");
    CHECK(key.ok());
    key_ = *std::move(key);
    const auto file = ParseJson(key_.key_file_json);
    auto private_key = ReadPrivateKeyPem(file.fields().at("private_key").string_value());
    CHECK(private_key.ok());
    private_key_ = *std::move(private_key);
  }

  const std::string& email() const { return email_; }
  const NewKey& key() const { return key_; }

  trainyard::store::v1::AccountRecord Record(const std::string& project,
                                             const std::string& role) const {
    trainyard::store::v1::AccountRecord record;
    record.set_email(email_);
    auto* key = record.add_keys();
    key->set_id(key_.key_id);
    key->set_public_key_pem(key_.public_key_pem);
    auto* binding = record.add_bindings();
    binding->set_project(project);
    binding->set_role(role);
    return record;
  }

  std::string SignParts(absl::string_view header, absl::string_view payload) const {
    const std::string text =
        absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(payload));
    auto signature = SignRs256(private_key_.get(), text);
    CHECK(signature.ok());
    return absl::StrCat(text, ".", absl::WebSafeBase64Escape(*signature));
  }

  std::string Header() const {
    return absl::StrCat(R"({"typ":"JWT","alg":"RS256","kid":")", key_.key_id, R"("})");
  }

  // `claims`: `,"aud":"..."` and the like.
  std::string Sign(absl::Time issued, absl::string_view claims) const {
    return SignParts(Header(),
                     absl::StrCat(R"({"iss":")", email_, R"(","sub":")", email_, R"(","iat":)",
                                  absl::ToUnixSeconds(issued), R"(,"exp":)",
                                  absl::ToUnixSeconds(issued) + 3600, claims, "}"));
  }

 private:
  std::string email_;
  NewKey key_;
  KeyPointer private_key_;
};

}  // namespace trainyard::edge
