// The HTTP/1.1 side against clients good and bad.
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "edge/test_server.h"

namespace trainyard::edge {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kJob[] = "projects/p/locations/us-central1/customJobs/1";
const std::string kGetJob = absl::StrCat("GET /v1/", kJob);

class ServerHttpTest : public ServerTest {
 protected:
  void SetUp() override { Start(); }
};

TEST_F(ServerHttpTest, AnswersACall) {
  TestReply reply = Ask(Head(kGetJob));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers["content-type"], HasSubstr("application/json"));
  EXPECT_THAT(reply.headers["date"], testing::EndsWith(" GMT"));
  EXPECT_THAT(reply.body, HasSubstr(kJob));
}

TEST_F(ServerHttpTest, ErrorsInGooglesForm) {
  struct Case {
    std::string request;
    int status;
    std::string text;
  };
  const std::vector<Case> cases = {
      {Head("GET /v1/projects/p/locations/us-central1/customJobs/404"), 404, "NO_SUCH_JOB"},
      {"GET /v1/" + std::string(kJob) + " HTTP/1.1\r\nHost: h\r\n\r\n", 401, "Authorization"},
      {"GET /raw/sink HTTP/1.1\r\nHost: h\r\n\r\n", 401, "Authorization"},
      {"GET /raw/sink HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer bad\r\n\r\n", 401,
       "UNAUTHENTIC"},
      {Head("GET /nowhere"), 404, "NOT_FOUND"},
      {Head("GET /raw/sink?a=%zz"), 400, "INVALID_ARGUMENT"},
      {Head("POST /v1/projects/p/locations/us-central1/customJobs", "Content-Length: 3\r\n") +
           "{x}",
       400, "INVALID_ARGUMENT"},
      {"GET / HTTP/1.1\r\n\r\n", 400, "Host"},
      {"nonsense\r\n\r\n", 400, "INVALID_ARGUMENT"},
      {Head("POST /raw/sink", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400,
       "Transfer-Encoding"},
      {Head("POST /raw/sink", "Transfer-Encoding: chunked\r\n") + "xyz\r\n", 400, "chunk"},
      {Head("GET /raw/sink", "X: a\r\n b\r\n"), 400, "one line"},
      {Head("GET /raw/silent"), 500, "no answer"},
  };
  for (const Case& c : cases) {
    TestReply reply = Ask(c.request);
    EXPECT_EQ(reply.status, c.status) << c.request;
    EXPECT_THAT(reply.body, HasSubstr(c.text)) << c.request;
    EXPECT_THAT(reply.body, HasSubstr("\"error\"")) << c.request;
  }
}

TEST_F(ServerHttpTest, HealthAndOpenRoutesNeedNoCredential) {
  EXPECT_EQ(Ask("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").body, "ok\n");
  EXPECT_EQ(Ask("GET /open/a%2Fb?x=1%202&y HTTP/1.1\r\nHost: h\r\n\r\n").body,
            "GET /open/a%2Fb nobody x=1 2 y=");
}

TEST_F(ServerHttpTest, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  TestConnection connection = TestConnection::Tls(port());
  std::string sink = Head("POST /raw/sink", "Content-Length: 3\r\n") + "abc";
  std::string chunked =
      Head("POST /raw/echo", "Transfer-Encoding: chunked\r\n") + "4\r\nwiki\r\n0\r\n\r\n";
  ASSERT_TRUE(connection.Send(Head(kGetJob) + sink + "\r\n" + chunked + sink + Head(kGetJob)));
  EXPECT_THAT(connection.Receive()->body, HasSubstr(kJob));
  EXPECT_EQ(connection.Receive()->body, "3 bytes from owner@example.com");
  EXPECT_EQ(connection.Receive()->body, "wiki");
  EXPECT_EQ(connection.Receive()->body, "3 bytes from owner@example.com");
  EXPECT_THAT(connection.Receive()->body, HasSubstr(kJob));
  ASSERT_TRUE(connection.Send(Head(kGetJob, "Connection: close\r\n")));
  EXPECT_EQ(connection.Receive()->headers["connection"], "close");
  EXPECT_TRUE(connection.ClosesWithin(absl::Seconds(5)));
}

TEST_F(ServerHttpTest, AUnreadBodyIsSkippedBeforeTheNextRequest) {
  TestConnection connection = TestConnection::Tls(port());
  std::string body(100'000, 'x');
  ASSERT_TRUE(connection.Send(Head("POST /raw/early", "Content-Length: 100000\r\n") + body +
                              Head(kGetJob)));
  EXPECT_EQ(connection.Receive()->status, 403);
  EXPECT_EQ(connection.Receive()->status, 200);
}

TEST_F(ServerHttpTest, SessionsAreResumed) {
  TestConnection first = TestConnection::Tls(port());
  ASSERT_TRUE(first.Send(Head("GET /healthz")));
  ASSERT_TRUE(first.Receive());
  TestConnection second = first.Resume(port());
  ASSERT_FALSE(second.failed());
  EXPECT_TRUE(second.resumed());
  ASSERT_TRUE(second.Send(Head("GET /healthz")));
  EXPECT_EQ(second.Receive().value_or(TestReply{}).status, 200);
}

TEST_F(ServerHttpTest, HeadHasNoBody) {
  TestConnection connection = TestConnection::Tls(port());
  ASSERT_TRUE(connection.Send(Head("HEAD /open/a") + Head("HEAD /raw/echo") + Head("GET /open/a")));
  EXPECT_EQ(connection.Receive(/*head_only=*/true)->headers["content-length"], "19");
  EXPECT_EQ(connection.Receive(/*head_only=*/true)->headers["transfer-encoding"], "chunked");
  EXPECT_EQ(connection.Receive()->body, "GET /open/a nobody");
}

TEST_F(ServerHttpTest, OldClients) {
  TestConnection connection = TestConnection::Tls(port(), {});
  EXPECT_EQ(connection.Protocol(), "");
  ASSERT_TRUE(connection.Send("GET /open/a HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(connection.Receive()->body, "GET /open/a nobody");
  EXPECT_TRUE(connection.ClosesWithin(absl::Seconds(5)));
  TestReply echo =
      Ask("POST /raw/echo HTTP/1.0\r\nAuthorization: Bearer good\r\n"
          "Content-Length: 3\r\n\r\nabc");
  EXPECT_FALSE(echo.headers.contains("transfer-encoding"));
  EXPECT_EQ(echo.body, "abc");
}

TEST_F(ServerHttpTest, ExpectContinueIsAnsweredWhenTheBodyIsWanted) {
  TestConnection wanted = TestConnection::Tls(port());
  std::string lines = "Content-Length: 3\r\nExpect: 100-continue\r\n";
  ASSERT_TRUE(wanted.Send(Head("POST /raw/sink", lines)));
  EXPECT_EQ(wanted.Receive()->status, 100);
  ASSERT_TRUE(wanted.Send("abc"));
  EXPECT_THAT(wanted.Receive()->body, StartsWith("3 bytes"));
  ASSERT_TRUE(wanted.Send(Head("POST /raw/early", lines)));
  EXPECT_EQ(wanted.Receive()->status, 403);
  EXPECT_TRUE(wanted.ClosesWithin(absl::Seconds(5)));
  TestConnection nobody = TestConnection::Tls(port());
  ASSERT_TRUE(nobody.Send("POST /raw/sink HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n"));
  EXPECT_EQ(nobody.Receive()->status, 401);
}

TEST_F(ServerHttpTest, StreamsLargeBodiesBothWays) {
  std::string body(3'000'000, 'x');
  for (size_t i = 0; i < body.size(); i += 977) body[i] = static_cast<char>(i);
  TestReply reply =
      Ask(Head("POST /raw/sink", absl::StrCat("Content-Length: ", body.size(), "\r\n")) + body);
  EXPECT_THAT(reply.body, StartsWith("3000000 bytes"));
  // Echo while the body is still being sent: nothing may deadlock below the socket buffers' size.
  std::string small = body.substr(0, 150'000);
  reply = Ask(Head("POST /raw/echo", "Transfer-Encoding: chunked\r\n") +
              absl::StrCat(absl::Hex(small.size()), "\r\n", small, "\r\n0\r\n\r\n"));
  EXPECT_EQ(reply.body, small);
}

TEST_F(ServerHttpTest, HeadersTooLarge) {
  EXPECT_EQ(Ask(Head("GET /open/", absl::StrCat("X: ", std::string(60 << 10, 'x'), "\r\n"))).status,
            200);
  TestReply reply =
      Ask(Head("GET /open/", absl::StrCat("X: ", std::string(65 << 10, 'x'), "\r\n")));
  EXPECT_EQ(reply.status, 431);
  EXPECT_EQ(reply.headers["connection"], "close");
  // Endless ones are answered before they end.
  TestConnection endless = TestConnection::Tls(port());
  EXPECT_TRUE(endless.Send("GET / HTTP/1.1\r\nX: " + std::string(66 << 10, 'x')));
  EXPECT_EQ(endless.Receive()->status, 431);
}

TEST_F(ServerHttpTest, JsonBodyTooLarge) {
  const std::string start = "POST /v1/projects/p/locations/us-central1/customJobs";
  TestReply reply = Ask(Head(start, "Content-Length: 10485761\r\n"));
  EXPECT_EQ(reply.status, 413);
  EXPECT_THAT(reply.body, HasSubstr("10485760"));
  TestConnection chunked = TestConnection::Tls(port());
  std::string chunk = "100000\r\n" + std::string(1 << 20, 'x') + "\r\n";
  ASSERT_TRUE(chunked.Send(Head(start, "Transfer-Encoding: chunked\r\n")));
  for (int i = 0; i < 11; ++i) chunked.Send(chunk);
  EXPECT_EQ(chunked.Receive()->status, 413);
  // Just below, it is read: blanks are an empty message.
  std::string body(10 << 20, ' ');
  EXPECT_EQ(Ask(Head(start, "Content-Length: 10485760\r\n") + body).status, 200);
}

TEST_F(ServerHttpTest, AHandlerCannotBreakTheFraming) {
  EXPECT_EQ(Ask(Head("GET /raw/split?name=a%0D%0ASet-Cookie:%20b")).status, 500);
  EXPECT_EQ(Ask(Head("GET /raw/split?name=a")).headers["x-name"], "a");
  TestConnection too_short = TestConnection::Tls(port());
  ASSERT_TRUE(too_short.Send(Head("GET /raw/short") + Head("GET /open/")));
  std::string all = too_short.ReceiveAll();
  EXPECT_THAT(all, testing::EndsWith("\r\n\r\nfour"));
  EXPECT_EQ(Ask(Head("GET /raw/long")).body, "four");
}

TEST_F(ServerHttpTest, PlainHttpIsToldToUseTls) {
  TestConnection connection = TestConnection::Plain(port());
  ASSERT_TRUE(connection.Send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"));
  std::optional<TestReply> reply = connection.Receive();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 400);
  EXPECT_THAT(reply->body, HasSubstr("https://"));
}

TEST_F(ServerHttpTest, GarbageIsClosed) {
  const std::vector<std::string> cases = {"SSH-2.0-x\r\n", std::string(100, '\0'),
                                          "\x16\x03\x01\xff\xff", "hello\r\n",
                                          std::string("\x80\x2e\x01\x00\x02", 5)};
  for (const std::string& bytes : cases) {
    TestConnection connection = TestConnection::Plain(port());
    ASSERT_TRUE(connection.Send(bytes));
    EXPECT_TRUE(connection.ClosesWithin(absl::Seconds(5))) << bytes;
  }
  EXPECT_EQ(Ask(Head(kGetJob)).status, 200);
}

TEST_F(ServerHttpTest, SlowClientsAreTimedOut) {
  struct Case {
    const char* name;
    bool tls;
    std::string first;
    std::string drip;  // sent again and again
    int status;        // 0: closed without an answer
  };
  const std::vector<Case> cases = {
      {"no first byte", false, "", "", 0},
      {"half a ClientHello", false, std::string("\x16\x03\x01\x02\x00\x01", 6), "", 0},
      {"TLS, and then nothing", true, "", "", 0},
      {"half a head", true, "GET / HTTP/1.1\r\n", "", 408},
      {"a head by drips", true, "GET / HTTP/1.1\r\n", "X: y\r\n", 408},
      {"no body", true, Head("POST /raw/sink", "Content-Length: 100\r\n"), "", 400},
      {"a body by drips", true, Head("POST /raw/sink", "Content-Length: 100\r\n"), "x", 400},
  };
  for (const Case& c : cases) {
    TestConnection connection = c.tls ? TestConnection::Tls(port()) : TestConnection::Plain(port());
    ASSERT_TRUE(connection.Send(c.first)) << c.name;
    for (int i = 0; !c.drip.empty() && i < 12; ++i) {
      absl::SleepFor(absl::Milliseconds(100));
      if (!connection.Send(c.drip)) break;
    }
    if (c.status == 0) {
      EXPECT_TRUE(connection.ClosesWithin(absl::Seconds(5))) << c.name;
    } else {
      EXPECT_EQ(connection.Receive().value_or(TestReply{}).status, c.status) << c.name;
    }
  }
}

TEST_F(ServerHttpTest, AClientThatDoesNotReadIsTimedOut) {
  TestConnection connection = TestConnection::Tls(port());
  ASSERT_TRUE(connection.Send(Head("GET /raw/endless")));
  absl::SleepFor(absl::Seconds(3));
  std::string all = connection.ReceiveAll();  // ends: the server has given up
  EXPECT_GT(all.size(), 1000);
}

TEST_F(ServerHttpTest, EarlyCloseAtEveryPoint) {
  std::string request =
      Head("POST /raw/sink", "Transfer-Encoding: chunked\r\n") + "4\r\nwiki\r\n0\r\n\r\n";
  for (size_t length = 0; length <= request.size(); length += 7) {
    TestConnection connection = TestConnection::Tls(port());
    ASSERT_FALSE(connection.failed());
    ASSERT_TRUE(connection.Send(request.substr(0, length)));
  }
  for (int i = 0; i < 5; ++i) {
    TestConnection connection = TestConnection::Tls(port());
    ASSERT_TRUE(connection.Send(Head("GET /raw/endless")));
    ASSERT_TRUE(connection.Receive(/*head_only=*/true));
  }
  EXPECT_EQ(Ask(Head(kGetJob)).status, 200);
}

// Whatever protocol they speak, they count together.
TEST_F(ServerHttpTest, AFloodOfConnectionsIsRefusedAndForgotten) {
  for (const char* protocol : {"http/1.1", "h2"}) {
    std::vector<TestConnection> open;
    for (int i = 0; i < options_.connections_max; ++i) {
      open.push_back(TestConnection::Tls(port(), {protocol}));
      ASSERT_FALSE(open.back().failed()) << protocol << i;
    }
    TestConnection refused = TestConnection::Tls(port());
    ASSERT_FALSE(refused.failed());
    std::optional<TestReply> reply = refused.Receive();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 503);
    EXPECT_EQ(reply->headers["connection"], "close");
    EXPECT_TRUE(TestConnection::Tls(port(), {"h2"}).failed());
    open.clear();
    for (int i = 0; i < 50 && Ask(Head(kGetJob)).status != 200; ++i) {
      absl::SleepFor(absl::Milliseconds(100));
    }
    EXPECT_EQ(Ask(Head(kGetJob)).status, 200);
  }
}

size_t AppendTo(char* bytes, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(bytes, size * count);
  return size * count;
}

TEST_F(ServerHttpTest, CurlAsItComes) {
  std::string ca = certificate_.directory() + "/server.pem";
  std::string url = absl::StrCat("https://localhost:", port(), "/v1/", kJob);
  std::string body;
  CURL* curl = curl_easy_init();
  curl_slist* headers = curl_slist_append(nullptr, "Authorization: Bearer good");
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_CAINFO, ca.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);  // offers h2 and http/1.1
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, AppendTo);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  EXPECT_EQ(curl_easy_perform(curl), CURLE_OK);
  long version = 0, status = 0;
  curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  EXPECT_EQ(version, CURL_HTTP_VERSION_1_1);
  EXPECT_EQ(status, 200);
  EXPECT_THAT(body, HasSubstr(kJob));
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
}

}  // namespace
}  // namespace trainyard::edge
