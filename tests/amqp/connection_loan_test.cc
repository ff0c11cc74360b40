#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "rpc/amqp/connection.h"
#include "rpc/amqp/loop_owner.h"
#include "rpc/base/deadline.h"
#include "tests/amqp/broker_frames.h"
#include "tests/amqp/lending_driver.h"
#include "tests/amqp/scripted_broker.h"

namespace rpc::amqp {
namespace {

class ConnectionLoan : public ::testing::Test {
 protected:
  void Start() {
    ConnectionOptions options;
    Address address;
    address.host = "127.0.0.1";
    address.port = broker_.port();
    options.addresses = {address};
    options.session.heartbeat = heartbeat_;
    auto connection = Connection::Start(std::move(options), &driver_, rest_);
    ASSERT_TRUE(connection.ok()) << connection.status();
    connection_ = *std::move(connection);
  }
  void StartAndLogIn() {
    Start();
    broker_.LogIn();
    ASSERT_TRUE(driver_.WaitForUps(1));
    // Whether it lends is known after the turn that found it up.
    const int turns = driver_.turns();
    connection_->Wake();
    ASSERT_TRUE(driver_.WaitForTurnsAfter(turns));
  }

  // A loan by either way, whatever the loop's state.
  Connection::Loan Borrow() {
    const Deadline patience = Deadline::After(absl::Seconds(10));
    while (!patience.Expired(Clock::now())) {
      Connection::Loan free = connection_->BorrowFree();
      if (free) return free;
      Connection::Loan asked = connection_->Borrow();
      if (asked) return asked;
      std::this_thread::yield();
    }
    return {};
  }
  // A loan of one turn, after which the loop is free.
  void BorrowOnce() {
    Connection::Loan loan = Borrow();
    ASSERT_TRUE(loan);
    driver_.EndNext();
    loan.RunUntil(driver_.done);
  }

  // Until the loop is free. A wake that came with the loan can have the I/O
  // thread take it back.
  void FreeLoop() {
    bool is_free = false;
    for (int attempt = 0; attempt < 100 && !is_free; ++attempt) {
      BorrowOnce();
      is_free = static_cast<bool>(connection_->BorrowFree());
    }
    ASSERT_TRUE(is_free);
  }

  // Runs the loop on a thread of its own, until driver_.done.
  std::thread Drive() {
    driver_.done = false;
    std::thread thread([this] {
      Connection::Loan loan = Borrow();
      ASSERT_TRUE(loan);
      loan.RunUntil(driver_.done);
    });
    EXPECT_TRUE(driver_.WaitForTurnBy(thread.get_id()));
    return thread;
  }
  void EndDriving(std::thread& thread) {
    driver_.done = true;
    connection_->Wake();
    thread.join();
  }

  void ExpectStopsInTime() {
    const absl::Time begin = absl::Now();
    connection_->Stop(Deadline::After(absl::Milliseconds(500)));
    EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
    ASSERT_FALSE(driver_.downs().empty());
    EXPECT_EQ(driver_.downs().back().retry, Retry::kNever);
  }

  // No goodbye: this broker would not answer it.
  void TearDown() override {
    driver_.done = true;
    if (connection_ != nullptr) connection_->Stop(Deadline::After({}));
  }

  ScriptedBroker broker_;
  // This broker's heart beats only where a test makes it.
  absl::Duration heartbeat_ = absl::Minutes(1);
  absl::Duration rest_ = LoopOwner::kRest;
  LendingDriver driver_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(ConnectionLoan, BorrowerDoesTheTurns) {
  StartAndLogIn();
  for (int i = 0; i < 100; ++i) {
    BorrowOnce();
    EXPECT_EQ(driver_.last_turn_by(), std::this_thread::get_id());
  }
}

TEST_F(ConnectionLoan, LoopIsFreeAfterALoan) {
  rest_ = absl::Hours(1);
  StartAndLogIn();
  FreeLoop();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(connection_->BorrowFree()) << i;
  }
}

TEST_F(ConnectionLoan, LoopIsTheIoThreadsAgainAfterARest) {
  rest_ = absl::Milliseconds(1);
  StartAndLogIn();
  BorrowOnce();
  EXPECT_TRUE(driver_.WaitForTurnByOtherThan(std::this_thread::get_id()));
}

TEST_F(ConnectionLoan, IsNotLentBeforeItIsUp) {
  Start();
  EXPECT_FALSE(connection_->BorrowFree());
  EXPECT_FALSE(connection_->Borrow());
}

TEST_F(ConnectionLoan, IsNotLentByADriverThatDoesNotAgree) {
  driver_.lends = false;
  StartAndLogIn();
  EXPECT_FALSE(connection_->BorrowFree());
  EXPECT_FALSE(connection_->Borrow());
}

TEST_F(ConnectionLoan, EndsWhenTheDriverNoLongerAgrees) {
  StartAndLogIn();
  std::thread borrower = Drive();
  const std::thread::id id = borrower.get_id();
  driver_.lends = false;
  connection_->Wake();
  borrower.join();
  EXPECT_FALSE(driver_.done);
  const int turns = driver_.turns();
  connection_->Wake();
  EXPECT_TRUE(driver_.WaitForTurnsAfter(turns));
  EXPECT_NE(driver_.last_turn_by(), id);
}

TEST_F(ConnectionLoan, OneBorrowsAtATime) {
  StartAndLogIn();
  std::thread borrower = Drive();
  EXPECT_FALSE(connection_->BorrowFree());
  EXPECT_FALSE(connection_->Borrow());
  EndDriving(borrower);
}

TEST_F(ConnectionLoan, WakeCausesATurnOfTheBorrower) {
  StartAndLogIn();
  std::thread borrower = Drive();
  for (int i = 0; i < 100; ++i) {
    const int turns = driver_.turns();
    connection_->Wake();
    ASSERT_TRUE(driver_.WaitForTurnsAfter(turns)) << i;
    EXPECT_EQ(driver_.last_turn_by(), borrower.get_id());
  }
  EndDriving(borrower);
}

TEST_F(ConnectionLoan, WhatComesIsReadByTheBorrower) {
  StartAndLogIn();
  std::thread borrower = Drive();
  const int turns = driver_.turns();
  broker_.Send(RawFrame(AMQP_FRAME_HEARTBEAT, 0, ""));
  EXPECT_TRUE(driver_.WaitForTurnsAfter(turns));
  EXPECT_EQ(driver_.last_turn_by(), borrower.get_id());
  EndDriving(borrower);
}

// Would take an hour, were it the end of the rest.
TEST_F(ConnectionLoan, WakeCausesATurnAtOnceAfterALoan) {
  rest_ = absl::Hours(1);
  StartAndLogIn();
  for (int i = 0; i < 300; ++i) {
    BorrowOnce();
    const int turns = driver_.turns();
    connection_->Wake();
    ASSERT_TRUE(driver_.WaitForTurnsAfter(turns)) << i;
    EXPECT_NE(driver_.last_turn_by(), std::this_thread::get_id());
  }
}

TEST_F(ConnectionLoan, WakeThatALoanDidNotHeedCausesATurnAfterIt) {
  rest_ = absl::Hours(1);
  StartAndLogIn();
  for (int i = 0; i < 300; ++i) {
    Connection::Loan loan = Borrow();
    const int turns = driver_.turns();
    connection_->Wake();
    EXPECT_EQ(driver_.turns(), turns);
    loan = {};
    ASSERT_TRUE(driver_.WaitForTurnsAfter(turns)) << i;
  }
}

// Requests that a driver has while it no longer lends are not forgotten.
TEST_F(ConnectionLoan, ReturnOfWhatCannotBeLentCausesATurnAtOnce) {
  rest_ = absl::Hours(1);
  StartAndLogIn();
  Connection::Loan loan = Borrow();
  ASSERT_TRUE(loan);
  driver_.lends = false;
  const int turns = driver_.turns();
  loan.RunUntil(driver_.done);
  EXPECT_EQ(driver_.turns(), turns);
  loan = {};
  EXPECT_TRUE(driver_.WaitForTurnsAfter(turns));
}

TEST_F(ConnectionLoan, HeartbeatsKeepAnIdleConnectionUpAfterALoan) {
  heartbeat_ = absl::Seconds(1);
  StartAndLogIn();
  for (int i = 0; i < 10; ++i) BorrowOnce();
  for (int beat = 0; beat < 8; ++beat) {
    broker_.Await(8);
    broker_.Send(RawFrame(AMQP_FRAME_HEARTBEAT, 0, ""));
  }
  EXPECT_EQ(driver_.downs().size(), 0u);
  EXPECT_EQ(connection_->epoch(), 1u);
}

TEST_F(ConnectionLoan, BorrowerBeatsTheHeart) {
  heartbeat_ = absl::Seconds(1);
  StartAndLogIn();
  std::thread borrower = Drive();
  for (int beat = 0; beat < 4; ++beat) {
    broker_.Await(8);
    broker_.Send(RawFrame(AMQP_FRAME_HEARTBEAT, 0, ""));
  }
  EXPECT_EQ(driver_.last_turn_by(), borrower.get_id());
  EXPECT_EQ(driver_.downs().size(), 0u);
  EndDriving(borrower);
}

TEST_F(ConnectionLoan, SilentBrokerIsDeadAfterALoanToo) {
  heartbeat_ = absl::Seconds(1);
  StartAndLogIn();
  const absl::Time begin = absl::Now();
  BorrowOnce();
  ASSERT_TRUE(driver_.WaitForDowns(1));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
}

TEST_F(ConnectionLoan, HangUpEndsItAndTheIoThreadDialsAgain) {
  StartAndLogIn();
  std::thread borrower = Drive();
  const std::thread::id id = borrower.get_id();
  broker_.HangUp();
  borrower.join();
  EXPECT_FALSE(driver_.done);
  ASSERT_TRUE(driver_.WaitForDowns(1));
  EXPECT_EQ(driver_.downs()[0].status.code(), absl::StatusCode::kUnavailable);
  broker_.LogIn();
  ASSERT_TRUE(driver_.WaitForUps(2));
  EXPECT_NE(driver_.up_by(), id);
  BorrowOnce();
}

TEST_F(ConnectionLoan, StopIsInTimeWhileTheLoopIsFree) {
  rest_ = absl::Hours(1);
  StartAndLogIn();
  FreeLoop();
  ExpectStopsInTime();
  EXPECT_FALSE(connection_->BorrowFree());
  EXPECT_FALSE(connection_->Borrow());
}

TEST_F(ConnectionLoan, StopEndsTheLoan) {
  StartAndLogIn();
  std::thread borrower = Drive();
  ExpectStopsInTime();
  borrower.join();
  EXPECT_FALSE(driver_.done);
}

TEST_F(ConnectionLoan, LoopIsOneThreadsWhateverTheyDo) {
  StartAndLogIn();
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      std::atomic<bool> done{true};
      while (!stop) {
        Connection::Loan loan = connection_->BorrowFree();
        if (loan) loan.RunUntil(done);
        loan = {};
        Connection::Loan asked = connection_->Borrow();
        if (asked) asked.RunUntil(done);
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      connection_->Wake();
      std::this_thread::yield();
    }
  });
  EXPECT_TRUE(driver_.WaitForTurnsAfter(2000));
  connection_->Stop(Deadline::After(absl::Milliseconds(100)));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(driver_.unguarded(), driver_.turns());
}

}  // namespace
}  // namespace rpc::amqp
