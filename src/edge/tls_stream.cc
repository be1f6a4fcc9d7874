#include "edge/tls_stream.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"
#include "edge/tls_context.h"

namespace trainyard::edge {

TlsStream::TlsStream(Socket socket, std::shared_ptr<SSL_CTX> context, const StopEvents& stop,
                     const base::Clock& clock)
    : socket_(std::move(socket)),
      context_(std::move(context)),
      ssl_(SSL_new(context_.get())),
      stop_(stop),
      clock_(clock) {
  CHECK(ssl_ != nullptr && SSL_set_fd(ssl_.get(), socket_.fd()) == 1);
}

absl::Status TlsStream::Wait(short events, int stop_fd, Patience& patience) {
  if (patience.left() <= absl::ZeroDuration()) {
    return absl::DeadlineExceededError("the client is too slow");
  }
  absl::Duration start = clock_.Monotonic();
  std::array<pollfd, 2> fds = {pollfd{socket_.fd(), events, 0}, pollfd{stop_fd, POLLIN, 0}};
  int timeout_ms = static_cast<int>(absl::ToInt64Milliseconds(patience.left())) + 1;
  int ready = poll(fds.data(), fds.size(), timeout_ms);
  patience.Spend(clock_.Monotonic() - start);
  if (ready < 0 && errno != EINTR) return base::ErrnoStatus(errno, "poll");
  if (ready == 0) return absl::DeadlineExceededError("the client is too slow");
  if (fds[1].revents != 0 && fds[0].revents == 0) return absl::CancelledError("shutting down");
  return absl::OkStatus();
}

absl::Status TlsStream::AwaitRetry(int result, int stop_fd, Patience& patience) {
  int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Wait(POLLIN, stop_fd, patience);
  if (error == SSL_ERROR_WANT_WRITE) return Wait(POLLOUT, stop_fd, patience);
  return absl::UnavailableError(absl::StrCat("TLS: ", TakeOpensslError()));
}

absl::Status TlsStream::Handshake(Patience& patience) {
  while (true) {
    ERR_clear_error();
    int result = SSL_accept(ssl_.get());
    if (result == 1) return absl::OkStatus();
    RETURN_IF_ERROR(AwaitRetry(result, stop_.kill.fd(), patience));
  }
}

absl::StatusOr<size_t> TlsStream::ReadUntil(char* bytes, size_t size, int stop_fd,
                                            Patience& patience) {
  while (true) {
    ERR_clear_error();
    size_t count = 0;
    int result = SSL_read_ex(ssl_.get(), bytes, size, &count);
    if (result == 1) {
      patience.Refill(count);
      return count;
    }
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN) return 0;
    RETURN_IF_ERROR(AwaitRetry(result, stop_fd, patience));
  }
}

absl::StatusOr<size_t> TlsStream::Read(char* bytes, size_t size, Patience& patience) {
  return ReadUntil(bytes, size, stop_.kill.fd(), patience);
}

absl::StatusOr<size_t> TlsStream::ReadWhileIdle(char* bytes, size_t size, Patience& patience) {
  return ReadUntil(bytes, size, stop_.drain.fd(), patience);
}

absl::Status TlsStream::Write(absl::string_view bytes, Patience& patience) {
  while (!bytes.empty()) {
    ERR_clear_error();
    size_t count = 0;
    int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    if (result == 1) {
      patience.Refill(count);
      bytes.remove_prefix(count);
    } else {
      RETURN_IF_ERROR(AwaitRetry(result, stop_.kill.fd(), patience));
    }
  }
  return absl::OkStatus();
}

void TlsStream::Close(absl::Duration linger) {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  shutdown(socket_.fd(), SHUT_WR);
  std::array<char, 16 << 10> ignored;
  const absl::Duration end = clock_.Monotonic() + linger;
  while (true) {
    ssize_t count = recv(socket_.fd(), ignored.data(), ignored.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return;
    Patience patience(end - clock_.Monotonic(), 1);
    if (patience.left() <= absl::ZeroDuration()) return;
    if (count < 0 && !Wait(POLLIN, stop_.kill.fd(), patience).ok()) return;
  }
}

bool TlsStream::PeerHasGone() const {
  pollfd poll_fd{socket_.fd(), POLLRDHUP, 0};
  return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace trainyard::edge
