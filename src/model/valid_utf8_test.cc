#include "model/valid_utf8.h"

#include "gtest/gtest.h"

namespace trainyard::model {
namespace {

TEST(ValidUtf8Test, Table) {
  const std::string bad = "\xEF\xBF\xBD";
  struct Case {
    std::string text, expected;
  };
  const Case cases[] = {
      {"", ""},
      {"plain\n\t", "plain\n\t"},
      {std::string("a\0b", 3), std::string("a\0b", 3)},
      {"\xC3\xA9\xE3\x81\x82\xF0\x9F\x9A\x82", "\xC3\xA9\xE3\x81\x82\xF0\x9F\x9A\x82"},
      {"\xFF", bad},
      {"a\x80z", "a" + bad + "z"},
      {"\xC3", bad},
      {"\xC3(", bad + "("},
      {"\xE3\x81", bad + bad},
      {"\xC0\xAF", bad + bad},                      // overlong
      {"\xE0\x80\x80", bad + bad + bad},            // overlong
      {"\xED\xA0\x80", bad + bad + bad},            // a surrogate
      {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},     // the last code point
      {"\xF4\x90\x80\x80", bad + bad + bad + bad},  // one beyond
      {"\xF8\x88\x80\x80\x80", bad + bad + bad + bad + bad},
  };
  for (const Case& c : cases) EXPECT_EQ(ValidUtf8(c.text), c.expected);
}

}  // namespace
}  // namespace trainyard::model
