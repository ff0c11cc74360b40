#ifndef TESTS_AMQP_TEST_CERTIFICATES_H_
#define TESTS_AMQP_TEST_CERTIFICATES_H_

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

namespace rpc::amqp {

struct CertificateDeleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

// An EC key and its certificate, valid for an hour, made in memory and written
// as PEM files for whom they are to serve.
class TestCertificate {
 public:
  // Self-signed, to sign others with.
  static TestCertificate Authority(const std::string& name) {
    return TestCertificate(name, "", nullptr);
  }
  // `alternative_names` as in openssl's subjectAltName.
  TestCertificate SignedFor(const std::string& name,
                            const std::string& alternative_names) const {
    return TestCertificate(name, alternative_names, this);
  }

  const std::string& certificate_file() const { return certificate_file_; }
  const std::string& key_file() const { return key_file_; }

 private:
  TestCertificate(const std::string& name, const std::string& alternative_names,
                  const TestCertificate* authority)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509* x509 = certificate_.get();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++Serial());
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key_.get());
    X509_NAME* subject = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(
        subject, "CN", MBSTRING_ASC,
        reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    const TestCertificate& issuer = authority != nullptr ? *authority : *this;
    X509_set_issuer_name(x509,
                         X509_get_subject_name(issuer.certificate_.get()));
    if (authority == nullptr) Extend(NID_basic_constraints, "critical,CA:TRUE");
    if (!alternative_names.empty()) {
      Extend(NID_subject_alt_name, alternative_names);
    }
    EXPECT_GT(X509_sign(x509, issuer.key_.get(), EVP_sha256()), 0);
    Write(name + std::to_string(Serial()));
  }

  static long& Serial() {
    static long serial = 0;
    return serial;
  }

  void Extend(int nid, const std::string& value) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  void Write(const std::string& name) {
    certificate_file_ = ::testing::TempDir() + name + ".pem";
    key_file_ = ::testing::TempDir() + name + ".key";
    std::FILE* file = std::fopen(certificate_file_.c_str(), "w");
    ASSERT_NE(file, nullptr) << certificate_file_;
    PEM_write_X509(file, certificate_.get());
    std::fclose(file);
    file = std::fopen(key_file_.c_str(), "w");
    ASSERT_NE(file, nullptr) << key_file_;
    PEM_write_PrivateKey(file, key_.get(), nullptr, nullptr, 0, nullptr,
                         nullptr);
    std::fclose(file);
  }

  std::unique_ptr<EVP_PKEY, CertificateDeleter> key_;
  std::unique_ptr<X509, CertificateDeleter> certificate_;
  std::string certificate_file_;
  std::string key_file_;
};

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_TEST_CERTIFICATES_H_
