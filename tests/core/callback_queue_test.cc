#include "rpc/core/callback_queue.h"

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "rpc/message/envelope.h"

namespace rpc::core {
namespace {

// Writes down where it ran and with what, and then does what it is told.
class Noted final : public Continuation {
 public:
  struct Notes {
    std::vector<std::string> bodies;
    std::vector<std::thread::id> threads;
  };
  explicit Noted(Notes* notes) : notes_(notes) {}

  void Run(Reply&& reply) override {
    notes_->bodies.emplace_back(reply.body.view());
    notes_->threads.push_back(std::this_thread::get_id());
    if (then) then();
  }

  std::function<void()> then;

 private:
  Notes* notes_;
};

TEST(CallbackQueue, RunsOnAThreadOfItsOwnInOrder) {
  Noted::Notes notes;
  Noted noted(&notes);
  CallbackQueue queue(1);
  for (const char* body : {"1", "2", "3"}) queue.Add(&noted, {.body = body});
  queue.Flush();
  queue.Join();
  EXPECT_EQ(notes.bodies, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_NE(notes.threads.front(), std::this_thread::get_id());
}

TEST(CallbackQueue, RunsWithoutFlushBeforeItEnds) {
  Noted::Notes notes;
  Noted noted(&notes);
  CallbackQueue queue(2);
  queue.Add(&noted, {.body = "1"});
  queue.Join();
  EXPECT_EQ(notes.bodies.size(), 1u);
}

TEST(CallbackQueue, WithoutThreadsRunsWhereItIsAdded) {
  Noted::Notes notes;
  Noted noted(&notes);
  CallbackQueue queue(0);
  bool was_here = false;
  noted.then = [&] { was_here = queue.runs_here(); };
  EXPECT_FALSE(queue.runs_here());
  queue.Add(&noted, {.body = "1"});
  EXPECT_TRUE(was_here);
  EXPECT_FALSE(queue.runs_here());
  ASSERT_EQ(notes.threads.size(), 1u);
  EXPECT_EQ(notes.threads.front(), std::this_thread::get_id());
}

TEST(CallbackQueue, WithoutThreadsOneFollowsTheOther) {
  Noted::Notes notes;
  Noted first(&notes);
  Noted second(&notes);
  CallbackQueue queue(0);
  first.then = [&] {
    queue.Add(&second, {.body = "2"});
    EXPECT_EQ(notes.bodies.size(), 1u);
  };
  queue.Add(&first, {.body = "1"});
  EXPECT_EQ(notes.bodies, (std::vector<std::string>{"1", "2"}));
}

TEST(CallbackQueue, WithoutThreadsTwoQueuesNestAsCallsDo) {
  Noted::Notes notes;
  Noted outer_first(&notes);
  Noted outer_second(&notes);
  Noted inner(&notes);
  CallbackQueue outer(0);
  CallbackQueue other(0);
  outer_first.then = [&] {
    outer.Add(&outer_second, {.body = "outer 2"});
    other.Add(&inner, {.body = "inner"});
    EXPECT_TRUE(outer.runs_here());
  };
  outer.Add(&outer_first, {.body = "outer 1"});
  EXPECT_EQ(notes.bodies,
            (std::vector<std::string>{"outer 1", "inner", "outer 2"}));
}

}  // namespace
}  // namespace rpc::core
