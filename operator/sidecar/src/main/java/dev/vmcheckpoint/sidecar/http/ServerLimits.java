package dev.vmcheckpoint.sidecar.http;

import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** Bounds of the JDK's HTTP server, which takes them from system properties and nowhere else. */
public final class ServerLimits {
  static final int BACKLOG = 128;

  private ServerLimits() {}

  /** To be called before the process's first server is made. */
  public static void apply() {
    // A request has to be there as a whole within 10 s; an answer is given and read within 360 s,
    // which is more than the longest deadline.
    System.setProperty("sun.net.httpserver.maxReqTime", "10");
    System.setProperty("sun.net.httpserver.maxRspTime", "360");
    System.setProperty("sun.net.httpserver.maxReqHeaders", "50");
    System.setProperty("sun.net.httpserver.maxReqHeaderSize", "16384");
    System.setProperty("jdk.httpserver.maxConnections", "512");
    // Longer than the 30 s for which a client keeps a connection: it is never the server that
    // closes one which a request is just being sent on.
    System.setProperty("sun.net.httpserver.idleInterval", "120");
    System.setProperty("sun.net.httpserver.nodelay", "true");
  }

  static Executor threads(String name) {
    return Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name(name, 0).factory());
  }
}
