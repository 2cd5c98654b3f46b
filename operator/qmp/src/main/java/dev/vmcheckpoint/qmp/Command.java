package dev.vmcheckpoint.qmp;

/** Every QMP command that this library sends: there are no others. */
public enum Command {
  /** Ends the negotiation; sent by {@link QmpConnection} only. */
  QMP_CAPABILITIES("qmp_capabilities", Effect.CHANGE),

  QUERY_STATUS("query-status", Effect.QUERY),
  QUERY_MIGRATE("query-migrate", Effect.QUERY),
  QUERY_BLOCKSTATS("query-blockstats", Effect.QUERY),
  QUERY_JOBS("query-jobs", Effect.QUERY),
  /** Not while a job takes layers out of a backing chain: QEMU can die of it. */
  QUERY_NAMED_BLOCK_NODES("query-named-block-nodes", Effect.QUERY),
  QUERY_BLOCK_EXPORTS("query-block-exports", Effect.QUERY),
  QUERY_CHARDEV("query-chardev", Effect.QUERY),
  QUERY_IOTHREADS("query-iothreads", Effect.QUERY),

  BLOCK_DIRTY_BITMAP_ADD("block-dirty-bitmap-add", Effect.CHANGE),
  /** With at least one source: without any QEMU crashes. */
  BLOCK_DIRTY_BITMAP_MERGE("block-dirty-bitmap-merge", Effect.CHANGE),
  BLOCK_DIRTY_BITMAP_REMOVE("block-dirty-bitmap-remove", Effect.CHANGE),
  /** With actions of the type {@code block-dirty-bitmap-add} only. */
  TRANSACTION("transaction", Effect.CHANGE),

  NBD_SERVER_START("nbd-server-start", Effect.CHANGE),
  NBD_SERVER_STOP("nbd-server-stop", Effect.CHANGE),
  BLOCK_EXPORT_ADD("block-export-add", Effect.CHANGE),
  BLOCK_EXPORT_DEL("block-export-del", Effect.CHANGE),
  /** With {@code qemu-io <node> "flush"} only. */
  HUMAN_MONITOR_COMMAND("human-monitor-command", Effect.CHANGE);

  /** Whether a command changes anything, and so whether it matters that it may have been run. */
  public enum Effect {
    QUERY,
    CHANGE
  }

  private final String wireName;
  private final Effect effect;

  Command(String wireName, Effect effect) {
    this.wireName = wireName;
    this.effect = effect;
  }

  /** The name in QMP's {@code execute} member. */
  public String wireName() {
    return wireName;
  }

  public Effect effect() {
    return effect;
  }
}
