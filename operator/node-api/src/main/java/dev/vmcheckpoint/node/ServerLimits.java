package dev.vmcheckpoint.node;

import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/**
 * Bounds of the JDK's HTTP server, which takes them from system properties and nowhere else: those
 * of every server of operator and sidecar.
 */
public final class ServerLimits {
  /** The most connections that wait to be accepted. */
  public static final int BACKLOG = 128;

  /** The most connections that are open at once to each server; further ones are closed. */
  public static final int MOST_CONNECTIONS = 512;

  private ServerLimits() {}

  /** To be called before the process's first server is made. */
  public static void apply() {
    // A request has to be there as a whole within 10 s; an answer is given and read within 360 s,
    // which is more than the longest deadline.
    System.setProperty("sun.net.httpserver.maxReqTime", "10");
    System.setProperty("sun.net.httpserver.maxRspTime", "360");
    System.setProperty("sun.net.httpserver.maxReqHeaders", "50");
    System.setProperty("sun.net.httpserver.maxReqHeaderSize", "16384");
    System.setProperty("jdk.httpserver.maxConnections", Integer.toString(MOST_CONNECTIONS));
    // Longer than the 30 s for which a client keeps a connection: it is never the server that
    // closes one which a request is just being sent on.
    System.setProperty("sun.net.httpserver.idleInterval", "120");
    System.setProperty("sun.net.httpserver.nodelay", "true");
  }

  /** A virtual thread for each request, of that name and a number. */
  public static Executor threads(String name) {
    return Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name(name, 0).factory());
  }
}
