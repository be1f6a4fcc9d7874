// The program that tests run as a job: static, alone in its root filesystem. Its first argument
// says what to do.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace {

void Print(const std::string& text) {
  [[maybe_unused]] ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
}

void PrintFile(const char* path) {
  FILE* file = fopen(path, "r");
  if (file == nullptr) return Print(std::string(path) + ": " + strerror(errno) + "\n");
  char line[4096];
  while (fgets(line, sizeof(line), file) != nullptr) Print(line);
  fclose(file);
}

void List(const char* path) {
  DIR* directory = opendir(path);
  while (dirent* entry = directory == nullptr ? nullptr : readdir(directory)) {
    Print(std::string(path) + "/" + entry->d_name + "\n");
  }
  if (directory != nullptr) closedir(directory);
}

int Allocate(size_t mib) {
  for (size_t i = 0; i < mib; ++i) {
    char* block = static_cast<char*>(malloc(1 << 20));
    if (block == nullptr) return 4;
    memset(block, static_cast<int>(i), 1 << 20);
  }
  return 0;
}

int ForkBomb() {
  int count = 0;
  while (count < 100'000) {
    pid_t pid = fork();
    if (pid < 0) break;
    if (pid == 0) {
      pause();
      _exit(0);
    }
    ++count;
  }
  Print("forks " + std::to_string(count) + " errno " + strerror(errno) + "\n");
  return 0;
}

int Flood(size_t mib) {
  const std::string block(1 << 20, 'x');
  for (size_t i = 0; i < mib; ++i) {
    if (write(STDOUT_FILENO, block.data(), block.size()) < 0) return 5;
  }
  return 0;
}

int WriteTo(const char* path) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || write(file, "hello\n", 6) != 6) {
    Print(std::string(path) + ": " + strerror(errno) + "\n");
    return 6;
  }
  return 0;
}

int Connect(const char* address, int port) {
  int stream = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  unsigned parts[4];
  sscanf(address, "%u.%u.%u.%u", &parts[0], &parts[1], &parts[2], &parts[3]);
  to.sin_addr.s_addr = htonl(parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]);
  if (connect(stream, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0 && errno == EINPROGRESS) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(stream, &set);
    timeval timeout = {2, 0};
    int error_number = ETIMEDOUT;
    socklen_t size = sizeof(error_number);
    if (select(stream + 1, nullptr, &set, nullptr, &timeout) > 0) {
      getsockopt(stream, SOL_SOCKET, SO_ERROR, &error_number, &size);
    }
    errno = error_number;
  }
  Print(std::string("connect: ") + strerror(errno) + "\n");
  return 0;
}

int Listen(int port) {
  int stream = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (bind(stream, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(stream, 8) != 0) {
    return 8;
  }
  Print("listening\n");
  while (true) pause();
}

void Forbidden(const char* what, long result) {
  Print(std::string(what) + (result >= 0 ? " ALLOWED" : std::string(": ") + strerror(errno)) +
        "\n");
}

// Tries what a job must not be able to do, and shows what it sees.
int Probe() {
  for (int i = 0; i < 1024; ++i) {
    if (fcntl(i, F_GETFD) >= 0) Print("descriptor " + std::to_string(i) + "\n");
  }
  for (const char* path : {"/", "/gcs", "/dev", "/sys/class/net", "/etc", "/proc/1"}) {
    if (strcmp(path, "/proc/1") != 0) List(path);
  }
  PrintFile("/proc/self/status");
  PrintFile("/proc/self/mountinfo");
  PrintFile("/etc/hosts");
  PrintFile("/etc/hostname");
  PrintFile("/etc/resolv.conf");
  Forbidden("mount", mount("none", "/tmp", "tmpfs", 0, nullptr));
  Forbidden("umount", umount("/proc"));
  Forbidden("unshare", unshare(CLONE_NEWUSER));
  Forbidden("mknod", mknod("/tmp/sda", S_IFBLK | 0600, makedev(8, 0)));
  Forbidden("raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  Forbidden("packet socket", socket(AF_PACKET, SOCK_RAW, 0));
  Forbidden("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
  Forbidden("hostname", sethostname("x", 1));
  Forbidden("sysrq", open("/proc/sysrq-trigger", O_WRONLY));
  Forbidden("sysctl", open("/proc/sys/kernel/core_pattern", O_WRONLY));
  Forbidden("kcore", open("/proc/kcore", O_RDONLY) >= 0 &&
                             lseek(open("/proc/kcore", O_RDONLY), 0, SEEK_END) > 0
                         ? 0
                         : -1);
  Forbidden("init's program", open("/proc/1/exe", O_RDONLY));
  Forbidden("init's file", open("/.trainyard/init", O_WRONLY));
  Forbidden("init's descriptors", open("/proc/1/fd/3", O_WRONLY));
  Forbidden("chown to host root", chown("/tmp", 70000, 70000));
  return 0;
}

int BecomeAndWrite(int uid, const char* path) {
  if (setgid(static_cast<gid_t>(uid)) != 0 || setuid(static_cast<uid_t>(uid)) != 0) return 7;
  return WriteTo(path);
}

void OnTerm(int) {
  Print("saved\n");
  _exit(42);
}

int Sleep() {
  Print("ready\n");
  while (true) pause();
}

int Orphans() {
  // A child that outlives its parent and would go on for ever.
  if (fork() == 0) {
    setsid();
    signal(SIGTERM, SIG_IGN);
    while (true) pause();
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::string what = argc > 1 ? argv[1] : "";
  auto number = [&](int i) { return argc > i ? atoi(argv[i]) : 0; };
  if (what == "now") {
    char text[64];
    snprintf(text, sizeof(text), "%lld.%09ld\n", static_cast<long long>(now.tv_sec), now.tv_nsec);
    Print(text);
    return 0;
  }
  if (what == "exit") {
    if (argc > 3) [[maybe_unused]]
      ssize_t n = write(STDERR_FILENO, argv[3], strlen(argv[3]));
    return number(2);
  }
  if (what == "signal") return raise(number(2));
  if (what == "abort") abort();
  if (what == "allocate") return Allocate(static_cast<size_t>(number(2)));
  if (what == "fork-bomb") return ForkBomb();
  if (what == "flood") return Flood(static_cast<size_t>(number(2)));
  if (what == "write") return WriteTo(argv[2]);
  if (what == "write-as") return BecomeAndWrite(number(2), argv[3]);
  if (what == "read") {
    PrintFile(argv[2]);
    return 0;
  }
  if (what == "connect") return Connect(argv[2], number(3));
  if (what == "listen") return Listen(number(2));
  if (what == "probe") return Probe();
  if (what == "sleep") return Sleep();
  if (what == "sleep-deaf") {
    signal(SIGTERM, SIG_IGN);
    return Sleep();
  }
  if (what == "sleep-save") {
    signal(SIGTERM, OnTerm);
    return Sleep();
  }
  if (what == "orphans") return Orphans();
  if (what == "environment") {
    for (char** variable = environ; *variable != nullptr; ++variable)
      Print(std::string(*variable) + "\n");
    char directory[4096];
    if (getcwd(directory, sizeof(directory)) != nullptr)
      Print(std::string("in ") + directory + "\n");
    return 0;
  }
  if (what == "print") {
    for (int i = 2; i < argc; ++i) Print(std::string(argv[i]) + "\n");
    return 0;
  }
  Print("what?\n");
  return 99;
}
