#include "edge/http_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace trainyard::edge {
namespace {

// A request with a Host header and these lines more.
std::string Request(const std::string& lines, const std::string& start = "POST /a HTTP/1.1") {
  return absl::StrCat(start, "\r\nHost: h\r\n", lines, "\r\n");
}

TEST(HttpParserTest, ScanFindsTheEndOfTheHead) {
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string bytes = head + "body";
  size_t scanned = 0;
  for (size_t length = 0; length < head.size(); ++length) {
    HeadScan scan = ScanHead(bytes.substr(0, length), scanned);
    EXPECT_FALSE(scan.end || scan.fault) << length;
  }
  EXPECT_EQ(ScanHead(bytes, scanned).end, head.size());
}

TEST(HttpParserTest, ScanRefusesBareLineFeeds) {
  for (const char* bytes : {"\n", "GET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\nHost: h\n"}) {
    size_t scanned = 0;
    EXPECT_EQ(ScanHead(bytes, scanned).fault.value_or(HttpFault{0, ""}).status, 400) << bytes;
  }
}

TEST(HttpParserTest, ReadsAHead) {
  RequestHead head;
  ASSERT_FALSE(
      ReadHead("GET /v1/a%2Fb?x=1&y=a?b HTTP/1.1\r\nHost: h:1\r\nX-Two: a\r\n"
               "X-TWO:  b \r\nAuthorization: Bearer t\r\n\r\n",
               head));
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.path, "/v1/a%2Fb");
  EXPECT_EQ(head.query, "x=1&y=a?b");
  EXPECT_TRUE(head.http11 && head.keep_alive);
  EXPECT_FALSE(head.has_body || head.expects_continue);
  EXPECT_EQ(head.Header("authorization"), "Bearer t");
  EXPECT_EQ(head.Header("x-two"), "a");
  EXPECT_EQ(head.Header("absent"), "");
  const Headers want = {
      {"host", "h:1"}, {"x-two", "a"}, {"x-two", "b"}, {"authorization", "Bearer t"}};
  EXPECT_EQ(head.headers, want);
}

TEST(HttpParserTest, Targets) {
  struct Case {
    std::string start;
    std::string path;  // empty: refused
  };
  const std::vector<Case> cases = {
      {"GET / HTTP/1.1", "/"},
      {"GET //a/../b HTTP/1.1", "//a/../b"},
      {"GET https://h:8443/a HTTP/1.1", "/a"},
      {"GET HTTP://h/ HTTP/1.1", "/"},
      {"OPTIONS * HTTP/1.1", "*"},
      {"GET * HTTP/1.1", ""},
      {"GET https://h HTTP/1.1", ""},
      {"GET https://h?q HTTP/1.1", ""},
      {"CONNECT h:443 HTTP/1.1", ""},
      {"GET a HTTP/1.1", ""},
      {"GET /a#b HTTP/1.1", ""},
  };
  for (const Case& c : cases) {
    RequestHead head;
    bool refused = ReadHead(Request("", c.start), head).has_value();
    if (refused) head.path.clear();
    EXPECT_EQ(refused, c.path.empty()) << c.start;
    EXPECT_EQ(head.path, c.path) << c.start;
  }
}

TEST(HttpParserTest, KeepAlive) {
  struct Case {
    std::string start;
    std::string lines;
    bool keep_alive;
  };
  const std::vector<Case> cases = {
      {"GET / HTTP/1.1", "", true},
      {"GET / HTTP/1.1", "Connection: close\r\n", false},
      {"GET / HTTP/1.1", "Connection: foo, CLOSE\r\n", false},
      {"GET / HTTP/1.0", "", false},
      {"GET / HTTP/1.0", "Connection: keep-alive\r\n", true},
  };
  for (const Case& c : cases) {
    RequestHead head;
    ASSERT_FALSE(ReadHead(Request(c.lines, c.start), head)) << c.start << c.lines;
    EXPECT_EQ(head.keep_alive, c.keep_alive) << c.start << c.lines;
  }
}

TEST(HttpParserTest, Refuses) {
  struct Case {
    std::string name;
    std::string head;
    int status;
  };
  std::string many;
  for (int i = 0; i < 300; ++i) absl::StrAppend(&many, "X-", i, ": v\r\n");
  const std::vector<Case> cases = {
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", Request("Host: i\r\n"), 400},
      {"both framings", Request("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"both, the other way", Request("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
      {"two lengths", Request("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
      {"twice the same length", Request("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
      {"a list of lengths", Request("Content-Length: 3, 3\r\n"), 400},
      {"signed length", Request("Content-Length: +3\r\n"), 400},
      {"negative length", Request("Content-Length: -3\r\n"), 400},
      {"hexadecimal length", Request("Content-Length: 0x3\r\n"), 400},
      {"empty length", Request("Content-Length: \r\n"), 400},
      {"length past 64 bits", Request("Content-Length: 18446744073709551617\r\n"), 400},
      {"two codings", Request("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"unknown coding", Request("Transfer-Encoding: identity\r\n"), 501},
      {"coding list", Request("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"coding with a tab",
       Request("Transfer-Encoding: \x0b"
               "chunked\r\n"),
       400},
      {"coding in HTTP/1.0", Request("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0"), 400},
      {"continued value", Request("X: a\r\n b\r\n"), 400},
      {"continued by a tab", Request("X: a\r\n\tb\r\n"), 400},
      {"space before the colon", Request("Content-Length : 3\r\n"), 400},
      {"space before the name", Request(" X: 3\r\n"), 400},
      {"no colon", Request("word\r\n"), 400},
      {"empty name", Request(": v\r\n"), 400},
      {"zero byte", Request(std::string("X: a\0b\r\n", 8)), 400},
      {"carriage return in a value", Request("X: a\rb\r\n"), 400},
      {"HTTP/2", Request("", "GET / HTTP/2.0"), 505},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"a space in the target", Request("", "GET /a b HTTP/1.1"), 505},
      {"no method", Request("", "/ HTTP/1.1"), 400},
      {"expectation", Request("Expect: tea\r\n"), 417},
      {"too many lines", Request(many), 431},
  };
  for (const Case& c : cases) {
    RequestHead head;
    EXPECT_EQ(ReadHead(c.head, head).value_or(HttpFault{0, ""}).status, c.status) << c.name;
  }
}

TEST(HttpParserTest, ExpectContinue) {
  RequestHead head;
  ASSERT_FALSE(ReadHead(Request("Expect: 100-Continue\r\nContent-Length: 3\r\n"), head));
  EXPECT_TRUE(head.expects_continue && head.has_body);
  EXPECT_EQ(head.content_length, 3);
}

}  // namespace
}  // namespace trainyard::edge
