import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;

/** A consumer on Java's client: replies, then acknowledges each request. */
public final class Server {
  public static void main(String[] arguments) throws Exception {
    Map<String, String> flags = Client.flags(arguments);
    Connection connection = Client.connect(flags);
    Channel channel = connection.createChannel();
    channel.queueDeclare(flags.get("queue"), true, false, false, null);
    channel.basicQos(100);
    Answering consumer = new Answering(channel);
    channel.basicConsume(flags.get("queue"), false, consumer);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> consumer.report(flags)));
    System.out.println("serving " + flags.get("queue"));
  }

  private static final class Answering extends DefaultConsumer {
    private volatile long calls;

    Answering(Channel channel) {
      super(channel);
    }

    @Override
    public void handleDelivery(
        String tag, Envelope envelope, AMQP.BasicProperties request, byte[] body)
        throws IOException {
      String reply = Client.fibonacci(Integer.parseInt(new String(body)));
      getChannel().basicPublish(
          "", request.getReplyTo(),
          new AMQP.BasicProperties.Builder().correlationId(request.getCorrelationId()).build(),
          reply.getBytes());
      getChannel().basicAck(envelope.getDeliveryTag(), false);
      calls = calls + 1;
    }

    void report(Map<String, String> flags) {
      System.out.printf(
          Locale.ROOT, "{\"contender\": \"%s\", \"calls\": %d, \"cpu_us\": %d}%n",
          flags.get("contender"), calls, Client.cpuNanos() / 1000);
    }
  }
}
