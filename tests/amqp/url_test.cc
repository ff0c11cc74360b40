#include "rpc/amqp/url.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/match.h"

namespace rpc::amqp {
namespace {

TEST(Url, AllPartsArePercentDecoded) {
  const auto address =
      ParseUrl("amqp://us%40er:p%3A%2F@broker.example:5673/a%2Fb");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->host, "broker.example");
  EXPECT_EQ(address->port, 5673);
  EXPECT_EQ(address->user, "us@er");
  EXPECT_EQ(address->password, "p:/");
  EXPECT_EQ(address->vhost, "a/b");
  EXPECT_FALSE(address->tls);
}

TEST(Url, MissingPartsHaveRabbitMqsDefaults) {
  for (const char* url : {"amqp://", "amqp://localhost", "amqp://localhost/",
                          "amqp://guest:guest@localhost:5672/%2F"}) {
    const auto address = ParseUrl(url);
    ASSERT_TRUE(address.ok()) << url << address.status();
    EXPECT_EQ(address->host, "localhost") << url;
    EXPECT_EQ(address->port, 5672) << url;
    EXPECT_EQ(address->user, "guest") << url;
    EXPECT_EQ(address->password, "guest") << url;
    EXPECT_EQ(address->vhost, "/") << url;
  }
}

TEST(Url, SchemeChoosesTlsAndItsPort) {
  const auto address = ParseUrl("amqps://broker.example");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_TRUE(address->tls);
  EXPECT_EQ(address->port, 5671);
}

TEST(Url, Ipv6HostsStandInBrackets) {
  const auto address = ParseUrl("amqp://[::1]:5673/");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->host, "::1");
  EXPECT_EQ(address->port, 5673);
  EXPECT_EQ(Printable(*address), "amqp://[::1]:5673");
}

TEST(Url, RefusalsSayWhyAndNeverRepeatThePassword) {
  const struct {
    std::string_view url;
    std::string_view words;
  } cases[] = {
      {"http://u:secret@h/", "must begin with amqp://"},
      {"", "must begin with amqp://"},
      {"amqp://u:secret@h:5672/?heartbeat=1", "'?'"},
      {"amqp://u:secret@h:99999/", "expected amqp://"},
      {"amqp://u:secret@h:0/", "port 0"},
      {"amqp://u:secret%zz@h/", "expected amqp://"},
      {"amqp://u:secret@h/a/b", "expected amqp://"},
      {std::string_view("amqp://u:secret\0@h/", 19), "zero byte"},
  };
  for (const auto& [url, words] : cases) {
    const absl::Status status = ParseUrl(url).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << url;
    EXPECT_TRUE(absl::StrContains(status.message(), ToAbsl(words)))
        << url << ": " << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "secret")) << status;
  }
}

TEST(Url, PrintableFormHasNoCredentials) {
  const auto address = ParseUrl("amqps://user:secret@broker.example/calc");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(Printable(*address), "amqps://broker.example:5671/calc");
}

}  // namespace
}  // namespace rpc::amqp
