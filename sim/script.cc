#include "sim/script.h"

#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "model/custom_job.h"
#include "sim/world.h"

namespace trainyard::sim {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

using Words = std::map<std::string, std::string>;  // KEY=VALUE, or KEY alone

constexpr int64_t kGiB = int64_t{1} << 30;

std::string Word(const Words& words, const std::string& key, const std::string& otherwise) {
  auto word = words.find(key);
  return word == words.end() ? otherwise : word->second;
}

int64_t Number(const std::string& text) {
  int64_t number = 0;
  static_cast<void>(absl::SimpleAtoi(text, &number));
  return number;
}

absl::Duration Time(const std::string& text) {
  absl::Duration duration;
  static_cast<void>(absl::ParseDuration(text, &duration));
  return duration;
}

class Script {
 public:
  explicit Script(const std::string& directory) { options_.directory = directory; }

  // What the command says.
  absl::StatusOr<std::string> Run(const std::string& line);

 private:
  using Command = std::string (Script::*)(const std::string& name, const Words& words);
  static const std::map<std::string, Command>& Commands();

  World& world();
  std::string SetWorld(const std::string&, const Words& words);
  std::string AddReplica(const std::string&, const Words& words);
  std::string Submit(const std::string& name, const Words& words);
  std::string Cancel(const std::string& name, const Words&);
  std::string Delete(const std::string& name, const Words&);
  std::string Explain(const std::string& name, const Words&);
  std::string Log(const std::string& name, const Words&);
  std::string Show(const std::string&, const Words&);
  std::string Replicas(const std::string&, const Words&);
  std::string Tick(const std::string& duration, const Words&);
  std::string Crash(const std::string&, const Words&);
  std::string Start(const std::string&, const Words&);
  std::string FailCommits(const std::string& count, const Words&);
  std::string Jump(const std::string& duration, const Words&);

  // Long enough for an answer.
  void Settle() { world().RunFor(absl::Milliseconds(5)); }
  std::string WithAliases(const std::string& text) const;
  std::string NameOf(const std::string& alias) const;

  Options options_{.machine = {{4000, 16 * kGiB}, sched::Placement::kStrict}};
  std::deque<Behaviour> behaviours_;
  std::vector<std::pair<std::string, std::string>> aliases_;  // the script's name, the job's
  std::unique_ptr<World> world_;
};

const std::map<std::string, Script::Command>& Script::Commands() {
  static const auto* commands =
      new std::map<std::string, Command>{{"world", &Script::SetWorld},
                                         {"replica", &Script::AddReplica},
                                         {"submit", &Script::Submit},
                                         {"cancel", &Script::Cancel},
                                         {"delete", &Script::Delete},
                                         {"explain", &Script::Explain},
                                         {"log", &Script::Log},
                                         {"show", &Script::Show},
                                         {"replicas", &Script::Replicas},
                                         {"tick", &Script::Tick},
                                         {"crash", &Script::Crash},
                                         {"start", &Script::Start},
                                         {"fail-commits", &Script::FailCommits},
                                         {"jump", &Script::Jump}};
  return *commands;
}

absl::StatusOr<std::string> Script::Run(const std::string& line) {
  std::vector<std::string> parts = absl::StrSplit(line, ' ', absl::SkipEmpty());
  auto command = Commands().find(parts.empty() ? "" : parts[0]);
  if (command == Commands().end()) {
    return absl::InvalidArgumentError(absl::StrCat("no such command: ", line));
  }
  Words words;
  for (size_t i = 1; i < parts.size(); ++i) {
    std::pair<std::string, std::string> word = absl::StrSplit(parts[i], absl::MaxSplits('=', 1));
    words.insert(word);
  }
  std::string output = (this->*command->second)(parts.size() > 1 ? parts[1] : "", words);
  if (world_ != nullptr) {
    for (const std::string& finding : world_->findings()) {
      absl::StrAppend(&output, "FOUND: ", finding, "\n");
    }
  }
  return WithAliases(output);
}

World& Script::world() {
  if (world_ == nullptr) {
    world_ = std::make_unique<World>(options_);
    world_->machine().behave = [this](const control::DesiredReplica&) {
      if (behaviours_.empty()) return Behaviour();
      Behaviour next = behaviours_.front();
      behaviours_.pop_front();
      return next;
    };
    world_->StartServer();
    Settle();
  }
  return *world_;
}

std::string Script::NameOf(const std::string& alias) const {
  for (const auto& [known, name] : aliases_) {
    if (known == alias) return name;
  }
  return absl::StrCat("projects/p/locations/us-central1/customJobs/", alias);
}

std::string Script::WithAliases(const std::string& text) const {
  std::vector<std::pair<std::string, std::string>> replacements;
  for (const auto& [alias, name] : aliases_) {
    replacements.emplace_back(name.substr(name.rfind('/') + 1), alias);
  }
  return absl::StrReplaceAll(text, replacements);
}

std::string Script::SetWorld(const std::string&, const Words& words) {
  options_.machine.capacity.cpu_milli = Number(Word(words, "cpu", "4")) * 1000;
  std::string memory = Word(words, "memory", "16GiB");
  options_.machine.capacity.memory_bytes = Number(memory.substr(0, memory.size() - 3)) * kGiB;
  options_.machine.placement = Word(words, "placement", "strict") == "share"
                                   ? sched::Placement::kShare
                                   : sched::Placement::kStrict;
  return "";
}

// run=10s prepare=1s exit=3 signal=9 oom stderr=TEXT lost fails=TEXT falters=TEXT ignores-sigterm
// stop-takes=5s
std::string Script::AddReplica(const std::string&, const Words& words) {
  Behaviour behaviour;
  behaviour.run = Time(Word(words, "run", "10s"));
  behaviour.prepare = Time(Word(words, "prepare", "20ms"));
  behaviour.stop_takes = Time(Word(words, "stop-takes", "100ms"));
  behaviour.exit.set_exit_code(static_cast<int>(Number(Word(words, "exit", "0"))));
  behaviour.exit.set_signal(static_cast<int>(Number(Word(words, "signal", "0"))));
  behaviour.exit.set_out_of_memory(words.contains("oom"));
  behaviour.exit.set_stage(Word(words, "stage", "run"));
  behaviour.exit.set_stderr_tail(Word(words, "stderr", ""));
  behaviour.lost = words.contains("lost");
  behaviour.ignores_sigterm = words.contains("ignores-sigterm");
  if (words.contains("fails")) behaviour.start_failure = absl::NotFoundError(words.at("fails"));
  if (words.contains("falters")) {
    behaviour.start_failure = absl::UnavailableError(words.at("falters"));
  }
  behaviours_.push_back(std::move(behaviour));
  return "";
}

std::string Script::Submit(const std::string& name, const Words& words) {
  control::CustomJob job;
  auto& spec = *job.mutable_job_spec();
  auto& pool = *spec.add_worker_pool_specs();
  pool.mutable_machine_spec()->set_machine_type(Word(words, "machine", "one-cpu"));
  pool.mutable_container_spec()->set_image_uri("python");
  model::FillDefaults(job);
  if (words.contains("timeout")) {
    spec.mutable_scheduling()->mutable_timeout()->set_seconds(
        absl::ToInt64Seconds(Time(words.at("timeout"))));
  }
  spec.mutable_scheduling()->set_disable_retries(words.contains("disable_retries"));
  std::string output = absl::StrCat(name, ": no answer\n");
  world().Submit(job, [&](const absl::StatusOr<control::CustomJob>& created) {
    output = created.ok() ? "" : absl::StrCat(name, ": ", created.status().ToString(), "\n");
    if (created.ok()) aliases_.emplace_back(name, created->name());
  });
  Settle();
  return output;
}

std::string Script::Cancel(const std::string& name, const Words&) {
  std::string output = absl::StrCat(name, ": no answer\n");
  world().Cancel(NameOf(name), [&](absl::Status status) {
    output = status.ok() ? "" : absl::StrCat(name, ": ", status.ToString(), "\n");
  });
  Settle();
  return output;
}

std::string Script::Delete(const std::string& name, const Words&) {
  std::string output = absl::StrCat(name, ": no answer\n");
  world().Delete(NameOf(name), [&](absl::Status status) {
    output = status.ok() ? "" : absl::StrCat(name, ": ", status.ToString(), "\n");
  });
  Settle();
  return output;
}

std::string Script::Explain(const std::string& name, const Words&) {
  if (!world().up()) return "nobody listens\n";
  std::string output;
  world().engine().Explain(NameOf(name), [&](absl::StatusOr<sched::Explanation> explanation) {
    output = explanation.ok()
                 ? absl::StrCat(explanation->summary, "\n", explanation->smallest_change, "\n")
                 : absl::StrCat(explanation.status().ToString(), "\n");
  });
  Settle();
  return output;
}

std::string Script::Log(const std::string& name, const Words&) {
  std::string output;
  std::string job = NameOf(name);
  for (const std::string& line : world().log().lines[job.substr(job.rfind('/') + 1)]) {
    absl::StrAppend(&output, line, "\n");
  }
  return output;
}

std::string Script::Show(const std::string&, const Words&) {
  std::string output;
  for (const auto& [alias, name] : aliases_) {
    absl::StatusOr<control::CustomJob> job = world().Get(name);
    if (!job.ok()) {
      absl::StrAppend(&output, alias, ": ", job.status().ToString(), "\n");
      continue;
    }
    absl::StrAppend(&output, alias, " ",
                    v1::JobState_Name(job->state()).substr(sizeof("JOB_STATE_") - 1));
    if (job->has_error()) {
      absl::StrAppend(&output, " ", job->error().code(), ": ", job->error().message());
    }
    output += "\n";
  }
  return output;
}

std::string Script::Replicas(const std::string&, const Words&) {
  return world().machine().Describe();
}

std::string Script::Tick(const std::string& duration, const Words&) {
  world().RunFor(Time(duration));
  return "";
}

std::string Script::Crash(const std::string&, const Words&) {
  world().CrashServer();
  return "";
}

std::string Script::Start(const std::string&, const Words&) {
  world().StartServer();
  Settle();
  return "";
}

std::string Script::FailCommits(const std::string& count, const Words&) {
  world().failing_commits() = static_cast<int>(Number(count));
  return "";
}

std::string Script::Jump(const std::string& duration, const Words&) {
  world().clock().JumpWall(Time(duration));
  return "";
}

}  // namespace

absl::StatusOr<std::string> RunScript(const std::string& text, const std::string& directory) {
  Script script(directory);
  std::string played, output;
  bool in_output = false;
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (const std::string& line : lines) {
    if (line == "----") {
      absl::StrAppend(&played, line, "\n", output);
      output.clear();
      in_output = true;
    } else if (in_output && !line.empty()) {
      continue;  // what it said when it was written
    } else {
      in_output = false;
      absl::StrAppend(&played, line, "\n");
      if (line.empty() || line[0] == '#') continue;
      ASSIGN_OR_RETURN(std::string said, script.Run(line));
      output += said;
    }
  }
  played.pop_back();  // the split's last, empty piece
  return played;
}

}  // namespace trainyard::sim
