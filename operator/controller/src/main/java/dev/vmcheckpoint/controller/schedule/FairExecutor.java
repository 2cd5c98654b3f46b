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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks on virtual threads: so many at once, and so many of one namespace. Namespaces take
 * turns, so what one of them hands over waits for its own tasks alone, and what waits takes no
 * thread. A task that waits aside, for a node that may hang, is not counted meanwhile. Safe for use
 * by several threads.
 */
public final class FairExecutor extends AbstractExecutorService implements Aside {
  /** So many tasks of a namespace have begun and not ended at most, wherever they wait. */
  private static final int BEGUN_PER_NAMESPACE = 512;

  private final int atOnce;
  private final int perNamespace;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final ScopedValue<Namespace> current = ScopedValue.newInstance();
  private final ThreadLocal<@Nullable String> announced = new ThreadLocal<>();
  private final Map<String, Namespace> namespaces = new HashMap<>();

  /** Those with a task that could begin, the next one first. */
  private final Deque<Namespace> turns = new ArrayDeque<>();

  private int running;
  private boolean shutdown;

  /**
   * Runs nothing yet.
   *
   * @param atOnce the most tasks that begin while so many run
   * @param perNamespace the same of one namespace
   */
  public FairExecutor(int atOnce, int perNamespace) {
    this.atOnce = atOnce;
    this.perNamespace = perNamespace;
  }

  private static final class Namespace {
    private final String name;
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private int begun;
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
    if (!namespace.hasTurn
        && !namespace.waiting.isEmpty()
        && namespace.running < perNamespace
        && namespace.begun < BEGUN_PER_NAMESPACE) {
      namespace.hasTurn = true;
      turns.add(namespace);
    }
  }

  private void begin() {
    while (running < atOnce && !turns.isEmpty()) {
      Namespace namespace = turns.remove();
      namespace.hasTurn = false;
      Runnable task = namespace.waiting.remove();
      namespace.begun++;
      runs(namespace, 1);
      threads.execute(() -> run(namespace, task));
      giveTurn(namespace);
    }
  }

  private void runs(Namespace namespace, int more) {
    running += more;
    namespace.running += more;
  }

  private void run(Namespace namespace, Runnable task) {
    try {
      ScopedValue.where(current, namespace).run(task);
    } finally {
      ended(namespace);
    }
  }

  private synchronized void ended(Namespace namespace) {
    namespace.begun--;
    if (namespace.begun == 0 && namespace.waiting.isEmpty()) {
      namespaces.remove(namespace.name);
    }
    stopsRunning(namespace);
  }

  private synchronized void stopsRunning(Namespace namespace) {
    runs(namespace, -1);
    giveTurn(namespace);
    begin();
  }

  private synchronized void runsAgain(Namespace namespace) {
    runs(namespace, 1);
  }

  /** A task that comes back does not wait for a place, so that more than usual may run. */
  @Override
  public <T> T aside(Supplier<T> wait) {
    if (!current.isBound()) {
      return wait.get();
    }
    Namespace namespace = current.get();
    stopsRunning(namespace);
    try {
      return wait.get();
    } finally {
      runsAgain(namespace);
    }
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
