// A client on Go's amqp091 that keeps calls in flight from its reply loop.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/big"
	"sort"
	"syscall"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

var (
	broker    = flag.String("broker", "", "")
	queue     = flag.String("queue", "", "")
	contender = flag.String("contender", "", "")
	inFlight  = flag.Int("in_flight", 1, "")
	warmup    = flag.Int("warmup", 0, "")
	calls     = flag.Int("calls", 1, "")
	_         = flag.String("wire", "", "")
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func cpuMicros() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e3
}

func fibonacci(n int) string {
	current, next := big.NewInt(0), big.NewInt(1)
	for ; n > 0; n-- {
		current.Add(current, next)
		current, next = next, current
	}
	return current.String()
}

type client struct {
	channel *amqp.Channel
	replies string
	started map[string]time.Time
}

func (c *client) publish() {
	var id [12]byte
	_, err := rand.Read(id[:])
	check(err)
	correlationID := hex.EncodeToString(id[:])
	c.started[correlationID] = time.Now()
	check(c.channel.Publish("", *queue, false, false, amqp.Publishing{
		ReplyTo: c.replies, CorrelationId: correlationID, Body: []byte("90")}))
}

func report(begin time.Time, cpu float64, latencies []time.Duration) {
	seconds := time.Since(begin).Seconds()
	sort.Slice(latencies, func(i, j int) bool { return latencies[i] < latencies[j] })
	text, err := json.Marshal(map[string]interface{}{
		"contender":              *contender,
		"calls":                  *calls,
		"seconds":                seconds,
		"calls_per_s":            float64(*calls) / seconds,
		"p50_us":                 latencies[*calls/2].Seconds() * 1e6,
		"p99_us":                 latencies[*calls*99/100].Seconds() * 1e6,
		"client_cpu_us_per_call": (cpuMicros() - cpu) / float64(*calls)})
	check(err)
	fmt.Println(string(text))
}

func main() {
	flag.Parse()
	connection, err := amqp.Dial(*broker)
	check(err)
	channel, err := connection.Channel()
	check(err)
	declared, err := channel.QueueDeclare("", false, false, true, false, nil)
	check(err)
	replies, err := channel.Consume(declared.Name, "", true, true, false, false, nil)
	check(err)
	c := client{channel, declared.Name, map[string]time.Time{}}
	expected := fibonacci(90)
	for i := 0; i < *inFlight; i++ {
		c.publish()
	}
	var begin time.Time
	var cpu float64
	var latencies []time.Duration
	for finished := 1; len(c.started) > 0; finished++ {
		reply := <-replies
		elapsed := time.Since(c.started[reply.CorrelationId])
		delete(c.started, reply.CorrelationId)
		if string(reply.Body) != expected {
			log.Fatal("a reply has a wrong value")
		}
		if finished > *warmup && len(latencies) < *calls {
			latencies = append(latencies, elapsed)
		}
		if finished == *warmup {
			fmt.Println("measuring")
			begin, cpu = time.Now(), cpuMicros()
		}
		if finished == *warmup+*calls {
			report(begin, cpu, latencies)
		}
		if finished < *warmup+*calls {
			c.publish()
		}
	}
}
