#include "runtime/local/json_writer.h"

#include <gtest/gtest.h>

namespace trainyard::runtime {
namespace {

TEST(JsonWriter, NestsAndSeparates) {
  JsonWriter json;
  json.Begin();
  json.Key("a").Number(-1).Key("b").BeginList().Begin().End().Begin().Key("c").Bool(true).End();
  json.EndList().Key("d").Strings({"x", "y"}).Key("e").Begin().End().End();
  EXPECT_EQ(json.text(), R"({"a":-1,"b":[{},{"c":true}],"d":["x","y"],"e":{}})");
}

TEST(JsonWriter, Escapes) {
  struct Case {
    std::string text, want;
  };
  const Case cases[] = {
      {"plain", R"("plain")"},
      {"\"\\/", R"("\"\\/")"},
      {std::string("\0\n\x1f\x7f", 4), "\"\\u0000\\u000a\\u001f\x7f\""},
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
      // Each byte that begins no character becomes U+FFFD: alone, cut short, overlong, a surrogate,
      // too large.
      {"a\xff"
       "b",
       "\"a\xef\xbf\xbd"
       "b\""},
      {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
      {"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
      {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
      {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
  };
  for (const Case& c : cases) EXPECT_EQ(JsonWriter().String(c.text).text(), c.want);
}

}  // namespace
}  // namespace trainyard::runtime
