// For tests: a directory with a self-signed certificate for localhost.
#pragma once

#include <string>

#include "edge/server.h"

namespace trainyard::edge {

class TestCertificate {
 public:
  TestCertificate();   // makes the directory and a first certificate
  ~TestCertificate();  // removes it

  // Replaces certificate and key; `common_name` tells one from another.
  void Replace(const std::string& common_name);
  TlsFiles files() const;
  std::string pem() const { return pem_; }  // what a client must trust
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  std::string pem_;
};

}  // namespace trainyard::edge
