package dev.vmcheckpoint.controller.schedule;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks on virtual threads: so many at once, and so many of one namespace. Namespaces take
 * turns, so what one of them hands over waits for its own tasks alone, and what waits takes no
 * thread. Safe for use by several threads.
 */
public final class FairExecutor extends AbstractExecutorService {
  private final int atOnce;
  private final int perNamespace;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final ThreadLocal<@Nullable String> announced = new ThreadLocal<>();
  private final Map<String, Namespace> namespaces = new HashMap<>();

  /** Those with a task that could begin, the next one first. */
  private final Deque<Namespace> turns = new ArrayDeque<>();

  private int running;
  private boolean shutdown;

  /**
   * Runs nothing yet.
   *
   * @param atOnce the most tasks that run at once
   * @param perNamespace the most of them that are of one namespace
   */
  public FairExecutor(int atOnce, int perNamespace) {
    this.atOnce = atOnce;
    this.perNamespace = perNamespace;
  }

  private static final class Namespace {
    private final String name;
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private int running;
    private boolean hasTurn;

    Namespace(String name) {
      this.name = name;
    }
  }

  /** The next task that this thread hands over is of that namespace. */
  public void announce(String namespace) {
    announced.set(namespace);
  }

  @Override
  public void execute(Runnable task) {
    String name = Objects.requireNonNullElse(announced.get(), "");
    announced.remove();
    synchronized (this) {
      if (shutdown) {
        throw new RejectedExecutionException("the executor was shut down");
      }
      Namespace namespace = namespaces.computeIfAbsent(name, Namespace::new);
      namespace.waiting.add(task);
      giveTurn(namespace);
      begin();
    }
  }

  private void giveTurn(Namespace namespace) {
    if (!namespace.hasTurn && !namespace.waiting.isEmpty() && namespace.running < perNamespace) {
      namespace.hasTurn = true;
      turns.add(namespace);
    }
  }

  private void begin() {
    while (running < atOnce && !turns.isEmpty()) {
      Namespace namespace = turns.remove();
      namespace.hasTurn = false;
      Runnable task = namespace.waiting.remove();
      running++;
      namespace.running++;
      threads.execute(() -> run(namespace, task));
      giveTurn(namespace);
    }
  }

  private void run(Namespace namespace, Runnable task) {
    try {
      task.run();
    } finally {
      ended(namespace);
    }
  }

  private synchronized void ended(Namespace namespace) {
    running--;
    namespace.running--;
    giveTurn(namespace);
    if (namespace.running == 0 && namespace.waiting.isEmpty()) {
      namespaces.remove(namespace.name);
    }
    begin();
  }

  /** Of how many namespaces there are tasks. */
  synchronized int size() {
    return namespaces.size();
  }

  /** What waits does not begin any more; what runs goes on. */
  @Override
  public void shutdown() {
    dropWaiting();
    threads.shutdown();
  }

  @Override
  public List<Runnable> shutdownNow() {
    List<Runnable> dropped = dropWaiting();
    threads.shutdownNow();
    return dropped;
  }

  private synchronized List<Runnable> dropWaiting() {
    shutdown = true;
    turns.clear();
    List<Runnable> dropped = new ArrayList<>();
    for (Namespace namespace : namespaces.values()) {
      dropped.addAll(namespace.waiting);
      namespace.waiting.clear();
    }
    return dropped;
  }

  @Override
  public synchronized boolean isShutdown() {
    return shutdown;
  }

  @Override
  public boolean isTerminated() {
    return threads.isTerminated();
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
    return threads.awaitTermination(timeout, unit);
  }
}
