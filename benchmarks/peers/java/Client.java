import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.RpcClient;
import java.lang.management.ManagementFactory;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Java's RpcClient: --threads blocking callers, each with a channel of its own. */
public final class Client {
  private final Map<String, String> flags;
  private final long warmup;
  private final long calls;
  private final String expected = fibonacci(90);
  private final List<Long> latencies = new ArrayList<>();
  private long finished;
  private long begin;
  private long cpuAtBegin;

  private Client(Map<String, String> flags) {
    this.flags = flags;
    warmup = Long.parseLong(flags.get("warmup"));
    calls = Long.parseLong(flags.get("calls"));
  }

  public static void main(String[] arguments) throws Exception {
    new Client(flags(arguments)).run();
  }

  static Map<String, String> flags(String[] arguments) {
    Map<String, String> flags = new HashMap<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      flags.put(argument.substring(2, equals), argument.substring(equals + 1));
    }
    return flags;
  }

  static Connection connect(Map<String, String> flags) throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(flags.get("broker"));
    if (factory.getVirtualHost().isEmpty()) factory.setVirtualHost("/");
    return factory.newConnection();
  }

  static String fibonacci(int n) {
    BigInteger current = BigInteger.ZERO;
    BigInteger next = BigInteger.ONE;
    for (; n > 0; --n) {
      BigInteger sum = current.add(next);
      current = next;
      next = sum;
    }
    return current.toString();
  }

  static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean)
            ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private void run() throws Exception {
    Connection connection = connect(flags);
    List<Thread> callers = new ArrayList<>();
    for (int i = Integer.parseInt(flags.get("threads")); i > 0; --i) {
      Channel channel = connection.createChannel();
      RpcClient client = new RpcClient(channel, "", flags.get("queue"));
      Thread caller = new Thread(() -> callUntilDone(client));
      callers.add(caller);
      caller.start();
    }
    for (Thread caller : callers) caller.join();
    connection.close();
  }

  private void callUntilDone(RpcClient client) {
    try {
      boolean done = false;
      while (!done) {
        long started = System.nanoTime();
        String reply = new String(client.primitiveCall("90".getBytes()));
        if (!reply.equals(expected)) throw new IllegalStateException("a wrong value");
        done = finish(System.nanoTime() - started);
      }
    } catch (Exception failure) {
      failure.printStackTrace();
      System.exit(1);
    }
  }

  private synchronized boolean finish(long nanos) {
    ++finished;
    if (finished > warmup && finished <= warmup + calls) latencies.add(nanos);
    if (finished == warmup) {
      System.out.println("measuring");
      begin = System.nanoTime();
      cpuAtBegin = cpuNanos();
    }
    if (finished == warmup + calls) report();
    return finished >= warmup + calls;
  }

  private void report() {
    double seconds = (System.nanoTime() - begin) / 1e9;
    Collections.sort(latencies);
    System.out.printf(
        Locale.ROOT,
        "{\"contender\": \"%s\", \"calls\": %d, \"seconds\": %f, \"calls_per_s\": %f, "
            + "\"p50_us\": %f, \"p99_us\": %f, \"client_cpu_us_per_call\": %f}%n",
        flags.get("contender"), calls, seconds, calls / seconds,
        latencies.get((int) (calls / 2)) / 1e3, latencies.get((int) (calls * 99 / 100)) / 1e3,
        (cpuNanos() - cpuAtBegin) / 1e3 / calls);
  }
}
