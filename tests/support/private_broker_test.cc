#include "tests/support/private_broker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/broker.h"
#include "tests/support/freeze.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"

namespace rpc::testing {
namespace {

using ::testing::HasSubstr;

bool Listens(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int error = connect(socket, reinterpret_cast<const sockaddr*>(&address),
                            sizeof(address));
  close(socket);
  return error == 0;
}

TEST(PrivateBroker, TakesConnectionsAndCommandsUntilItsEnd) {
  auto broker = PrivateBroker::Start();
  ASSERT_TRUE(broker.ok()) << broker.status();
  EXPECT_THAT((*broker)->url(), HasSubstr("amqp://guest:guest@127.0.0.1:"));
  const int port = (*broker)->port();
  const pid_t pid = (*broker)->pid();
  EXPECT_TRUE(Listens(port));
  auto answer = (*broker)->Ctl({"eval", "6*7."});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "42\n");
  EXPECT_FALSE((*broker)->Ctl({"no_such_command"}).ok());
  broker->reset();
  EXPECT_FALSE(Listens(port));
  EXPECT_NE(kill(pid, 0), 0);
}

TEST(PrivateBroker, TwoRunAtOnceAndAFrozenOneIsEnded) {
  auto first = PrivateBroker::Start();
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = PrivateBroker::Start({.config = "heartbeat = 7"});
  ASSERT_TRUE(second.ok()) << second.status();
  auto heartbeat =
      (*second)->Ctl({"eval", "application:get_env(rabbit, heartbeat)."});
  ASSERT_TRUE(heartbeat.ok()) << heartbeat.status();
  EXPECT_EQ(*heartbeat, "{ok,7}\n");
  const pid_t frozen = (*first)->pid();
  ASSERT_TRUE(Freeze(frozen).ok());
  first->reset();
  EXPECT_NE(kill(frozen, 0), 0);
  EXPECT_TRUE(Listens((*second)->port()));
}

absl::Status DeclareDurableQueue(const PrivateBroker& broker) {
  return broker
      .Ctl({"eval",
            "{new, _} = rabbit_amqqueue:declare({resource, <<\"/\">>, queue, "
            "<<\"kept\">>}, true, false, [], none, <<\"guest\">>)."})
      .status();
}

TEST(PrivateBroker, StartsAgainAtItsPortWithItsFiles) {
  auto broker = PrivateBroker::Start();
  ASSERT_TRUE(broker.ok()) << broker.status();
  const std::string url = (*broker)->url();
  const int port = (*broker)->port();
  const absl::Status declared = DeclareDurableQueue(**broker);
  ASSERT_TRUE(declared.ok()) << declared;
  for (const int ending : {SIGKILL, 0}) {
    const pid_t process = (*broker)->pid();
    kill(process, ending);
    const absl::Status restarted = (*broker)->Restart();
    ASSERT_TRUE(restarted.ok()) << restarted;
    EXPECT_NE((*broker)->pid(), process);
    EXPECT_NE(kill(process, 0), 0);
    EXPECT_EQ((*broker)->url(), url);
    EXPECT_TRUE(Listens(port));
    EXPECT_THAT((*broker)->Ctl({"list_queues", "name"}).value_or(""),
                HasSubstr("kept"));
  }
  const pid_t last = (*broker)->pid();
  broker->reset();
  EXPECT_NE(kill(last, 0), 0);
  EXPECT_FALSE(Listens(port));
}

TEST(PrivateBroker, OneThatDoesNotStartSaysWhy) {
  auto broker = PrivateBroker::Start({.config = "no_such_setting = 1"});
  ASSERT_FALSE(broker.ok());
  EXPECT_THAT(std::string(broker.status().message()),
              HasSubstr("no_such_setting"));
}

TEST(PrivateBroker, WrongUsageIsExitCodeTwo) {
  const std::string script = Runfile("tests/support/private_broker");
  EXPECT_EQ(RunToEnd({script}).exit_code, 2);
  EXPECT_EQ(RunToEnd({script, "start"}).exit_code, 2);
  EXPECT_EQ(RunToEnd({script, "start", "/tmp/unused", "--colour"}).exit_code,
            2);
  EXPECT_EQ(RunToEnd({script, "restart"}).exit_code, 2);
  EXPECT_EQ(RunToEnd({script, "restart", "/tmp/unused"}).exit_code, 1);
  const Finished help = RunToEnd({script, "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("Usage: private_broker start DIR"));
}

TEST(BrokerUrl, IsOfABrokerThatIsUp) {
  const std::string url = BrokerUrl();
  ASSERT_NE(url.rfind(':'), std::string::npos) << url;
  EXPECT_TRUE(Listens(std::stoi(url.substr(url.rfind(':') + 1)))) << url;
  EXPECT_EQ(BrokerUrl(), url);
}

}  // namespace
}  // namespace rpc::testing
