// How many bytes of requests the server holds at once, of all callers together.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace trainyard::edge {

// Over it: RESOURCE_EXHAUSTED, and the client may try again. Without it, as many requests of the
// largest size as there may be calls would fill any machine.
inline constexpr int64_t kRequestBytesInHandMax = int64_t{512} << 20;

// Threads: any.
class RequestBudget {
 public:
  explicit RequestBudget(int64_t bytes_max = kRequestBytesInHandMax) : left_(bytes_max) {}

  // One request's share, given back at its end. Threads: one.
  class Share {
   public:
    explicit Share(RequestBudget& budget) : budget_(budget) {}
    ~Share() { budget_.left_ += taken_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    // False, and nothing is taken, when there is not so much left.
    [[nodiscard]] bool TryGrow(size_t bytes) {
      int64_t wanted = static_cast<int64_t>(bytes);
      if (budget_.left_.fetch_sub(wanted) < wanted) {
        budget_.left_ += wanted;
        return false;
      }
      taken_ += wanted;
      return true;
    }

   private:
    RequestBudget& budget_;
    int64_t taken_ = 0;
  };

 private:
  std::atomic<int64_t> left_;
};

}  // namespace trainyard::edge
