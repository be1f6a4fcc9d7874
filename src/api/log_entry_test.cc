#include "api/log_entry.h"

#include "absl/strings/str_cat.h"
#include "api/reply.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace trainyard::api {
namespace {

using google::logging::v2::LogEntry;

const absl::Time kRead = absl::FromUnixMicros(1'800'000'000'123'456);

logs::TaskLine Line(logs::Stream stream, const std::string& text) {
  logs::TaskLine line;
  line.task = stream == logs::Stream::kService ? "service" : "workerpool0-0";
  line.line.sequence = 17;
  line.line.time = kRead;
  line.line.stream = stream;
  line.line.text = text;
  return line;
}

LogEntry Made(const std::string& text) {
  return MakeLogEntry({"p", "123"}, Line(logs::Stream::kStdout, text));
}

std::string Json(const google::protobuf::Message& message) {
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &json).ok());
  return json;
}

TEST(LogEntryTest, PlainLine) {
  LogEntry entry = Made("epoch 1");
  EXPECT_EQ(entry.log_name(), "projects/p/logs/workerpool0-0");
  EXPECT_EQ(entry.resource().type(), "ml_job");
  EXPECT_EQ(entry.resource().labels().at("project_id"), "p");
  EXPECT_EQ(entry.resource().labels().at("job_id"), "123");
  EXPECT_EQ(entry.resource().labels().at("task_name"), "workerpool0-0");
  EXPECT_EQ(entry.text_payload(), "epoch 1");
  EXPECT_EQ(entry.severity(), google::logging::type::INFO);
  EXPECT_EQ(entry.insert_id(), "workerpool0-0.0000000000000011.123");
  EXPECT_EQ(FromTimestamp(entry.timestamp()), kRead);
  EXPECT_EQ(FromTimestamp(entry.receive_timestamp()), kRead);
}

TEST(LogEntryTest, Severities) {
  EXPECT_EQ(MakeLogEntry({"p", "1"}, Line(logs::Stream::kStderr, "x")).severity(),
            google::logging::type::ERROR);
  logs::TaskLine service = Line(logs::Stream::kService, "{\"severity\":\"DEBUG\"}");
  EXPECT_EQ(MakeLogEntry({"p", "1"}, service).severity(), google::logging::type::INFO);
  service.line.error = true;
  EXPECT_EQ(MakeLogEntry({"p", "1"}, service).severity(), google::logging::type::ERROR);
  EXPECT_TRUE(MakeLogEntry({"p", "1"}, service).has_text_payload());
}

TEST(LogEntryTest, BytesAndPieces) {
  EXPECT_EQ(Made("a\xFFz").text_payload(), "a\xEF\xBF\xBDz");
  logs::TaskLine piece = Line(logs::Stream::kStdout, "{\"a\":");
  piece.line.continued = true;
  LogEntry entry = MakeLogEntry({"p", "1"}, piece);
  EXPECT_EQ(entry.labels().at("trainyard/continued"), "true");
  EXPECT_EQ(entry.text_payload(), "{\"a\":");
}

TEST(LogEntryTest, WhatIsNoObjectStaysText) {
  for (const char* text :
       {"", "{", "{}x", "{a}", "[1]", "{\"a\":}", "\"x\"", "{\"a\":1}{}", "loss {\"a\":1}"}) {
    EXPECT_TRUE(Made(text).has_text_payload()) << text;
    EXPECT_EQ(Made(text).text_payload(), text);
  }
  EXPECT_TRUE(Made("{}").has_json_payload());
  EXPECT_TRUE(Made(" {\"a\":1} \r").has_json_payload());
  std::string deep = std::string(5000, '{');
  EXPECT_TRUE(Made(deep + std::string(5000, '}')).has_text_payload());
}

TEST(LogEntryTest, LiftsSeverity) {
  struct Case {
    const char* value;
    const char* severity;
    bool lifted;
  };
  for (const Case& c :
       {Case{"\"WARNING\"", "WARNING", true}, Case{"\"warn\"", "WARNING", true},
        Case{"\"fatal\"", "CRITICAL", true}, Case{"400", "WARNING", true},
        Case{"\"odd\"", "INFO", false}, Case{"450", "INFO", false}, Case{"-100", "INFO", false},
        Case{"1e300", "INFO", false}, Case{"null", "INFO", false}, Case{"{}", "INFO", false}}) {
    LogEntry entry = Made(absl::StrCat("{\"message\":\"m\",\"severity\":", c.value, "}"));
    EXPECT_EQ(google::logging::type::LogSeverity_Name(entry.severity()), c.severity) << c.value;
    EXPECT_EQ(!entry.json_payload().fields().contains("severity"), c.lifted) << c.value;
    EXPECT_EQ(entry.json_payload().fields().at("message").string_value(), "m");
  }
}

TEST(LogEntryTest, LiftsTimeWithinTheLateness) {
  struct Case {
    const char* fields;
    int64_t nanos;  // after kRead; 0: not lifted
  };
  const Case cases[] = {
      {"\"time\":\"2027-01-15T08:00:00.000000005Z\"", -123'455'995},
      {"\"timestamp\":\"2027-01-15T09:00:00+01:00\"", -123'456'000},
      {"\"timestamp\":{\"seconds\":1799999999,\"nanos\":5}", -1'123'455'995},
      {"\"timestampSeconds\":1799999998,\"timestampNanos\":0", -2'123'456'000},
      {"\"timestampSeconds\":\"1799999998\"", -2'123'456'000},
      {"\"time\":\"2027-01-15T07:59:50Z\"", 0},
      {"\"time\":\"2027-01-15T08:00:01Z\"", 0},
      {"\"time\":\"noon\"", 0},
      {"\"timestamp\":{\"seconds\":1e300}", 0},
      {"\"timestampSeconds\":-5", 0},
      {"\"time\":5", 0},
  };
  for (const Case& c : cases) {
    LogEntry entry = Made(absl::StrCat("{", c.fields, "}"));
    EXPECT_EQ(FromTimestamp(entry.timestamp()) - kRead, absl::Nanoseconds(c.nanos)) << c.fields;
    EXPECT_EQ(FromTimestamp(entry.receive_timestamp()), kRead);
    EXPECT_EQ(entry.json_payload().fields().empty(), c.nanos != 0) << c.fields;
  }
}

TEST(LogEntryTest, LiftsTheRest) {
  LogEntry entry = Made(R"({"message":"m","x":1,"logging.googleapis.com/trace":"t",)"
                        R"("logging.googleapis.com/spanId":"s",)"
                        R"("logging.googleapis.com/trace_sampled":true,)"
                        R"("logging.googleapis.com/labels":{"k":"v","n":1},)"
                        R"("logging.googleapis.com/insertId":"mine",)"
                        R"("logging.googleapis.com/operation":{"id":"o","first":true},)"
                        R"("logging.googleapis.com/sourceLocation":{"file":"f","line":"3"},)"
                        R"("httpRequest":{"requestMethod":"GET","status":200}})");
  EXPECT_EQ(entry.trace(), "t");
  EXPECT_EQ(entry.span_id(), "s");
  EXPECT_TRUE(entry.trace_sampled());
  EXPECT_EQ(entry.labels().at("k"), "v");
  EXPECT_EQ(entry.operation().id(), "o");
  EXPECT_EQ(entry.source_location().line(), 3);
  EXPECT_EQ(entry.http_request().status(), 200);
  EXPECT_EQ(entry.insert_id(), "workerpool0-0.0000000000000011.123");
  const auto& left = entry.json_payload().fields();
  EXPECT_EQ(left.size(), 3u) << Json(entry.json_payload());
  EXPECT_TRUE(left.contains("logging.googleapis.com/insertId"));
  // What does not fit stays.
  EXPECT_EQ(Made(R"({"httpRequest":{"status":"many"}})").json_payload().fields().size(), 1u);
  EXPECT_EQ(Made(R"({"httpRequest":5})").json_payload().fields().size(), 1u);
}

TEST(LogEntryFieldTest, Paths) {
  LogEntry entry =
      Made(R"({"message":"m","severity":"ERROR","a":{"b":2,"c.d":"e"},"l":[1],"t":true,"z":null,)"
           R"("logging.googleapis.com/labels":{"k.x":"v"}})");
  struct Case {
    const char* path;
    std::optional<model::FilterValue> value;
  };
  const Case cases[] = {
      {"severity", std::string("ERROR")},
      {"timestamp", kRead},
      {"receive_timestamp", kRead},
      {"log_name", std::string("projects/p/logs/workerpool0-0")},
      {"insert_id", std::string("workerpool0-0.0000000000000011.123")},
      {"resource.type", std::string("ml_job")},
      {"resource.labels.job_id", std::string("123")},
      {"resource.labels.nonesuch", std::nullopt},
      {"labels.k.x", std::string("v")},
      {"labels.y", std::nullopt},
      {"json_payload.message", std::string("m")},
      {"json_payload.a.b", 2.0},
      {"json_payload.a.c.d", std::string("e")},
      {"json_payload.t", true},
      {"json_payload.l", std::string("[1]")},
      {"json_payload.z", std::nullopt},
      {"json_payload.message.x", std::nullopt},
      {"json_payload.nonesuch", std::nullopt},
      {"text_payload", std::nullopt},
      {"trace", std::nullopt},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(LogEntryField(entry, c.path), c.value) << c.path;
  }
  EXPECT_EQ(LogEntryField(Made("x"), "text_payload"), model::FilterValue(std::string("x")));
  EXPECT_EQ(LogEntryField(Made("x"), "json_payload"), std::nullopt);
}

}  // namespace
}  // namespace trainyard::api
