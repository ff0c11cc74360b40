#ifndef RPC_AMQP_TLS_OPTIONS_H_
#define RPC_AMQP_TLS_OPTIONS_H_

#include <string>

namespace rpc::amqp {

// kNone takes any certificate and so protects against eavesdroppers only.
enum class PeerVerification { kPeerAndHost, kNone };

// TLS 1.2 or later. Files are PEM; they are read anew for each connection, so
// that a renewed certificate needs no restart.
struct TlsOptions {
  PeerVerification verification = PeerVerification::kPeerAndHost;

  // Authorities that may sign the broker's certificate. Empty: the system's.
  std::string ca_file = {};

  // Our own certificate with its chain, and its key. Both or none.
  std::string certificate_file = {};
  std::string key_file = {};

  // The name or IP address that the broker's certificate must bear. Empty: the
  // host that is connected to.
  std::string server_name = {};
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_TLS_OPTIONS_H_
