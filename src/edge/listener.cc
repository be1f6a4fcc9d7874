#include "edge/listener.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/log.h"

namespace trainyard::edge {
namespace {

constexpr size_t kPendingMax = 1024;  // over: closed at once
constexpr absl::Duration kLinger = absl::Seconds(2);
constexpr absl::Duration kOverdueCheck = absl::Milliseconds(250);
constexpr absl::Duration kDescriptorPause = absl::Milliseconds(100);

constexpr absl::string_view kPlainHttpAnswer =
    "HTTP/1.1 400 Bad Request\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    "content-length: 76\r\n"
    "connection: close\r\n"
    "\r\n"
    "This port speaks TLS only: use https:// where your address has http:// now.\n";

}  // namespace

Listener::Listener(ListeningSocket socket, ConnectionSinks sinks, ConnectionLimit& limit,
                   absl::Duration first_bytes_timeout, const base::Clock& clock)
    : listening_(std::move(socket.socket)),
      port_(socket.port),
      sinks_(std::move(sinks)),
      limit_(limit),
      first_bytes_timeout_(first_bytes_timeout),
      clock_(clock),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      thread_("listener") {
  CHECK(epoll_.open());
  Watch(listening_.fd(), EPOLLIN);
  Watch(stop_.fd(), EPOLLIN);
  thread_.Post([this] { Run(); });
}

Listener::~Listener() { stop_.Set(); }

void Listener::Watch(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  CHECK(epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Listener::Run() {
  std::array<epoll_event, 64> events;
  const int wait_ms = static_cast<int>(absl::ToInt64Milliseconds(kOverdueCheck));
  while (true) {
    bool timers = !pending_.empty() || accept_again_ != absl::InfiniteDuration();
    int count = epoll_wait(epoll_.fd(), events.data(), events.size(), timers ? wait_ms : -1);
    CHECK(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; ++i) {
      int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == stop_.fd()) return;
      if (fd == listening_.fd()) {
        AcceptAll();
      } else if (auto found = pending_.find(fd); found != pending_.end()) {
        if (!Advance(found->second)) pending_.erase(found);
      }
    }
    CloseOverdue();
  }
}

void Listener::AcceptAll() {
  while (true) {
    Socket socket(accept4(listening_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.open()) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // The port stays readable: without a pause this thread would spin.
        base::Log(base::Severity::kWarning, "out of file descriptors: connections wait");
        epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, listening_.fd(), nullptr);
        accept_again_ = clock_.Monotonic() + kDescriptorPause;
      }
      return;
    }
    if (pending_.size() >= kPendingMax) continue;
    int fd = socket.fd();
    Pending pending{std::move(socket), clock_.Monotonic() + first_bytes_timeout_};
    // Edge-triggered: woken by each arrival, though what was peeked at stays in the socket.
    Watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
    pending_.emplace(fd, std::move(pending));
  }
}

bool Listener::Advance(Pending& pending) {
  std::array<char, kClientHelloBytesMax> bytes;
  ssize_t count;
  if (pending.answered) {
    while ((count = recv(pending.socket.fd(), bytes.data(), bytes.size(), 0)) > 0) {
    }
    return count < 0 && errno == EAGAIN;
  }
  count = recv(pending.socket.fd(), bytes.data(), bytes.size(), MSG_PEEK);
  if (count < 0) return errno == EAGAIN;
  if (count == 0) return false;
  FirstBytes kind = ClassifyFirstBytes({bytes.data(), static_cast<size_t>(count)});
  switch (kind) {
    case FirstBytes::kIncomplete:
      return true;
    case FirstBytes::kGarbage:
      return false;
    case FirstBytes::kPlainHttp:
      AnswerPlainHttp(pending);
      return true;
    case FirstBytes::kHttp1:
    case FirstBytes::kHttp2:
      HandOn(pending, kind);
      return false;
  }
  return false;
}

void Listener::HandOn(Pending& pending, FirstBytes kind) {
  epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, pending.socket.fd(), nullptr);
  bool entered = limit_.TryEnter();
  if (kind == FirstBytes::kHttp1) {
    std::string peer = PeerName(pending.socket.fd());
    sinks_.http(std::move(pending.socket), std::move(peer), !entered);
  } else if (entered) {
    limit_.GiveAway(pending.socket.fd());
    sinks_.grpc(std::move(pending.socket));
  }
}

// The socket stays until the peer has closed: a close with unread bytes would reset the connection
// and could take the answer with it.
void Listener::AnswerPlainHttp(Pending& pending) {
  send(pending.socket.fd(), kPlainHttpAnswer.data(), kPlainHttpAnswer.size(), MSG_NOSIGNAL);
  shutdown(pending.socket.fd(), SHUT_WR);
  pending.answered = true;
  pending.deadline = clock_.Monotonic() + kLinger;
  Advance(pending);
}

void Listener::CloseOverdue() {
  absl::Duration now = clock_.Monotonic();
  std::erase_if(pending_, [&](const auto& item) { return item.second.deadline <= now; });
  if (accept_again_ <= now) {
    accept_again_ = absl::InfiniteDuration();
    Watch(listening_.fd(), EPOLLIN);
  }
}

}  // namespace trainyard::edge
