// Short messages between a process and its child, in order and whole, with a descriptor if need be.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/descriptor.h"

namespace trainyard::cli {

struct Message {
  bool end = false;  // the other side has closed
  char type = 0;
  std::string text;
  base::Descriptor descriptor;
};

// One end of a pair; closed by execve.
class MessageChannel {
 public:
  explicit MessageChannel(base::Descriptor socket) : socket_(std::move(socket)) {}
  int descriptor() const { return socket_.get(); }
  void Close() { socket_.Reset(); }
  // At most 4 KiB of text; more is cut. `descriptor` < 0: none.
  absl::Status Send(char type, absl::string_view text, int descriptor = -1);
  // Waits for one.
  Message Receive();

 private:
  base::Descriptor socket_;
};

using ChannelPair = std::pair<MessageChannel, MessageChannel>;
absl::StatusOr<ChannelPair> MakeChannel();

}  // namespace trainyard::cli
