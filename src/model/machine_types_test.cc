#include "model/machine_types.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace trainyard::model {
namespace {

constexpr double kGib = 1 << 30;

TEST(MachineTypesTest, FiguresOfGooglesNames) {
  struct Case {
    const char* name;
    int cpus;
    double memory_gib;
    const char* accelerator;
    int count;
  };
  const Case cases[] = {
      {"n1-standard-4", 4, 15, "", 0},
      {"n1-standard-96", 96, 360, "", 0},
      {"n1-highmem-2", 2, 13, "", 0},
      {"n1-highmem-96", 96, 624, "", 0},
      {"n1-highcpu-16", 16, 14.4, "", 0},
      {"e2-standard-4", 4, 16, "", 0},
      {"e2-highcpu-32", 32, 32, "", 0},
      {"n2-highmem-80", 80, 640, "", 0},
      {"n4-highcpu-2", 2, 4, "", 0},
      {"c2-standard-60", 60, 240, "", 0},
      {"m1-megamem-96", 96, 1433.6, "", 0},
      {"a2-highgpu-1g", 12, 85, "NVIDIA_TESLA_A100", 1},
      {"a2-megagpu-16g", 96, 1360, "NVIDIA_TESLA_A100", 16},
      {"g2-standard-32", 32, 128, "NVIDIA_L4", 1},
      {"g4-standard-384", 384, 1440, "NVIDIA_RTX_PRO_6000", 8},
      {"a4x-highgpu-4g", 140, 884, "NVIDIA_GB200", 4},
  };
  MachineCatalog catalog;
  for (const Case& c : cases) {
    const MachineType* type = catalog.Find(c.name);
    ASSERT_NE(type, nullptr) << c.name;
    EXPECT_EQ(type->cpu_milli, c.cpus * 1000) << c.name;
    EXPECT_NEAR(static_cast<double>(type->memory_bytes), c.memory_gib * kGib, 2) << c.name;
    EXPECT_EQ(type->accelerator_type, c.accelerator) << c.name;
    EXPECT_EQ(type->accelerator_count, c.count) << c.name;
  }
  for (const char* name : {"", "n1", "n1-standard-5", "N1-STANDARD-4", "n1-standard-4 "}) {
    EXPECT_EQ(catalog.Find(name), nullptr) << name;
  }
  EXPECT_TRUE(catalog.Find("ct5lp-hightpu-1t")->tpu);
}

TEST(MachineTypesTest, SiteTypesAddAndReplace) {
  MachineType small;
  small.name = "tiny";
  small.cpu_milli = 100;
  MachineType other;
  other.name = "n1-standard-4";
  other.cpu_milli = 2000;
  MachineCatalog catalog({small, other});
  EXPECT_EQ(catalog.Find("tiny")->cpu_milli, 100);
  EXPECT_TRUE(catalog.Find("tiny")->site);
  EXPECT_EQ(catalog.Find("n1-standard-4")->cpu_milli, 2000);
  EXPECT_FALSE(catalog.Find("n1-standard-8")->site);
}

TEST(MachineTypesTest, Accelerators) {
  struct Case {
    const char* machine;
    const char* accelerator;
    int count;
    const char* text;  // part of the refusal; empty: allowed
  };
  const Case cases[] = {
      {"n1-standard-4", "", 0, ""},
      {"n1-standard-4", "NVIDIA_TESLA_T4", 1, ""},
      {"n1-standard-4", "NVIDIA_TESLA_T4", 3, "may be 1, 2, 4."},
      {"n1-highmem-2", "NVIDIA_TESLA_V100", 8, ""},
      {"n1-standard-16", "NVIDIA_TESLA_V100", 1, "may be 2, 4, 8."},
      {"n1-standard-64", "NVIDIA_TESLA_P100", 4,
       "Accelerator \"NVIDIA_TESLA_P100\" is not supported for machine type \"n1-standard-64\""},
      {"n1-highcpu-64", "NVIDIA_TESLA_P100", 4, ""},
      {"n1-standard-4", "NVIDIA_TESLA_K80", 1, "end of its life"},
      {"n1-standard-4", "NVIDIA_TESLA_A100", 1, "is not supported for machine type"},
      {"e2-standard-4", "NVIDIA_TESLA_T4", 1, "is not supported for machine type"},
      {"a2-highgpu-2g", "NVIDIA_TESLA_A100", 2, ""},
      {"a2-highgpu-2g", "NVIDIA_TESLA_A100", 1, "may be 2."},
      {"a2-highgpu-2g", "NVIDIA_A100_80GB", 2, "is not supported for machine type"},
      {"a2-highgpu-2g", "", 0, ""},
      {"cloud-tpu", "TPU_V2", 8, ""},
      {"cloud-tpu", "TPU_V3", 64, ""},
      {"cloud-tpu", "TPU_V3", 16, "multiple of 32"},
      {"cloud-tpu", "NVIDIA_L4", 8, "is not supported for machine type"},
      {"ct6e-standard-4t", "TPU_V3", 8, "is not supported for machine type"},
      {"nonesuch", "", 0, "Machine type nonesuch is not supported."},
  };
  MachineCatalog catalog;
  for (const Case& c : cases) {
    std::string text = catalog.CheckAccelerator(c.machine, c.accelerator, c.count);
    if (*c.text == '\0') {
      EXPECT_EQ(text, "") << c.machine << " " << c.accelerator;
    } else {
      EXPECT_TRUE(absl::StrContains(text, c.text)) << text;
    }
  }
}

TEST(MachineTypesTest, SuggestionsAreShort) {
  MachineCatalog catalog;
  EXPECT_EQ(catalog.Suggest("n1-standard-5"),
            "Of this family there are n1-standard-4, n1-standard-8, n1-standard-16, "
            "n1-standard-32, n1-standard-64, n1-standard-96.");
  for (const char* name : {"", "x", "zz-standard-4", "--"}) {
    EXPECT_TRUE(absl::StartsWith(catalog.Suggest(name), "The families are a2-highgpu, ")) << name;
    EXPECT_LT(catalog.Suggest(name).size(), 500u);
  }
}

TEST(MachineTypesTest, NamesAreSorted) {
  std::vector<std::string> names = MachineCatalog().Names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_GT(names.size(), 90u);
}

}  // namespace
}  // namespace trainyard::model
