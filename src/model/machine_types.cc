#include "model/machine_types.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace trainyard::model {
namespace {

constexpr double kGib = 1 << 30;

// Machines whose memory grows with their cpus.
struct Family {
  const char* prefix;
  double gib_per_cpu;
  std::vector<int> cpus;
};

const std::vector<Family>& Families() {
  static const auto& families = *new std::vector<Family>{
      {"n1-standard-", 3.75, {4, 8, 16, 32, 64, 96}},
      {"n1-highmem-", 6.5, {2, 4, 8, 16, 32, 64, 96}},
      {"n1-highcpu-", 0.9, {16, 32, 64, 96}},
      {"e2-standard-", 4, {4, 8, 16, 32}},
      {"e2-highmem-", 8, {2, 4, 8, 16}},
      {"e2-highcpu-", 1, {16, 32}},
      {"n2-standard-", 4, {4, 8, 16, 32, 48, 64, 80}},
      {"n2-highmem-", 8, {2, 4, 8, 16, 32, 48, 64, 80}},
      {"n2-highcpu-", 1, {16, 32, 48, 64, 80}},
      {"n4-standard-", 4, {2, 4, 8, 16, 32, 48, 64, 80}},
      {"n4-highmem-", 8, {2, 4, 8, 16, 32, 48, 64, 80}},
      {"n4-highcpu-", 2, {2, 4, 8, 16, 32, 48, 64, 80}},
      {"c2-standard-", 4, {4, 8, 16, 30, 60}},
  };
  return families;
}

// Machines listed one by one; an accelerator here comes with the machine.
struct Single {
  const char* name;
  int cpus;
  double memory_gib;
  const char* accelerator;
  int count;
};

constexpr Single kSingles[] = {
    {"m1-ultramem-40", 40, 961, "", 0},
    {"m1-ultramem-80", 80, 1922, "", 0},
    {"m1-ultramem-160", 160, 3844, "", 0},
    {"m1-megamem-96", 96, 1433.6, "", 0},
    {"a2-highgpu-1g", 12, 85, "NVIDIA_TESLA_A100", 1},
    {"a2-highgpu-2g", 24, 170, "NVIDIA_TESLA_A100", 2},
    {"a2-highgpu-4g", 48, 340, "NVIDIA_TESLA_A100", 4},
    {"a2-highgpu-8g", 96, 680, "NVIDIA_TESLA_A100", 8},
    {"a2-megagpu-16g", 96, 1360, "NVIDIA_TESLA_A100", 16},
    {"a2-ultragpu-1g", 12, 170, "NVIDIA_A100_80GB", 1},
    {"a2-ultragpu-2g", 24, 340, "NVIDIA_A100_80GB", 2},
    {"a2-ultragpu-4g", 48, 680, "NVIDIA_A100_80GB", 4},
    {"a2-ultragpu-8g", 96, 1360, "NVIDIA_A100_80GB", 8},
    {"a3-highgpu-1g", 26, 234, "NVIDIA_H100_80GB", 1},
    {"a3-highgpu-2g", 52, 468, "NVIDIA_H100_80GB", 2},
    {"a3-highgpu-4g", 104, 936, "NVIDIA_H100_80GB", 4},
    {"a3-highgpu-8g", 208, 1872, "NVIDIA_H100_80GB", 8},
    {"a3-megagpu-8g", 208, 1872, "NVIDIA_H100_MEGA_80GB", 8},
    {"a3-ultragpu-8g", 224, 2952, "NVIDIA_H200_141GB", 8},
    {"a4-highgpu-8g", 224, 3968, "NVIDIA_B200", 8},
    {"a4x-highgpu-4g", 140, 884, "NVIDIA_GB200", 4},
    {"g2-standard-4", 4, 16, "NVIDIA_L4", 1},
    {"g2-standard-8", 8, 32, "NVIDIA_L4", 1},
    {"g2-standard-12", 12, 48, "NVIDIA_L4", 1},
    {"g2-standard-16", 16, 64, "NVIDIA_L4", 1},
    {"g2-standard-24", 24, 96, "NVIDIA_L4", 2},
    {"g2-standard-32", 32, 128, "NVIDIA_L4", 1},
    {"g2-standard-48", 48, 192, "NVIDIA_L4", 4},
    {"g2-standard-96", 96, 384, "NVIDIA_L4", 8},
    {"g4-standard-48", 48, 180, "NVIDIA_RTX_PRO_6000", 1},
    {"g4-standard-96", 96, 360, "NVIDIA_RTX_PRO_6000", 2},
    {"g4-standard-192", 192, 720, "NVIDIA_RTX_PRO_6000", 4},
    {"g4-standard-384", 384, 1440, "NVIDIA_RTX_PRO_6000", 8},
};

constexpr Single kTpus[] = {
    {"cloud-tpu", 96, 334, "", 0},          {"ct5lp-hightpu-1t", 24, 48, "", 0},
    {"ct5lp-hightpu-4t", 112, 192, "", 0},  {"ct5lp-hightpu-8t", 224, 384, "", 0},
    {"ct6e-standard-1t", 44, 48, "", 0},    {"ct6e-standard-4t", 180, 720, "", 0},
    {"ct6e-standard-8t", 180, 1440, "", 0}, {"tpu7x-standard-4t", 224, 960, "", 0},
};

// The counts of P4, P100, T4 and V100 that an N1 machine takes.
struct AttachRow {
  std::vector<const char*> machines;  // without "n1-"
  std::vector<int> p4, p100, t4, v100;
};

const std::vector<AttachRow>& AttachTable() {
  static const auto& rows = *new std::vector<AttachRow>{
      {{"standard-4", "standard-8", "highmem-2", "highmem-4", "highmem-8"},
       {1, 2, 4},
       {1, 2, 4},
       {1, 2, 4},
       {1, 2, 4, 8}},
      {{"standard-16", "highmem-16", "highcpu-16"}, {1, 2, 4}, {1, 2, 4}, {1, 2, 4}, {2, 4, 8}},
      {{"standard-32", "highmem-32", "highcpu-32"}, {2, 4}, {2, 4}, {2, 4}, {4, 8}},
      {{"standard-64", "highmem-64", "standard-96", "highmem-96", "highcpu-96"}, {4}, {}, {4}, {8}},
      {{"highcpu-64"}, {4}, {4}, {4}, {8}},
  };
  return rows;
}

// The counts of `accelerator` that the N1 machine takes; empty: none at all.
std::vector<int> CountsOfN1(absl::string_view machine, absl::string_view accelerator) {
  for (const AttachRow& row : AttachTable()) {
    for (const char* name : row.machines) {
      if (absl::StrCat("n1-", name) != machine) continue;
      if (accelerator == "NVIDIA_TESLA_P4") return row.p4;
      if (accelerator == "NVIDIA_TESLA_P100") return row.p100;
      if (accelerator == "NVIDIA_TESLA_T4") return row.t4;
      if (accelerator == "NVIDIA_TESLA_V100") return row.v100;
    }
  }
  return {};
}

std::string CheckTpu(absl::string_view machine, absl::string_view accelerator, int count) {
  if (accelerator.empty()) return "";
  if (machine != "cloud-tpu" || (accelerator != "TPU_V2" && accelerator != "TPU_V3")) {
    return absl::StrCat("Accelerator \"", accelerator, "\" is not supported for machine type \"",
                        machine, "\"");
  }
  if (count == 8 || (count > 0 && count % 32 == 0)) return "";
  return absl::StrCat("Accelerator count ", count, " of \"", accelerator,
                      "\" is not supported: it must be 8, or a multiple of 32.");
}

MachineType Made(const std::string& name, double cpus, double memory_gib) {
  MachineType type;
  type.name = name;
  type.cpu_milli = static_cast<int64_t>(cpus * 1000);
  type.memory_bytes = static_cast<int64_t>(memory_gib * kGib);
  return type;
}

}  // namespace

MachineCatalog::MachineCatalog(const std::vector<MachineType>& site_types) {
  for (const Family& family : Families()) {
    for (int cpus : family.cpus) {
      std::string name = absl::StrCat(family.prefix, cpus);
      types_[name] = Made(name, cpus, cpus * family.gib_per_cpu);
    }
  }
  for (const Single& single : kSingles) {
    MachineType type = Made(single.name, single.cpus, single.memory_gib);
    type.accelerator_type = single.accelerator;
    type.accelerator_count = single.count;
    types_[type.name] = type;
  }
  for (const Single& single : kTpus) {
    MachineType type = Made(single.name, single.cpus, single.memory_gib);
    type.tpu = true;
    types_[type.name] = type;
  }
  for (MachineType type : site_types) {
    type.site = true;
    types_[type.name] = type;
  }
}

const MachineType* MachineCatalog::Find(absl::string_view name) const {
  auto found = types_.find(name);
  return found == types_.end() ? nullptr : &found->second;
}

std::string MachineCatalog::CheckAccelerator(absl::string_view machine,
                                             absl::string_view accelerator, int count) const {
  const MachineType* type = Find(machine);
  if (type == nullptr) return absl::StrCat("Machine type ", machine, " is not supported.");
  if (type->tpu) return CheckTpu(machine, accelerator, count);
  if (accelerator.empty()) return "";
  if (accelerator == "NVIDIA_TESLA_K80") {
    return "Accelerator \"NVIDIA_TESLA_K80\" has reached the end of its life.";
  }
  std::vector<int> counts = type->accelerator_type == accelerator
                                ? std::vector<int>{type->accelerator_count}
                                : CountsOfN1(machine, accelerator);
  if (counts.empty()) {
    return absl::StrCat("Accelerator \"", accelerator, "\" is not supported for machine type \"",
                        machine, "\"");
  }
  if (std::find(counts.begin(), counts.end(), count) != counts.end()) return "";
  return absl::StrCat("Accelerator count ", count, " of \"", accelerator,
                      "\" is not supported for machine type \"", machine, "\": it may be ",
                      absl::StrJoin(counts, ", "), ".");
}

std::string MachineCatalog::Suggest(absl::string_view name) const {
  std::vector<std::string> near;
  std::set<std::string> families;
  std::vector<absl::string_view> parts = absl::StrSplit(name, '-');
  std::string family = parts.size() > 1 ? absl::StrCat(parts[0], "-", parts[1], "-") : "";
  for (const auto& [known, type] : types_) {
    std::vector<absl::string_view> words = absl::StrSplit(known, '-');
    families.insert(type.site || words.size() < 3 ? known : absl::StrCat(words[0], "-", words[1]));
    if (!family.empty() && absl::StartsWith(known, family)) near.push_back(known);
  }
  if (!near.empty()) {
    std::sort(near.begin(), near.end(), [](const std::string& a, const std::string& b) {
      return std::make_pair(a.size(), a) < std::make_pair(b.size(), b);
    });
    return absl::StrCat("Of this family there are ", absl::StrJoin(near, ", "), ".");
  }
  return absl::StrCat("The families are ", absl::StrJoin(families, ", "), ".");
}

std::vector<std::string> MachineCatalog::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, type] : types_) names.push_back(name);
  return names;
}

}  // namespace trainyard::model
