package dev.vmcheckpoint.controller.lead;

import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfiguration;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfigurationBuilder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Leadership by a lease in the operator's own namespace. Safe for use by several threads. */
public final class LeaseLeadership implements Leadership {
  private static final String LEASE = "vmcheckpoint-operator";

  private static final Logger LOG = LoggerFactory.getLogger(LeaseLeadership.class);

  private final KubernetesClient client;
  private final String namespace;
  private final String identity;
  private final AtomicReference<Role> role = new AtomicReference<>(Role.CANDIDATE);
  private volatile Runnable onLoss = () -> {};
  private volatile OptionalLong term = OptionalLong.empty();
  private volatile Instant since = Instant.MAX;

  private enum Role {
    CANDIDATE,
    LEADER,
    RESIGNED
  }

  /**
   * A candidate.
   *
   * @param identity the name of this process's pod
   */
  public LeaseLeadership(KubernetesClient client, String namespace, String identity) {
    this.client = client;
    this.namespace = namespace;
    this.identity = identity;
  }

  /**
   * How the operator's framework is to elect.
   *
   * @param onLoss called when another one may lead from now on
   */
  public LeaderElectionConfiguration configuration(Runnable onLoss) {
    this.onLoss = onLoss;
    return LeaderElectionConfigurationBuilder.aLeaderElectionConfiguration(LEASE)
        .withLeaseNamespace(namespace)
        .withIdentity(identity)
        .withExitOnStopLeading(false)
        .withLeaderCallbacks(
            new LeaderCallbacks(
                () -> {
                  since = Instant.now().truncatedTo(ChronoUnit.SECONDS);
                  role.compareAndSet(Role.CANDIDATE, Role.LEADER);
                },
                this::isLost,
                _ -> {}))
        .build();
  }

  @Override
  public boolean isLeading() {
    return role.get() == Role.LEADER;
  }

  /**
   * {@inheritDoc}
   *
   * <p>The lease counts its transitions from 0 on; the time of its creation keeps the order when
   * somebody deletes it.
   */
  @Override
  public long term() {
    OptionalLong known = term;
    if (known.isPresent()) {
      return known.getAsLong();
    }
    Lease lease = client.leases().inNamespace(namespace).withName(LEASE).get();
    if (lease == null || !identity.equals(lease.getSpec().getHolderIdentity())) {
      throw new IllegalStateException(
          "while reading the leader's term: lease %s/%s is not held by %s"
              .formatted(namespace, LEASE, identity));
    }
    long read = termOf(lease);
    term = OptionalLong.of(read);
    return read;
  }

  private static long termOf(Lease lease) {
    long created = Instant.parse(lease.getMetadata().getCreationTimestamp()).getEpochSecond();
    return created * 1_000_000
        + Optional.ofNullable(lease.getSpec().getLeaseTransitions()).orElse(0);
  }

  /**
   * {@inheritDoc}
   *
   * <p>So it is when a backup of etcd was restored: the lease counts fewer transitions than there
   * were. A new lease is younger than each before, and so are the terms of those who hold it.
   */
  @Override
  public void isRefused() {
    Lease lease = client.leases().inNamespace(namespace).withName(LEASE).get();
    boolean isLast =
        lease != null
            && identity.equals(lease.getSpec().getHolderIdentity())
            && term.equals(OptionalLong.of(termOf(lease)));
    if (!isLast) {
      return;
    }
    LOG.warn(
        "A sidecar knows of a later leader than lease {}/{}, which went back in time: it is deleted",
        namespace,
        LEASE);
    client.resource(lease).lockResourceVersion(lease.getMetadata().getResourceVersion()).delete();
    isLost();
  }

  private void isLost() {
    if (role.compareAndSet(Role.LEADER, Role.CANDIDATE)) {
      onLoss.run();
    }
  }

  @Override
  public Instant since() {
    return since;
  }

  /** Leads no longer, and keeps the lease until {@link #release}. */
  public void resign() {
    role.updateAndGet(before -> before == Role.LEADER ? Role.RESIGNED : before);
  }

  /** Hands the lease to whoever wants it; to be called when what was under way has ended. */
  public void release() {
    if (role.get() != Role.RESIGNED) {
      return;
    }
    Lease lease = client.leases().inNamespace(namespace).withName(LEASE).get();
    if (lease != null && identity.equals(lease.getSpec().getHolderIdentity())) {
      lease.getSpec().setHolderIdentity("");
      client.resource(lease).update();
    }
  }
}
