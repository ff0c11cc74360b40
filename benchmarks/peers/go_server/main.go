// A server on Go's amqp091: replies, then acknowledges each request.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/big"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	amqp "github.com/rabbitmq/amqp091-go"
)

var (
	broker    = flag.String("broker", "", "")
	queue     = flag.String("queue", "", "")
	contender = flag.String("contender", "", "")
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

func main() {
	flag.Parse()
	connection, err := amqp.Dial(*broker)
	check(err)
	channel, err := connection.Channel()
	check(err)
	_, err = channel.QueueDeclare(*queue, true, false, false, false, nil)
	check(err)
	check(channel.Qos(100, 0, false))
	requests, err := channel.Consume(*queue, "", false, false, false, false, nil)
	check(err)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	fmt.Println("serving", *queue)
	calls := 0
	for {
		select {
		case request := <-requests:
			n, err := strconv.Atoi(string(request.Body))
			check(err)
			check(channel.Publish("", request.ReplyTo, false, false, amqp.Publishing{
				CorrelationId: request.CorrelationId, Body: []byte(fibonacci(n))}))
			check(request.Ack(false))
			calls++
		case <-stop:
			text, err := json.Marshal(map[string]interface{}{
				"contender": *contender, "calls": calls, "cpu_us": cpuMicros()})
			check(err)
			fmt.Println(string(text))
			return
		}
	}
}
