#include "edge/certificates.h"

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/status.h"
#include "edge/certificate_names.h"
#include "edge/openssl.h"

namespace trainyard::edge {
namespace {

constexpr absl::Duration kCaLifetime = absl::Hours(24 * 3650);
constexpr absl::Duration kBackdate = absl::Hours(1);  // for clients whose clocks are behind
constexpr mode_t kPublicMode = 0644;
constexpr mode_t kSecretMode = 0600;

struct Authority {
  CertificatePointer certificate;
  KeyPointer key;
};

struct Names {
  NameSet required;  // standing ones and those that were asked for
  std::string host;  // the machine's own; left out where the CA does not permit it
};

absl::StatusOr<absl::Time> TimeOf(const ASN1_TIME* asn1) {
  tm parts{};
  if (ASN1_TIME_to_tm(asn1, &parts) != 1) return OpenSslError("read the time of a certificate");
  return absl::FromTM(parts, absl::UTCTimeZone());
}

// --- making ---

absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return OpenSslError("certificate extension");
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added ? absl::OkStatus() : OpenSslError("certificate extension");
}

absl::Status SetSerial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return OpenSslError("serial number");
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, of one length
  BIGNUM* number = BN_bin2bn(bytes, sizeof(bytes), nullptr);
  const bool set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set ? absl::OkStatus() : OpenSslError("serial number");
}

// A certificate without extensions, to be signed by `issuer`; by itself when that is null.
absl::StatusOr<CertificatePointer> Blank(EVP_PKEY* key, const std::string& common_name,
                                         X509* issuer, absl::Time start, absl::Time end) {
  CertificatePointer certificate(X509_new());
  if (certificate == nullptr) return OpenSslError("certificate");
  X509_set_version(certificate.get(), X509_VERSION_3);
  RETURN_IF_ERROR(SetSerial(certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(start));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(end));
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) != 1 ||
      X509_set_issuer_name(certificate.get(),
                           issuer == nullptr ? subject : X509_get_subject_name(issuer)) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return OpenSslError("certificate");
  }
  return certificate;
}

std::string PermittedSubtrees(const Names& names) {
  std::vector<std::string> subtrees = StandingSubtrees();
  NameSet all = names.required;
  all.insert(names.host);
  for (absl::string_view name : all) {
    if (!absl::ConsumePrefix(&name, "DNS:")) continue;
    absl::ConsumePrefix(&name, "*.");
    subtrees.emplace_back(name);
  }
  return absl::StrCat("critical,permitted;DNS:", absl::StrJoin(subtrees, ",permitted;DNS:"));
}

absl::StatusOr<Authority> MakeAuthority(absl::Time now, const Names& names) {
  Authority authority;
  ASSIGN_OR_RETURN(authority.key, MakeEllipticKey());
  // The time tells two CAs of one server apart in a bundle.
  const std::string common_name = absl::StrCat(
      "Trainyard private CA ", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", now, absl::UTCTimeZone()));
  ASSIGN_OR_RETURN(authority.certificate, Blank(authority.key.get(), common_name, nullptr,
                                                now - kBackdate, now + kCaLifetime));
  X509* certificate = authority.certificate.get();
  const std::pair<int, std::string> extensions[] = {
      {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_ext_key_usage, "serverAuth"},
      {NID_name_constraints, PermittedSubtrees(names)},
      {NID_subject_key_identifier, "hash"}};
  for (const auto& [nid, value] : extensions) {
    RETURN_IF_ERROR(AddExtension(certificate, certificate, nid, value));
  }
  if (X509_sign(certificate, authority.key.get(), EVP_sha256()) == 0) {
    return OpenSslError("sign the CA certificate");
  }
  return authority;
}

absl::StatusOr<CertificatePointer> MakeServerCertificate(const Authority& authority, EVP_PKEY* key,
                                                         const NameSet& names, absl::Time start,
                                                         absl::Time end) {
  X509* issuer = authority.certificate.get();
  ASSIGN_OR_RETURN(CertificatePointer certificate,
                   Blank(key, "Trainyard server", issuer, start, end));
  const std::pair<int, std::string> extensions[] = {
      {NID_basic_constraints, "critical,CA:FALSE"},
      {NID_key_usage, "critical,digitalSignature"},
      {NID_ext_key_usage, "serverAuth"},
      {NID_subject_alt_name, absl::StrJoin(names, ",")},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"}};
  for (const auto& [nid, value] : extensions) {
    RETURN_IF_ERROR(AddExtension(certificate.get(), issuer, nid, value));
  }
  if (X509_sign(certificate.get(), authority.key.get(), EVP_sha256()) == 0) {
    return OpenSslError("sign the server certificate");
  }
  return certificate;
}

// --- judging what is there ---

// Whether a name may be in a certificate of this CA.
bool Permits(const Authority& authority, const std::string& name) {
  absl::string_view dns = name;
  if (!absl::ConsumePrefix(&dns, "DNS:")) return true;
  auto* constraints = static_cast<NAME_CONSTRAINTS*>(
      X509_get_ext_d2i(authority.certificate.get(), NID_name_constraints, nullptr, nullptr));
  if (constraints == nullptr) return true;  // an administrator's own CA
  bool permitted = false;
  for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees); ++i) {
    const GENERAL_NAME* base = sk_GENERAL_SUBTREE_value(constraints->permittedSubtrees, i)->base;
    if (base->type != GEN_DNS) continue;
    const absl::string_view subtree(
        reinterpret_cast<const char*>(ASN1_STRING_get0_data(base->d.dNSName)),
        static_cast<size_t>(ASN1_STRING_length(base->d.dNSName)));
    permitted |= dns == subtree || absl::EndsWith(dns, absl::StrCat(".", subtree));
  }
  NAME_CONSTRAINTS_free(constraints);
  return permitted;
}

bool PermitsAll(const Authority& authority, const NameSet& names) {
  for (const std::string& name : names) {
    if (!Permits(authority, name)) return false;
  }
  return true;
}

std::string NameOf(const GENERAL_NAME* name) {
  const ASN1_STRING* value = name->type == GEN_DNS     ? name->d.dNSName
                             : name->type == GEN_IPADD ? name->d.iPAddress
                                                       : nullptr;
  if (value == nullptr) return "other";
  const unsigned char* data = ASN1_STRING_get0_data(value);
  const int size = ASN1_STRING_length(value);
  if (name->type == GEN_DNS) {
    return absl::StrCat(
        "DNS:", absl::string_view(reinterpret_cast<const char*>(data), static_cast<size_t>(size)));
  }
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, sizeof(text));
  return absl::StrCat("IP:", text);
}

NameSet NamesIn(X509* certificate) {
  NameSet result;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    result.insert(NameOf(sk_GENERAL_NAME_value(names, i)));
  }
  GENERAL_NAMES_free(names);
  return result;
}

// --- files ---

// Empty when the file is not there.
absl::StatusOr<std::string> ReadIfThere(base::Disk& disk, const std::string& path) {
  absl::StatusOr<std::string> contents = disk.Read(path);
  if (absl::IsNotFound(contents.status())) return std::string();
  return contents;
}

// Nothing when a part of it is missing: a start that was interrupted, or the first.
absl::StatusOr<Authority> LoadAuthority(base::Disk& disk, const CertificatePaths& paths) {
  ASSIGN_OR_RETURN(const std::string certificate_pem, ReadIfThere(disk, paths.ca_certificate));
  ASSIGN_OR_RETURN(const std::string key_pem, ReadIfThere(disk, paths.ca_key));
  if (certificate_pem.empty() || key_pem.empty()) return Authority{};
  const std::string cure = absl::StrCat("; remove ", paths.ca_certificate, " and ", paths.ca_key,
                                        " to have a new CA made");
  absl::StatusOr<CertificatePointer> certificate = ReadCertificatePem(certificate_pem);
  if (!certificate.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(paths.ca_certificate, " holds no certificate", cure));
  }
  absl::StatusOr<KeyPointer> key = ReadPrivateKeyPem(key_pem);
  if (!key.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(paths.ca_key, " holds no private key", cure));
  }
  if (X509_check_private_key(certificate->get(), key->get()) != 1 ||
      X509_check_ca(certificate->get()) == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(paths.ca_certificate, " is no CA of the key ", paths.ca_key, cure));
  }
  return Authority{*std::move(certificate), *std::move(key)};
}

absl::Status SaveAuthority(base::Disk& disk, const CertificatePaths& paths,
                           const Authority& authority) {
  ASSIGN_OR_RETURN(const std::string key_pem, PrivateKeyPem(authority.key.get()));
  ASSIGN_OR_RETURN(const std::string certificate_pem, CertificatePem(authority.certificate.get()));
  // In this order a crash leaves a pair that lacks a part, never one that does not fit.
  RETURN_IF_ERROR(disk.Remove(paths.ca_certificate));
  RETURN_IF_ERROR(disk.WriteAtomically(paths.ca_key, key_pem, kSecretMode));
  return disk.WriteAtomically(paths.ca_certificate, certificate_pem, kPublicMode);
}

// True when it can serve on.
bool ServerCertificateIsGood(base::Disk& disk, const CertificatePaths& paths,
                             const Authority& authority, const NameSet& names, absl::Time now,
                             absl::Duration renew_before) {
  const auto pem = disk.Read(paths.server_certificate);
  const auto key_pem = disk.Read(paths.server_key);
  if (!pem.ok() || !key_pem.ok()) return false;
  const auto certificate = ReadCertificatePem(*pem);
  const auto key = ReadPrivateKeyPem(*key_pem);
  if (!certificate.ok() || !key.ok()) return false;
  X509* x509 = certificate->get();
  const auto start = TimeOf(X509_get0_notBefore(x509));
  const auto end = TimeOf(X509_get0_notAfter(x509));
  return start.ok() && end.ok() && *start <= now && now + renew_before < *end &&
         X509_check_private_key(x509, key->get()) == 1 &&
         X509_verify(x509, X509_get0_pubkey(authority.certificate.get())) == 1 &&
         NamesIn(x509) == names;
}

absl::Status WriteServerCertificate(base::Disk& disk, const CertificatePaths& paths,
                                    const Authority& authority, const NameSet& names,
                                    absl::Time now, absl::Duration lifetime) {
  ASSIGN_OR_RETURN(const absl::Time ca_end,
                   TimeOf(X509_get0_notAfter(authority.certificate.get())));
  ASSIGN_OR_RETURN(const KeyPointer key, MakeEllipticKey());
  ASSIGN_OR_RETURN(const CertificatePointer certificate,
                   MakeServerCertificate(authority, key.get(), names, now - kBackdate,
                                         std::min(now + lifetime, ca_end)));
  ASSIGN_OR_RETURN(const std::string key_pem, PrivateKeyPem(key.get()));
  ASSIGN_OR_RETURN(const std::string pem, CertificatePem(certificate.get()));
  RETURN_IF_ERROR(disk.WriteAtomically(paths.server_key, key_pem, kSecretMode));
  return disk.WriteAtomically(paths.server_certificate, pem, kPublicMode);
}

absl::StatusOr<Names> NamesFor(const CertificateOptions& options) {
  Names names;
  names.required = StandingNames();
  for (const std::string& text : options.names) {
    ASSIGN_OR_RETURN(std::string name, CertificateName(text));
    if (!name.empty()) names.required.insert(std::move(name));
  }
  std::string host = options.host_name;
  if (char buffer[256] = ""; host.empty() && gethostname(buffer, sizeof(buffer) - 1) == 0) {
    host = buffer;
  }
  // A machine may have a name that no certificate can carry ("my_host"): it is left out.
  names.host = CertificateName(host).value_or("");
  return names;
}

// Why a new CA is needed; empty when the one that is there serves on.
absl::StatusOr<std::string> WhyNewAuthority(const Authority& authority, const Names& names,
                                            absl::Time now, absl::Duration lifetime) {
  if (authority.certificate == nullptr) return "there was none";
  ASSIGN_OR_RETURN(const absl::Time end, TimeOf(X509_get0_notAfter(authority.certificate.get())));
  if (now + lifetime > end) return "the old one was near its end";
  if (!PermitsAll(authority, names.required)) return "the old one does not permit the new names";
  return "";
}

}  // namespace

absl::StatusOr<bool> EnsureCertificates(base::Disk& disk, const base::Clock& clock,
                                        const CertificateOptions& options,
                                        CertificatePaths& paths) {
  paths = {absl::StrCat(options.directory, "/ca.pem"), absl::StrCat(options.directory, "/ca.key"),
           absl::StrCat(options.directory, "/server.pem"),
           absl::StrCat(options.directory, "/server.key")};
  const absl::Time now = clock.Now();
  ASSIGN_OR_RETURN(Names names, NamesFor(options));
  RETURN_IF_ERROR(disk.MakeDirectories(options.directory, 0700));
  ASSIGN_OR_RETURN(Authority authority, LoadAuthority(disk, paths));
  ASSIGN_OR_RETURN(const std::string why_new,
                   WhyNewAuthority(authority, names, now, options.lifetime));
  if (!why_new.empty()) {
    ASSIGN_OR_RETURN(authority, MakeAuthority(now, names));
    RETURN_IF_ERROR(SaveAuthority(disk, paths, authority));
    base::Log(base::Severity::kInfo,
              absl::StrCat("made a new CA: ", why_new, "; clients need ", paths.ca_certificate,
                           " (`trainyard env` writes the bundle)"));
  }
  if (!names.host.empty() && Permits(authority, names.host)) names.required.insert(names.host);
  if (ServerCertificateIsGood(disk, paths, authority, names.required, now, options.renew_before)) {
    return !why_new.empty();
  }
  RETURN_IF_ERROR(
      WriteServerCertificate(disk, paths, authority, names.required, now, options.lifetime));
  return true;
}

absl::StatusOr<std::string> CertificateFingerprint(absl::string_view pem) {
  ASSIGN_OR_RETURN(const CertificatePointer certificate, ReadCertificatePem(pem));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest, &size) != 1) {
    return OpenSslError("fingerprint");
  }
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ":", absl::Hex(digest[i], absl::kZeroPad2));
  }
  return text;
}

absl::StatusOr<absl::Time> CertificateEnd(absl::string_view pem) {
  ASSIGN_OR_RETURN(const CertificatePointer certificate, ReadCertificatePem(pem));
  return TimeOf(X509_get0_notAfter(certificate.get()));
}

}  // namespace trainyard::edge
