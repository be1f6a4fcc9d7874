// Draws many runs and stops at the first in which something is wrong.
//
//   simulate --seeds 300 --first 1     seeds 1 to 300
//   simulate --first 17 --verbose      one seed, with all that happened
//   simulate --rewrite sim/scripts     plays the stories, writes what they say now
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "CLI/CLI.hpp"
#include "sim/run.h"
#include "sim/script.h"

namespace {

int Report(const trainyard::sim::Outcome& outcome, const std::string& program, uint64_t seed) {
  std::cout << "\nseed " << seed << ": the end of what happened:\n";
  for (const std::string& line : outcome.trace) std::cout << "  " << line << "\n";
  std::cout << "found:\n";
  for (const std::string& finding : outcome.findings) std::cout << "  " << finding << "\n";
  std::cout << "replay: " << program << " --first " << seed << " --verbose\n";
  return 1;
}

int Rewrite(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ostringstream told;
    told << std::ifstream(entry.path()).rdbuf();
    trainyard::sim::ScratchDirectory scratch;
    absl::StatusOr<std::string> played = trainyard::sim::RunScript(told.str(), scratch.path());
    if (!played.ok()) {
      std::cerr << entry.path() << ": " << played.status() << "\n";
      return 1;
    }
    if (*played == told.str()) continue;
    std::ofstream(entry.path()) << *played;
    std::cout << entry.path().string() << " is rewritten\n";
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulates the server, its store and its runtime under drawn faults.");
  uint64_t seeds = 1, first = 1;
  bool verbose = false;
  std::string scripts;
  app.add_option("--seeds", seeds, "how many");
  app.add_option("--first", first, "the first seed");
  app.add_flag("--verbose", verbose, "print everything that happens");
  app.add_option("--rewrite", scripts, "a directory of stories");
  CLI11_PARSE(app, argc, argv);
  if (!scripts.empty()) return Rewrite(scripts);
  trainyard::sim::ScratchDirectory scratch;
  trainyard::sim::Outcome total;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    scratch.Clear();
    trainyard::sim::Options options = trainyard::sim::DrawOptions(seed);
    options.print = verbose;
    options.directory = scratch.path();
    trainyard::sim::Outcome outcome = trainyard::sim::RunOnce(options);
    if (!outcome.findings.empty()) return Report(outcome, argv[0], seed);
    total.created += outcome.created;
    total.succeeded += outcome.succeeded;
    total.failed += outcome.failed;
    total.cancelled += outcome.cancelled;
  }
  std::cout << "simulate: " << seeds << " seeds from " << first << ": " << total.created
            << " jobs, " << total.succeeded << " succeeded, " << total.failed << " failed, "
            << total.cancelled << " cancelled; nothing wrong\n";
  return 0;
}
