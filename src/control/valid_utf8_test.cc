#include "control/valid_utf8.h"

#include <gtest/gtest.h>

namespace trainyard::control {
namespace {

#define BAD "\xef\xbf\xbd"

TEST(ValidUtf8, Table) {
  const struct {
    const char* name;
    const char* in;
    const char* want;
  } kCases[] = {
      {"empty", "", ""},
      {"ascii", "abc\n", "abc\n"},
      {"two bytes", "\xc3\xa9", "\xc3\xa9"},
      {"three bytes", "\xe2\x82\xac", "\xe2\x82\xac"},
      {"four bytes", "\xf0\x9f\x9a\x82", "\xf0\x9f\x9a\x82"},
      {"a lone byte", "a\x80z", "a" BAD "z"},
      {"overlong slash", "\xc0\xaf", BAD BAD},
      {"overlong three", "\xe0\x80\xaf", BAD BAD BAD},
      {"overlong four", "\xf0\x80\x80\xaf", BAD BAD BAD BAD},
      {"surrogate", "\xed\xa0\x80", BAD BAD BAD},
      {"beyond the last", "\xf4\x90\x80\x80", BAD BAD BAD BAD},
      {"cut off", "a\xe2\x82", "a" BAD BAD},
      {"interrupted", "\xe2\x41\xac", BAD "A" BAD},
  };
  for (const auto& c : kCases) EXPECT_EQ(ValidUtf8(c.in), c.want) << c.name;
}

}  // namespace
}  // namespace trainyard::control
