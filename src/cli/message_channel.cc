#include "cli/message_channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace trainyard::cli {
namespace {

constexpr size_t kTextMax = 4096;

union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

}  // namespace

absl::Status MessageChannel::Send(char type, absl::string_view text, int descriptor) {
  std::string payload = absl::StrCat(std::string(1, type), text.substr(0, kTextMax));
  iovec part{payload.data(), payload.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  if (descriptor >= 0) {
    message.msg_control = &control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  if (sendmsg(socket_.get(), &message, MSG_NOSIGNAL) >= 0) return absl::OkStatus();
  return base::ErrnoStatus(errno, "send");
}

Message MessageChannel::Receive() {
  std::string payload(kTextMax + 1, '\0');
  iovec part{payload.data(), payload.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  message.msg_control = &control;
  message.msg_controllen = sizeof(control);
  ssize_t size = -1;
  do {
    size = recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  Message result;
  result.end = size <= 0;
  if (result.end) return result;
  result.type = payload[0];
  result.text = payload.substr(1, static_cast<size_t>(size) - 1);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
    result.descriptor.Reset(descriptor);
  }
  return result;
}

absl::StatusOr<ChannelPair> MakeChannel() {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    return base::ErrnoStatus(errno, "socketpair");
  }
  return ChannelPair(MessageChannel(base::Descriptor(sockets[0])),
                     MessageChannel(base::Descriptor(sockets[1])));
}

}  // namespace trainyard::cli
