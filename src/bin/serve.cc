#include "bin/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "api/services.h"
#include "api/storage_service.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/status.h"
#include "bin/identity_setup.h"
#include "bin/machine_facts.h"
#include "bin/prepare.h"
#include "bin/service_log.h"
#include "cli/cli.h"
#include "edge/method_table.h"
#include "edge/reflection.h"
#include "edge/server.h"
#include "objects/objects.h"
#include "runtime/runtime.h"

namespace trainyard::bin {
namespace {

constexpr int kRuntimeThreads = 16;
constexpr size_t kRuntimeQueueMax = 4096;
constexpr absl::Duration kRenewEvery = absl::Minutes(20);

// The buckets of a project, for the runtime's mounts.
class ProjectBuckets : public runtime::GcsBuckets {
 public:
  explicit ProjectBuckets(objects::ObjectStore& store) : store_(store) {}
  absl::StatusOr<std::vector<runtime::BucketMount>> List(const std::string& project) override {
    ASSIGN_OR_RETURN(std::vector<objects::Bucket> buckets, store_.ListBuckets(project));
    std::vector<runtime::BucketMount> mounts;
    for (const objects::Bucket& bucket : buckets) {
      absl::StatusOr<std::string> directory = store_.BucketDirectory(bucket.name);
      if (directory.ok()) mounts.push_back({bucket.name, *directory});  // else it was just deleted
    }
    return mounts;
  }

 private:
  objects::ObjectStore& store_;
};

// One server a data directory: the lock ends with the process.
absl::Status LockDataDirectory(const DataPaths& paths) {
  std::string path = paths.root + "/lock";
  int fd = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return base::ErrnoStatus(errno, path);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  close(fd);
  return absl::FailedPreconditionError(
      absl::StrCat("another server uses ", paths.root, ": stop it, or choose another --data"));
}

// The whole house. Members are built in the order of their declaration and end in the reverse.
class House {
 public:
  explicit House(const ServerConfig& config) : config_(config), paths_{config.data_directory} {}

  absl::Status Start() {
    RETURN_IF_ERROR(Prepare());
    RETURN_IF_ERROR(StartStores());
    RETURN_IF_ERROR(StartRuntime());
    RETURN_IF_ERROR(StartEngine());
    RETURN_IF_ERROR(StartEdge());
    Renew();
    RETURN_IF_ERROR(WriteClientFiles(disk_, config_, paths_, EndpointOf(config_, server_->port())));
    base::Log(base::Severity::kInfo,
              absl::StrCat("trainyard ", TRAINYARD_VERSION, " serves https://",
                           EndpointOf(config_, server_->port())));
    return absl::OkStatus();
  }

  void Shutdown() {
    disk_.Remove(paths_.client_file()).IgnoreError();
    server_->Shutdown();
    machine_->Stop();
  }

 private:
  absl::Status Prepare() {
    RETURN_IF_ERROR(MakeDirectories(disk_, paths_));
    RETURN_IF_ERROR(LockDataDirectory(paths_));
    RETURN_IF_ERROR(disk_.MakeDirectories(config_.cache_directory, 0755));
    ASSIGN_OR_RETURN(config_.listen, ResolveListen(config_.listen));
    RETURN_IF_ERROR(EnsureTls());
    std::string host = config_.listen.substr(0, config_.listen.rfind(':'));
    std::vector<std::string> audiences = config_.names;
    audiences.insert(audiences.end(), {"localhost", "127.0.0.1", "::1", host});
    ASSIGN_OR_RETURN(std::string secret, LoadSecret(disk_, random_, paths_, "tokens"));
    accounts_ = std::make_unique<edge::AccountRegistry>(clock_, secret, std::move(audiences));
    machines_ = std::make_unique<model::MachineCatalog>(config_.machine_types);
    return absl::OkStatus();
  }

  absl::Status EnsureTls() {
    if (!config_.certificate.empty()) {
      tls_ = {config_.certificate, config_.private_key};
      return absl::OkStatus();
    }
    edge::CertificateOptions options;
    options.directory = paths_.tls();
    options.names = config_.names;
    options.names.push_back(config_.listen.substr(0, config_.listen.rfind(':')));
    edge::CertificatePaths certificates;
    RETURN_IF_ERROR(edge::EnsureCertificates(disk_, clock_, options, certificates).status());
    tls_ = {certificates.server_certificate, certificates.server_key};
    return absl::OkStatus();
  }

  absl::Status StartStores() {
    store::SqliteOptions options;
    options.path = paths_.store() + "/trainyard.db";
    ASSIGN_OR_RETURN(options.token_key, LoadSecret(disk_, random_, paths_, "pages"));
    ASSIGN_OR_RETURN(store_, store::OpenSqliteStore(options));
    RETURN_IF_ERROR(
        LoadAccounts(disk_, clock_, random_, config_, paths_, Port(), *store_, *accounts_));
    objects::StoreOptions buckets;
    buckets.data_root = paths_.buckets();
    buckets.metadata_root = paths_.objects();
    ASSIGN_OR_RETURN(objects_, objects::ObjectStore::Open(buckets, clock_, random_));
    project_buckets_ = std::make_unique<ProjectBuckets>(*objects_);
    logs_ = std::make_unique<logs::Reader>(disk_, paths_.logs());
    service_log_ =
        std::make_unique<ServiceLog>(disk_, clock_, log_executor_, *logs_, paths_.logs());
    return absl::OkStatus();
  }

  absl::Status StartRuntime() {
    images_ = ImagesOf(disk_, processes_, config_);
    ASSIGN_OR_RETURN(std::string programs, ProgramDirectory());
    runtime::MachineOptions options;
    options.state_directory = paths_.root;
    options.runner_path = programs + "/trainyard-runner";
    options.init_path = programs + "/trainyard-init";
    options.egress = config_.egress == "none" ? runtime::Egress::kNone : runtime::Egress::kInternet;
    options.network.allowed_ranges = config_.egress_allow;
    options.network.uid_base = config_.uid_base;
    options.settings.placement =
        config_.placement == "strict" ? runtime::Placement::kStrict : runtime::Placement::kShare;
    options.settings.uid_base = config_.uid_base;
    ASSIGN_OR_RETURN(options.settings.crun_path, FindProgram(disk_, "crun"));
    options.settings.log_root = paths_.logs();
    options.settings.log_bytes_max = config_.log_bytes_max;
    runtime::MachineWiring wiring{*runtime_executor_,
                                  *runtime_workers_,
                                  clock_,
                                  disk_,
                                  processes_,
                                  *images_,
                                  *project_buckets_,
                                  [this](const std::string& job_id, const std::string& text) {
                                    service_log_->Write(job_id, clock_.Now(), false, text);
                                  }};
    ASSIGN_OR_RETURN(machine_, runtime::Machine::Create(std::move(wiring), std::move(options)));
    return absl::OkStatus();
  }

  absl::Status StartEngine() {
    control::EngineOptions options;
    ASSIGN_OR_RETURN(options.machine, MachineOf(disk_, config_));
    engine_ = control::Engine::Create({*engine_executor_, clock_, random_, *store_,
                                       machine_->runtime(), *service_log_, *machines_},
                                      options);
    return engine_->Start();
  }

  absl::Status StartEdge() {
    ASSIGN_OR_RETURN(audit_, edge::OpenAuditFile(disk_, paths_.audit()));
    ASSIGN_OR_RETURN(methods_, edge::MethodTable::Create(edge::EmbeddedDescriptorSet()));
    edge::RegisterHealth(*methods_);
    api::ServerFacts facts{TRAINYARD_VERSION,
                           config_.placement,
                           paths_.root,
                           config_.default_project,
                           absl::StrCat("https://", EndpointOf(config_, Port()), "/token"),
                           clock_.Now()};
    api::RegisterServices(
        *methods_, {*engine_, machine_->runtime(), *store_, *logs_, *objects_, *accounts_,
                    *machines_, clock_, random_, waits_, std::move(facts), config_.locations});
    std::vector<edge::HttpRoute> routes = edge::TokenRoutes(*accounts_, clock_);
    for (edge::HttpRoute& route : api::StorageRoutes(*objects_, *accounts_, *audit_, clock_)) {
      routes.push_back(std::move(route));
    }
    edge::ServerOptions options;
    options.listen = config_.listen;
    options.tls = tls_;
    options.projects = config_.projects;
    options.locations = config_.locations;
    ASSIGN_OR_RETURN(server_, edge::Server::Start(options, *methods_, std::move(routes), *accounts_,
                                                  *accounts_, *audit_, clock_));
    return absl::OkStatus();
  }

  // The certificate when it is due, and the token file, which is good for an hour.
  void Renew() {
    for (const absl::Status& status :
         {EnsureTls(), WriteAccessToken(disk_, config_, paths_, *accounts_)}) {
      if (!status.ok()) {
        base::Log(base::Severity::kError, absl::StrCat("renewal: ", std::string(status.message())));
      }
    }
    renewals_.PostAfter(kRenewEvery, [this] { Renew(); });
  }

  int Port() const {
    int port = 0;
    return absl::SimpleAtoi(config_.listen.substr(config_.listen.rfind(':') + 1), &port) ? port : 0;
  }

  ServerConfig config_;
  const DataPaths paths_;
  base::RealClock clock_;
  base::SystemRandom random_;
  base::RealDisk disk_;
  base::RealProcesses processes_;
  edge::TlsFiles tls_;
  std::unique_ptr<edge::AccountRegistry> accounts_;
  std::unique_ptr<model::MachineCatalog> machines_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<objects::ObjectStore> objects_;
  std::unique_ptr<ProjectBuckets> project_buckets_;
  std::unique_ptr<logs::Reader> logs_;
  std::unique_ptr<ServiceLog> service_log_;
  base::ThreadExecutor log_executor_{"service-log"};
  std::unique_ptr<runtime::Images> images_;
  std::unique_ptr<runtime::Machine> machine_;
  std::unique_ptr<control::Engine> engine_;
  // The workers' tasks use the runtime and the engine: they join first.
  std::unique_ptr<base::ThreadExecutor> engine_executor_ =
      std::make_unique<base::ThreadExecutor>("engine");
  std::unique_ptr<base::ThreadExecutor> runtime_executor_ =
      std::make_unique<base::ThreadExecutor>("runtime");
  std::unique_ptr<base::ThreadPool> runtime_workers_ =
      std::make_unique<base::ThreadPool>("runtime-worker", kRuntimeThreads, kRuntimeQueueMax);
  std::unique_ptr<edge::Audit> audit_;
  std::unique_ptr<edge::MethodTable> methods_;
  base::ThreadExecutor waits_{"log-waits"};
  std::unique_ptr<edge::Server> server_;
  base::ThreadExecutor renewals_{"renewals"};
};

// Blocks the signals that end the server in every thread, so that WaitForEnd takes them.
sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace

int Serve(const ServerConfig& config) {
  sigset_t signals = BlockEndSignals();
  House house(config);
  if (absl::Status status = house.Start(); !status.ok()) {
    cli::Fail(status);
    // Threads may hold what a destructor would wait for; nothing is acknowledged yet.
    _exit(cli::kExitError);
  }
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  base::Log(base::Severity::kInfo,
            "stopping; running jobs go on and are adopted at the next start");
  house.Shutdown();
  return cli::kExitOk;
}

}  // namespace trainyard::bin
