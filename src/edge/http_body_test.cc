#include "edge/http_body.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace trainyard::edge {
namespace {

struct Body {
  std::string bytes;
  std::string rest;
  bool done = false;
  std::optional<HttpFault> fault;
};

// Feeds `input` in pieces of `step`, through a buffer of `room` bytes.
Body ReadBody(const std::string& lines, const std::string& input, size_t step, size_t room) {
  RequestHead head;
  Body body;
  body.fault = ReadHead(absl::StrCat("POST / HTTP/1.1\r\nHost: h\r\n", lines, "\r\n"), head);
  HttpBodyDecoder decoder(head);
  std::string unread, output(room, '\0');
  size_t fed = 0;
  while (!body.fault && !decoder.done()) {
    HttpBodyDecoder::Step result = decoder.Read(unread, output.data(), room);
    unread.erase(0, result.consumed);
    body.bytes.append(output, 0, result.produced);
    body.fault = result.fault;
    if (result.produced > 0 || result.fault || decoder.done()) continue;
    if (fed == input.size()) break;
    unread.append(input, fed, step);
    fed = std::min(input.size(), fed + step);
  }
  body.done = decoder.done();
  body.rest = unread + input.substr(fed);
  return body;
}

TEST(HttpBodyTest, BodiesInEveryCutting) {
  struct Case {
    const char* lines;
    const char* input;
    const char* bytes;
    const char* rest;
  };
  const std::vector<Case> cases = {
      {"Content-Length: 5\r\n", "helloGET", "hello", "GET"},
      {"Content-Length: 0\r\n", "GET", "", "GET"},
      {"", "GET", "", "GET"},
      {"Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\nGET", "hello", "GET"},
      {"Transfer-Encoding: CHUNKED\r\n", "3;a=b\r\nhel\r\n02\r\nlo\r\n0\r\n\r\n", "hello", ""},
      {"Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\nGET", "x", "GET"},
      {"Transfer-Encoding: chunked\r\n", "0\r\n\r\nGET", "", "GET"},
      {"Transfer-Encoding: chunked\r\n", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""},
  };
  for (const Case& c : cases) {
    for (size_t step : {1, 2, 3, 7, 1000}) {
      for (size_t room : {1, 2, 5, 1000}) {
        Body body = ReadBody(c.lines, c.input, step, room);
        EXPECT_FALSE(body.fault) << c.input << " " << body.fault->message;
        EXPECT_TRUE(body.done) << c.input;
        EXPECT_EQ(body.bytes, c.bytes) << c.input << " " << step << " " << room;
        EXPECT_EQ(body.rest, c.rest) << c.input << " " << step << " " << room;
      }
    }
  }
}

TEST(HttpBodyTest, BrokenChunks) {
  const std::vector<std::string> cases = {
      "x\r\n",
      "-1\r\nx",
      " 5\r\nhello\r\n",
      "5\r\nhelloX\r\n0\r\n\r\n",
      "5\nhello\r\n0\r\n\r\n",
      "10000000000000000\r\n",
      "0\r\nX: a\x01\r\n\r\n",
      "5 ;\r\nhello\r\n\r\n",
      "5;" + std::string(9 << 10, 'e'),
      std::string(9 << 10, '0'),
  };
  for (const std::string& input : cases) {
    Body body = ReadBody("Transfer-Encoding: chunked\r\n", input, 1000, 1000);
    EXPECT_TRUE(body.fault) << input.substr(0, 40);
    EXPECT_FALSE(body.done) << input.substr(0, 40);
  }
}

}  // namespace
}  // namespace trainyard::edge
