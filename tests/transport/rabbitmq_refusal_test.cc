#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

// A port of 127.0.0.1 where somebody listens and says nothing, or nobody does.
class Port {
 public:
  enum class Kind { kSilent, kClosed };

  explicit Port(Kind kind) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    ::bind(socket_, generic, size);
    if (kind == Kind::kSilent) ::listen(socket_, 16);
    ::getsockname(socket_, generic, &size);
    number_ = ntohs(address.sin_port);
  }
  ~Port() { ::close(socket_); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  std::string where() const { return "127.0.0.1:" + std::to_string(number_); }

 private:
  int socket_;
  std::uint16_t number_ = 0;
};

constexpr char kPassword[] = "s3cr3t-password";

std::string UrlOf(const std::string& user, const std::string& password,
                  const std::string& where, const std::string& vhost = "") {
  return "amqp://" + user + ":" + password + "@" + where +
         (vhost.empty() ? "" : "/" + vhost);
}

// Where the broker of all tests is, as in "127.0.0.1:5672".
std::string BrokerAddress() {
  const std::string url = BrokerUrl();
  return url.substr(url.find('@') + 1);
}

bool Says(const absl::Status& status, const std::string& words) {
  return ToStd(status.message()).find(words) != std::string::npos;
}

// Opens an endpoint within two seconds; fails the test if that takes longer, or
// if the status does not say where, or says the password.
absl::Status OpenAt(const std::string& url, const std::string& where) {
  auto options = At<ProbeClient>(TutorialQueue("unused"), url);
  options.open_timeout = absl::Seconds(2);
  absl::Status status;
  const absl::Duration took =
      Took([&] { status = ProbeClient::Open(options).status(); });
  EXPECT_LT(took, absl::Seconds(3)) << status;
  EXPECT_TRUE(Says(status, where)) << status;
  EXPECT_FALSE(Says(status, kPassword)) << status;
  EXPECT_FALSE(MayHaveRun(status)) << status;
  return status;
}

// Serves until it is refused; fails the test if that takes ten seconds.
absl::Status ServeAt(const ProbeServer::Options& options) {
  absl::Status status;
  const absl::Duration took = Took([&] {
    TestServer<ProbeServer> server(TestServer<ProbeServer>::Deferred{},
                                   options);
    status = server.Wait();
  });
  EXPECT_LT(took, absl::Seconds(10)) << status;
  EXPECT_TRUE(Says(status, BrokerAddress())) << status;
  return status;
}

TEST(RabbitMqRefusal, NobodyListens) {
  const Port port(Port::Kind::kClosed);
  const absl::Status status =
      OpenAt(UrlOf("guest", kPassword, port.where()), port.where());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_TRUE(Says(status, "refused")) << status;
}

TEST(RabbitMqRefusal, NobodyAnswers) {
  const Port port(Port::Kind::kSilent);
  const absl::Status status =
      OpenAt(UrlOf("guest", kPassword, port.where()), port.where());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST(RabbitMqRefusal, NoSuchHost) {
  const absl::Status status =
      OpenAt(UrlOf("guest", kPassword, "no-such-host.invalid:5672"),
             "no-such-host.invalid:5672");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST(RabbitMqRefusal, WrongPassword) {
  const absl::Status status =
      OpenAt(UrlOf("guest", kPassword, BrokerAddress()), BrokerAddress());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << status;
  EXPECT_TRUE(Says(status, "guest")) << status;
}

TEST(RabbitMqRefusal, WrongVhost) {
  const absl::Status status = OpenAt(
      UrlOf("guest", "guest", BrokerAddress(), "no-such"), BrokerAddress());
  EXPECT_TRUE(absl::IsPermissionDenied(status) || absl::IsNotFound(status))
      << status;
  EXPECT_TRUE(Says(status, "no-such")) << status;
}

TEST(RabbitMqRefusal, UrlThatIsNone) {
  auto options = At<ProbeClient>(
      TutorialQueue("unused"), std::string("amqp://guest:") + kPassword + "@:");
  const absl::Status status = ProbeClient::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_FALSE(Says(status, kPassword)) << status;
}

TEST(RabbitMqRefusal, QueueWithOtherArguments) {
  const std::string queue = UniqueName("other-arguments");
  amqp_table_entry_t entry = {};
  entry.key = amqp::ToAmqp("x-max-length");
  entry.value.kind = AMQP_FIELD_KIND_I32;
  entry.value.value.i32 = 7;
  PlainClient(BrokerUrl()).DeclareQueue(queue, {1, &entry});
  const absl::Status status = ServeAt(At(TutorialQueue(queue)));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_TRUE(Says(status, queue)) << status;
  EXPECT_TRUE(Says(status, "PRECONDITION_FAILED")) << status;
  EXPECT_TRUE(Says(status, "x-max-length")) << status;
}

TEST(RabbitMqRefusal, MissingPassiveQueue) {
  const std::string queue = UniqueName("missing-passive");
  const absl::Status status = ServeAt(At(PassiveQueue(queue)));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_TRUE(Says(status, queue)) << status;
}

TEST(RabbitMqRefusal, EndpointServesOnceTheMissingQueueIsThere) {
  const std::string queue = UniqueName("late-passive");
  TestServer<FibonacciServer> server(TestServer<FibonacciServer>::Deferred{},
                                     At<FibonacciServer>(PassiveQueue(queue)));
  EXPECT_EQ(server.Wait().code(), absl::StatusCode::kNotFound);
  PlainClient(BrokerUrl()).DeclareQueue(queue);
  std::stop_source stop;
  absl::Status status;
  std::jthread thread(
      [&] { status = server.endpoint().Serve(stop.get_token()); });
  EXPECT_TRUE(server.servings().WaitFor(1));
  EXPECT_EQ(server.endpoint().Call(10).value(), 55u);
  stop.request_stop();
  thread.join();
  EXPECT_TRUE(status.ok()) << status;
}

TEST(RabbitMqRefusal, RefusedServerStillCalls) {
  const std::string queue = UniqueName("refused-calls");
  TestServer<FibonacciServer> other(At<FibonacciServer>(TutorialQueue(queue)));
  RabbitMqTopology topology = TutorialQueue(queue);
  topology.declared.queues.front().arguments = {
      {"x-max-length", std::int64_t{7}}};
  TestServer<FibonacciServer> server(TestServer<FibonacciServer>::Deferred{},
                                     At<FibonacciServer>(topology));
  EXPECT_EQ(server.Wait().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(server.endpoint().Call(10).value(), 55u);
}

}  // namespace
}  // namespace rpc::testing
