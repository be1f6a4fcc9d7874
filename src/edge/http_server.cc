#include "edge/http_server.h"

#include <signal.h>

#include <system_error>
#include <utility>

#include "base/log.h"

namespace trainyard::edge {
namespace {

// Refusing with 503 costs a handshake; over this many at once, connections are just closed.
constexpr int kRefusingMax = 16;

// OpenSSL writes with write(2): a peer that has gone must not end the process. The signal is only
// blocked in this thread, so that the programs that other threads start get it as usual.
void BlockBrokenPipeSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

HttpServer::HttpServer(HttpApplication application, TlsContext& tls, ConnectionLimit& limit,
                       const StopEvents& stop, const HttpTiming& timing, const base::Clock& clock)
    : application_(std::move(application)),
      tls_(tls),
      limit_(limit),
      stop_(stop),
      timing_(timing),
      clock_(clock) {}

HttpServer::~HttpServer() {
  AwaitNone(absl::InfiniteDuration());
  JoinEnded();
}

void HttpServer::Take(Socket socket, std::string peer, bool refused) {
  JoinEnded();
  base::MutexLock lock(mutex_);
  if (refused && refusing_ >= kRefusingMax) return;
  uint64_t id = next_id_++;
  try {
    // The task cannot end before its thread is in the map: End needs the lock.
    auto& thread = running_[id] = std::make_unique<base::ThreadExecutor>("http");
    thread->Post([this, id, refused, peer = std::move(peer), socket = std::move(socket)]() mutable {
      Run(std::move(socket), std::move(peer), refused);
      End(id, refused);
    });
    refusing_ += refused ? 1 : 0;
  } catch (const std::system_error&) {
    running_.erase(id);
    base::Log(base::Severity::kWarning, "no thread for a connection: it is closed");
    if (!refused) limit_.Leave();
  }
}

void HttpServer::Run(Socket socket, std::string peer, bool refused) {
  BlockBrokenPipeSignal();
  TlsStream stream(std::move(socket), tls_.Current()->context, stop_, clock_);
  HttpConnection connection(stream, std::move(peer), timing_, application_);
  if (refused) {
    connection.Refuse();
  } else {
    connection.Serve();
  }
}

void HttpServer::End(uint64_t id, bool refused) {
  if (!refused) limit_.Leave();
  base::MutexLock lock(mutex_);
  refusing_ -= refused ? 1 : 0;
  auto self = running_.find(id);
  ended_.push_back(std::move(self->second));
  running_.erase(self);
  ended_one_.NotifyAll();
}

void HttpServer::JoinEnded() {
  std::vector<std::unique_ptr<base::ThreadExecutor>> ended;  // joined without the lock
  base::MutexLock lock(mutex_);
  ended.swap(ended_);
}

bool HttpServer::AwaitNone(absl::Duration timeout) {
  const absl::Duration end = clock_.Monotonic() + timeout;
  base::MutexLock lock(mutex_);
  while (!running_.empty()) {
    absl::Duration left = end - clock_.Monotonic();
    if (left <= absl::ZeroDuration()) return false;
    ended_one_.WaitFor(mutex_, std::min(left, absl::Seconds(1)));
  }
  return true;
}

}  // namespace trainyard::edge
