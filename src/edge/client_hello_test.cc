#include "edge/client_hello.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trainyard::edge {
namespace {

std::string Number(size_t value, int width) {
  std::string bytes;
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) {
    bytes += static_cast<char>(value >> shift & 0xff);
  }
  return bytes;
}

std::string Vector(const std::string& bytes, int width) {
  return Number(bytes.size(), width) + bytes;
}

std::string Extension(size_t type, const std::string& value) {
  return Number(type, 2) + Vector(value, 2);
}

std::string Alpn(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += Vector(name, 1);
  return Extension(16, Vector(list, 2));
}

std::string Message(const std::string& extensions) {
  std::string body = "\x03\x03" + std::string(32, 'r') + Vector(std::string(32, 's'), 1) +
                     Vector("\x13\x01\x13\x02", 2) + Vector(std::string(1, '\0'), 1) +
                     Vector(extensions, 2);
  return "\x01" + Vector(body, 3);
}

std::string Record(const std::string& fragment) { return "\x16\x03\x01" + Vector(fragment, 2); }

std::string Hello(const std::string& extensions) { return Record(Message(extensions)); }

const std::string kServerName =
    Extension(0, Vector(std::string(1, '\0') + Vector("a.example", 2), 2));

TEST(ClientHelloTest, Classify) {
  struct Case {
    const char* name;
    std::string bytes;
    FirstBytes want;
  };
  const std::vector<Case> cases = {
      {"nothing yet", "", FirstBytes::kIncomplete},
      {"curl: h2 and http/1.1", Hello(kServerName + Alpn({"h2", "http/1.1"})), FirstBytes::kHttp1},
      {"http/1.1 first", Hello(Alpn({"http/1.1", "h2"})), FirstBytes::kHttp1},
      {"http/1.0 beside h2", Hello(Alpn({"h2", "http/1.0"})), FirstBytes::kHttp1},
      {"gRPC", Hello(Alpn({"h2"}) + kServerName), FirstBytes::kHttp2},
      {"older gRPC", Hello(Alpn({"grpc-exp", "h2"})), FirstBytes::kHttp2},
      {"no ALPN", Hello(kServerName), FirstBytes::kHttp1},
      {"no extension", Hello(""), FirstBytes::kHttp1},
      {"another protocol", Hello(Alpn({"acme-tls/1"})), FirstBytes::kHttp1},
      {"h2c is not h2", Hello(Alpn({"h2c"})), FirstBytes::kHttp1},
      {"bytes after the hello", Hello(Alpn({"h2"})) + "early data", FirstBytes::kHttp2},
      {"two records",
       Record(Message(Alpn({"h2"})).substr(0, 3)) + Record(Message(Alpn({"h2"})).substr(3)),
       FirstBytes::kHttp2},
      {"a record for each byte of the header",
       Record("\x01") + Record(Message(Alpn({"h2"})).substr(1)), FirstBytes::kHttp2},
      {"an alert between", Record(Message("").substr(0, 3)) + "\x15\x03\x01", FirstBytes::kGarbage},
      {"server hello", Record("\x02" + Vector("x", 3)), FirstBytes::kGarbage},
      {"SSL 2", std::string("\x80\x2e\x01\x00\x02", 5), FirstBytes::kGarbage},
      {"TLS 4", "\x16\x04", FirstBytes::kGarbage},
      {"empty record", Record(""), FirstBytes::kGarbage},
      {"record too long", "\x16\x03\x01\xff\xff", FirstBytes::kGarbage},
      {"hello too long", Record("\x01\x01"), FirstBytes::kIncomplete},
      {"hello too long, length known", Record("\x01\xff\xff\xff"), FirstBytes::kGarbage},
      {"empty hello", Record(std::string("\x01\0\0\0", 4)), FirstBytes::kGarbage},
      {"extension past the end", Hello(Number(16, 2) + Number(9, 2) + "x"), FirstBytes::kGarbage},
      {"ALPN list past the end", Hello(Extension(16, Number(9, 2) + "x")), FirstBytes::kGarbage},
      {"empty ALPN list", Hello(Extension(16, Number(0, 2))), FirstBytes::kGarbage},
      {"empty ALPN name", Hello(Alpn({"h2", ""})), FirstBytes::kGarbage},
      {"plain http", "GET / HTTP/1.1\r\n", FirstBytes::kPlainHttp},
      {"plain http/2", "PRI * HTTP/2.0\r\n", FirstBytes::kPlainHttp},
      {"part of a method", "DELE", FirstBytes::kIncomplete},
      {"no method", "GET\r\n", FirstBytes::kGarbage},
      {"a word too long", std::string(17, 'A'), FirstBytes::kGarbage},
      {"ssh", "SSH-2.0-OpenSSH_9.2\r\n", FirstBytes::kGarbage},
      {"zeros", std::string(8, '\0'), FirstBytes::kGarbage},
  };
  for (const Case& c : cases) EXPECT_EQ(ClassifyFirstBytes(c.bytes), c.want) << c.name;
}

TEST(ClientHelloTest, EveryPrefixIsIncomplete) {
  const std::string whole = Hello(kServerName + Alpn({"h2"}));
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(ClassifyFirstBytes(whole.substr(0, length)), FirstBytes::kIncomplete) << length;
  }
}

TEST(ClientHelloTest, AnEndlessHelloIsGivenUp) {
  std::string bytes = "\x16\x03\x01" + Number(1 << 14, 2) + "\x01" + Number(16 << 10, 3);
  bytes.resize(kClientHelloBytesMax - 1);
  EXPECT_EQ(ClassifyFirstBytes(bytes), FirstBytes::kIncomplete);
  bytes.resize(kClientHelloBytesMax);
  EXPECT_EQ(ClassifyFirstBytes(bytes), FirstBytes::kGarbage);
}

// No prefix, cut or flipped byte may read out of bounds (run under the address sanitizer).
TEST(ClientHelloTest, FlippedBytesAreHarmless) {
  const std::string whole = Hello(kServerName + Alpn({"h2", "http/1.1"}));
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = whole;
      changed[at] = static_cast<char>(value);
      ClassifyFirstBytes(changed);
    }
  }
}

}  // namespace
}  // namespace trainyard::edge
