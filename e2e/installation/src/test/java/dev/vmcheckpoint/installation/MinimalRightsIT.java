package dev.vmcheckpoint.installation;

import static dev.vmcheckpoint.installation.fixture.RunningInstallation.MACHINE;
import static dev.vmcheckpoint.installation.fixture.RunningInstallation.TENANT;
import static java.util.Map.entry;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.installation.fixture.AuditLog.Refusal;
import dev.vmcheckpoint.installation.fixture.Checkpoint;
import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Right;
import dev.vmcheckpoint.installation.fixture.Rights.Taken;
import dev.vmcheckpoint.installation.fixture.RunningInstallation;
import dev.vmcheckpoint.installation.fixture.SidecarProgram;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Operator and sidecar have no right that they can do without: each is taken from them in turn, and
 * a user misses something until they have it back.
 */
final class MinimalRightsIT {
  @RegisterExtension static final RunningInstallation INSTALLATION = new RunningInstallation();

  private static final String CHECKPOINTS = "virtualmachinecheckpoints.vmcheckpoint.dev";
  private static final String REQUESTS = "certificatesigningrequests.certificates.k8s.io";
  private static final String APPROVALS = "certificatesigningrequests/approval.certificates.k8s.io";
  private static final String SIGNATURES = "certificatesigningrequests/status.certificates.k8s.io";
  private static final String AUTHORITY = "vmcheckpoint-authority";
  private static final String AUTHORITIES = "vmcheckpoint-authorities";
  private static final String NOT_RECORDED = "not recorded";

  /** What is missed without each of them. */
  private static final Map<String, Scenario> MISSED =
      Map.ofEntries(
          entry("vmcheckpoint-operator: get " + CHECKPOINTS, MinimalRightsIT::aCheckpoint),
          entry("vmcheckpoint-operator: patch " + CHECKPOINTS, MinimalRightsIT::aCheckpoint),
          entry(
              "vmcheckpoint-operator: patch virtualmachinecheckpoints/status.vmcheckpoint.dev",
              MinimalRightsIT::aCheckpoint),
          entry("vmcheckpoint-operator: list " + CHECKPOINTS, MinimalRightsIT::aSweep),
          entry("vmcheckpoint-operator: watch " + CHECKPOINTS, _ -> anOperatorAtAll()),
          entry("vmcheckpoint-operator: list pods", MinimalRightsIT::theEndOfADeletion),
          entry("vmcheckpoint-operator: watch pods", _ -> anOperatorAtAll()),
          entry("vmcheckpoint-operator: create events.events.k8s.io", MinimalRightsIT::anEvent),
          entry("vmcheckpoint-operator: list " + REQUESTS, MinimalRightsIT::aCertificateFromANew),
          entry("vmcheckpoint-operator: watch " + REQUESTS, MinimalRightsIT::aCertificateAtOnce),
          entry("vmcheckpoint-operator: update " + APPROVALS, MinimalRightsIT::aCertificate),
          entry("vmcheckpoint-operator: update " + SIGNATURES, MinimalRightsIT::aCertificate),
          entry(
              "vmcheckpoint-operator: approve signers.certificates.k8s.io",
              MinimalRightsIT::aCertificate),
          entry(
              "vmcheckpoint-operator: sign signers.certificates.k8s.io",
              MinimalRightsIT::aCertificate),
          entry(
              "vmcheckpoint-operator: create secrets in vmcheckpoint-system",
              absence -> anAuthority(absence, MinimalRightsIT::withoutItsSecret)),
          entry(
              "vmcheckpoint-operator: get secrets in vmcheckpoint-system",
              absence -> anAuthority(absence, () -> () -> {})),
          entry(
              "vmcheckpoint-operator: update secrets in vmcheckpoint-system",
              absence -> anAuthority(absence, MinimalRightsIT::withASpoiltSecret)),
          entry(
              "vmcheckpoint-operator: create configmaps in vmcheckpoint-node",
              absence -> someoneToBelieve(absence, MinimalRightsIT::withoutAListOfAuthorities)),
          entry(
              "vmcheckpoint-operator: get configmaps in vmcheckpoint-node",
              absence -> anAuthority(absence, () -> () -> {})),
          entry(
              "vmcheckpoint-operator: update configmaps in vmcheckpoint-node",
              absence -> someoneToBelieve(absence, MinimalRightsIT::withAnEmptyListOfAuthorities)),
          entry(
              "vmcheckpoint-operator: create configmaps in vmcheckpoint-system",
              absence -> aRecord(absence, MinimalRightsIT::deleteRecords)),
          entry(
              "vmcheckpoint-operator: get configmaps in vmcheckpoint-system",
              absence -> aRecord(absence, MinimalRightsIT::makeEmptyRecords)),
          entry(
              "vmcheckpoint-operator: update configmaps in vmcheckpoint-system",
              absence -> aRecord(absence, MinimalRightsIT::makeEmptyRecords)),
          entry(
              "vmcheckpoint-operator: create leases.coordination.k8s.io in vmcheckpoint-system",
              _ -> anOperatorAtAll()),
          entry(
              "vmcheckpoint-operator: get leases.coordination.k8s.io in vmcheckpoint-system",
              _ -> anOperatorAtAll()),
          entry(
              "vmcheckpoint-operator: update leases.coordination.k8s.io in vmcheckpoint-system",
              _ -> anOperatorAtAll()),
          entry(
              "vmcheckpoint-operator: patch leases.coordination.k8s.io in vmcheckpoint-system",
              MinimalRightsIT::aLeader),
          entry(
              "vmcheckpoint-operator: delete leases.coordination.k8s.io in vmcheckpoint-system",
              MinimalRightsIT::aLeaderAfterARestore),
          entry("vmcheckpoint-sidecar: create " + REQUESTS, MinimalRightsIT::aCertificate),
          entry("vmcheckpoint-sidecar: get " + REQUESTS, MinimalRightsIT::aCertificate),
          entry(
              "vmcheckpoint-sidecar: get configmaps in vmcheckpoint-node",
              MinimalRightsIT::aCertificate));

  /** What is missed. */
  private interface Scenario {
    /** Shows what is missed without a right; returns what shows it once the right is back. */
    Runnable isMissedFor(Absence absence);
  }

  /**
   * A right is not there.
   *
   * @param since how many requests had been made before
   */
  private record Absence(Right right, long since) {
    /** Waits until it was felt. */
    void awaitRefusal() {
      awaitRefusal(_ -> true);
    }

    /** Waits until it was felt in a namespace. */
    void awaitRefusalIn(String namespace) {
      awaitRefusal(refusal -> refusal.namespace().equals(namespace));
    }

    private void awaitRefusal(Predicate<Refusal> isMeant) {
      Installed.until(
          "a refusal for lack of " + right, () -> all().filter(isMeant).findAny().isPresent());
    }

    /** How often it was felt so far. */
    long refusals() {
      return all().count();
    }

    private Stream<Refusal> all() {
      return INSTALLATION.audit().refusalsAfter(since).stream().filter(this::isOf);
    }

    private boolean isOf(Refusal refusal) {
      String asked = refusal.verb() + " " + refusal.resource();
      return refusal.user().equals(right.user())
          && asked.equals(
              switch (right.verb()) {
                // Asked of a request's subresource, and refused for lack of the right to its
                // signer.
                case "approve" -> "update " + APPROVALS;
                case "sign" -> "update " + SIGNATURES;
                default -> right.verb() + " " + right.resource();
              });
    }
  }

  @BeforeEach
  void start() {
    INSTALLATION.startOperator();
    INSTALLATION.sidecar().whenReady();
    INSTALLATION.sayThatTheSidecarIsReady(true);
  }

  @Test
  void withAllOfThemEverythingWorksAndNothingIsRefused() {
    long before = INSTALLATION.audit().size();
    INSTALLATION.stopOperator();
    INSTALLATION.startOperator();

    Checkpoint checkpoint = INSTALLATION.apply(MACHINE).whenReady();
    checkpoint.whenTold(Reason.Established);
    INSTALLATION.apply(MACHINE).whenReady().deleteAndWait();
    try (SidecarProgram another = INSTALLATION.startAnotherSidecar()) {
      another.whenReady();
    }
    assertThat(leaveBehind()).noneSatisfy(note -> assertThat(note).startsWith(NOT_RECORDED));

    assertThat(INSTALLATION.audit().size()).isGreaterThan(before);
    assertThat(INSTALLATION.audit().refusalsAfter(before)).isEmpty();
  }

  @Test
  void nothingIsPermittedOfWhichItIsNotKnownWhatIsMissedWithoutIt() {
    assertThat(rights())
        .extracting(Right::toString)
        .containsExactlyInAnyOrderElementsOf(MISSED.keySet());
  }

  @Test
  void whatHasANameBeforehandIsPermittedOfThatNameAlone() {
    assertThat(
            rights().stream()
                .filter(right -> !right.names().isEmpty())
                .collect(groupingBy(Right::names, mapping(Right::toString, toSet()))))
        .containsOnly(
            entry(
                List.of(AUTHORITY),
                Set.of(
                    "vmcheckpoint-operator: get secrets in vmcheckpoint-system",
                    "vmcheckpoint-operator: update secrets in vmcheckpoint-system")),
            entry(
                List.of(AUTHORITIES),
                Set.of(
                    "vmcheckpoint-operator: get configmaps in vmcheckpoint-node",
                    "vmcheckpoint-operator: update configmaps in vmcheckpoint-node",
                    "vmcheckpoint-sidecar: get configmaps in vmcheckpoint-node")),
            entry(
                recordNames(),
                Set.of(
                    "vmcheckpoint-operator: get configmaps in vmcheckpoint-system",
                    "vmcheckpoint-operator: update configmaps in vmcheckpoint-system")),
            entry(
                List.of("vmcheckpoint-operator"),
                Stream.of("get", "update", "patch", "delete")
                    .map(
                        "vmcheckpoint-operator: %s leases.coordination.k8s.io in vmcheckpoint-system"
                            ::formatted)
                    .collect(toSet())),
            entry(
                List.of("vmcheckpoint.dev/sidecar"),
                Set.of(
                    "vmcheckpoint-operator: approve signers.certificates.k8s.io",
                    "vmcheckpoint-operator: sign signers.certificates.k8s.io")));
  }

  @Tag("long")
  @ParameterizedTest
  @MethodSource("rights")
  void withoutOneOfThemSomethingIsMissedUntilItIsBack(Right right) {
    Scenario scenario =
        Optional.ofNullable(MISSED.get(right.toString()))
            .orElseThrow(() -> new AssertionError("nothing is known to be missed without it"));
    Runnable isThere;

    try (Taken _ = INSTALLATION.rights().take(right)) {
      isThere = scenario.isMissedFor(new Absence(right, INSTALLATION.audit().size()));
    }

    isThere.run();
  }

  @Test
  void withoutOneOfItsConfigMapsNoLeftoverOfSomeMachinesIsRecorded() {
    INSTALLATION.stopOperator();
    makeEmptyRecords();
    // Older than the leader's term, they may have bitmaps, so that their deletion is recorded.
    Map<String, Checkpoint> first = oneOfAMachineForEachRecord();
    Map<String, Checkpoint> second = oneOfAMachineForEachRecord();
    INSTALLATION.startOperator();
    Stream.of(first, second)
        .flatMap(some -> some.values().stream())
        .forEach(
            each -> each.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound));
    List<String> one = recordNames().subList(0, 8);
    List<String> other = recordNames().subList(8, 16);

    assertThat(notRecordedWithout(one, first)).hasSameElementsAs(one);
    assertThat(notRecordedWithout(other, second)).hasSameElementsAs(other);
  }

  /** Checkpoints of machines without pods, by the names of the ConfigMaps for their records. */
  private static Map<String, Checkpoint> oneOfAMachineForEachRecord() {
    return IntStream.range(0, Integer.MAX_VALUE)
        .mapToObj("gone-%d"::formatted)
        .filter(distinct(MinimalRightsIT::recordOf))
        .limit(recordNames().size())
        .collect(toMap(MinimalRightsIT::recordOf, INSTALLATION::apply));
  }

  private static Predicate<String> distinct(UnaryOperator<String> key) {
    Set<String> seen = new HashSet<>();
    return text -> seen.add(key.apply(text));
  }

  private static String recordOf(String machine) {
    String name = "%s/%s".formatted(TENANT, machine);
    return recordNames().get(Math.floorMod(name.hashCode(), recordNames().size()));
  }

  private static List<String> notRecordedWithout(
      List<String> names, Map<String, Checkpoint> checkpoints) {
    Right right =
        INSTALLATION.rights().of(Installed.OPERATOR).stream()
            .filter(one -> one.names().equals(recordNames()))
            .findFirst()
            .orElseThrow();
    try (Taken _ = INSTALLATION.rights().narrow(right, names)) {
      checkpoints.values().forEach(Checkpoint::delete);
      checkpoints.values().forEach(Checkpoint::whenGone);
    }
    return checkpoints.entrySet().stream()
        .filter(
            entry ->
                entry.getValue().whenTold(Reason.BitmapsLeftBehind).stream()
                    .anyMatch(note -> note.startsWith(NOT_RECORDED)))
        .map(Map.Entry::getKey)
        .toList();
  }

  static List<Right> rights() {
    return Stream.of(Installed.OPERATOR, Installed.SIDECAR)
        .flatMap(user -> INSTALLATION.rights().of(user).stream())
        .toList();
  }

  private static Runnable aCheckpoint(Absence absence) {
    Checkpoint checkpoint = INSTALLATION.apply(MACHINE);
    absence.awaitRefusal();
    assertThat(checkpoint.isEstablished()).isFalse();
    return checkpoint::whenReady;
  }

  private static Runnable anEvent(Absence absence) {
    Checkpoint silent = INSTALLATION.apply(MACHINE).whenReady();
    absence.awaitRefusal();
    assertThat(silent.events()).isEmpty();
    return () -> INSTALLATION.apply(MACHINE).whenReady().whenTold(Reason.Established);
  }

  private static Runnable theEndOfADeletion(Absence absence) {
    Checkpoint checkpoint = INSTALLATION.apply("nobody");
    checkpoint.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
    checkpoint.delete();
    absence.awaitRefusalIn(TENANT);
    assertThat(checkpoint.isGone()).isFalse();
    return checkpoint::whenGone;
  }

  private static Runnable aSweep(Absence absence) {
    Checkpoint gone = goesWithoutItsSidecar();
    INSTALLATION.sayThatTheSidecarIsReady(true);
    absence.awaitRefusalIn(TENANT);
    assertThat(INSTALLATION.bitmaps(gone)).isNotEmpty();
    return () -> Installed.until("the sweep", () -> INSTALLATION.bitmaps(gone).isEmpty());
  }

  private static Checkpoint goesWithoutItsSidecar() {
    Checkpoint checkpoint = INSTALLATION.apply(MACHINE).whenReady();
    INSTALLATION.sayThatTheSidecarIsReady(false);
    checkpoint.when(ConditionType.Valid, Status.Unknown, Reason.DisksUnknown);
    checkpoint.deleteAndWait();
    return checkpoint;
  }

  /** What is told of a checkpoint that is deleted while nobody can remove its bitmaps. */
  private static List<String> leaveBehind() {
    Checkpoint gone = goesWithoutItsSidecar();
    List<String> told = gone.whenTold(Reason.BitmapsLeftBehind);
    INSTALLATION.sayThatTheSidecarIsReady(true);
    return told;
  }

  private static Runnable aRecord(Absence absence, Runnable before) {
    before.run();
    assertThat(leaveBehind()).allSatisfy(note -> assertThat(note).startsWith(NOT_RECORDED));
    absence.awaitRefusal();
    return () ->
        assertThat(leaveBehind()).noneSatisfy(note -> assertThat(note).startsWith(NOT_RECORDED));
  }

  private static Runnable aCertificate(Absence absence) {
    try (SidecarProgram sidecar = INSTALLATION.startAnotherSidecar()) {
      absence.awaitRefusal();
      // Whoever has a certificate is served meanwhile.
      INSTALLATION.apply(MACHINE).whenReady();
      assertThat(sidecar.isReady()).isFalse();
    }
    return MinimalRightsIT::anotherSidecarIsReady;
  }

  private static void anotherSidecarIsReady() {
    try (SidecarProgram sidecar = INSTALLATION.startAnotherSidecar()) {
      sidecar.whenReady();
    }
  }

  private static Runnable aCertificateFromANew(Absence absence) {
    restart();
    Runnable isThere = aCertificate(absence);
    return () -> {
      restart();
      isThere.run();
    };
  }

  /** Only the operator's next look, some seconds later, finds the request. */
  private static Runnable aCertificateAtOnce(Absence absence) {
    restart();
    absence.awaitRefusal();
    try (SidecarProgram sidecar = INSTALLATION.startAnotherSidecar()) {
      long looks = absence.refusals();
      sidecar.whenReady();
      assertThat(absence.refusals()).isGreaterThan(looks);
    }
    return () -> {
      restart();
      anotherSidecarIsReady();
    };
  }

  private static void restart() {
    INSTALLATION.stopOperator();
    INSTALLATION.startOperator();
  }

  private static Runnable anOperatorAtAll() {
    INSTALLATION.stopOperator();
    Checkpoint checkpoint = INSTALLATION.apply(MACHINE);
    INSTALLATION.startOperator();
    Installed.until("the end of the operator", () -> !INSTALLATION.operatorRuns());
    assertThat(checkpoint.isEstablished()).isFalse();
    return () -> {
      INSTALLATION.startOperator();
      checkpoint.whenReady();
    };
  }

  private static Runnable aLeader(Absence absence) {
    INSTALLATION.stopOperator();
    Checkpoint checkpoint = INSTALLATION.apply(MACHINE);
    INSTALLATION.startOperator();
    absence.awaitRefusal();
    assertThat(INSTALLATION.lease().require().getSpec().getHolderIdentity()).isNullOrEmpty();
    assertThat(checkpoint.isEstablished()).isFalse();
    return checkpoint::whenReady;
  }

  private static Runnable aLeaderAfterARestore(Absence absence) {
    INSTALLATION.stopOperator();
    String before = INSTALLATION.lease().require().getMetadata().getUid();
    INSTALLATION
        .lease()
        .edit(
            lease -> {
              lease.getSpec().setLeaseTransitions(0);
              return lease;
            });
    Checkpoint checkpoint = INSTALLATION.apply(MACHINE);
    INSTALLATION.startOperator();
    absence.awaitRefusal();
    assertThat(INSTALLATION.lease().require().getMetadata().getUid()).isEqualTo(before);
    assertThat(checkpoint.isEstablished()).isFalse();
    return () -> {
      Installed.until("the end of the operator", () -> !INSTALLATION.operatorRuns());
      INSTALLATION.startOperator();
      checkpoint.whenReady();
    };
  }

  /** Does harm; returns what makes it good. */
  private interface Harm {
    Runnable isDone();
  }

  private static Runnable anAuthority(Absence absence, Harm harm) {
    INSTALLATION.stopOperator();
    Runnable undo = harm.isDone();
    Checkpoint checkpoint = INSTALLATION.apply(MACHINE);
    INSTALLATION.startOperator();
    absence.awaitRefusal();
    checkpoint.when(ConditionType.Ready, Status.False, Reason.SidecarUnreachable);
    assertThat(checkpoint.isEstablished()).isFalse();
    return () -> {
      INSTALLATION.stopOperator();
      undo.run();
      INSTALLATION.startOperator();
      checkpoint.whenReady();
    };
  }

  /** A sidecar reads whom to believe before it asks for its certificate. */
  private static Runnable someoneToBelieve(Absence absence, Harm harm) {
    INSTALLATION.stopOperator();
    Runnable undo = harm.isDone();
    INSTALLATION.startOperator();
    absence.awaitRefusal();
    int before = INSTALLATION.requests();
    try (SidecarProgram sidecar = INSTALLATION.startAnotherSidecar()) {
      Installed.until("its request", () -> INSTALLATION.requests() > before);
      assertThat(sidecar.isReady()).isFalse();
    }
    return () -> {
      INSTALLATION.stopOperator();
      undo.run();
      INSTALLATION.startOperator();
      anotherSidecarIsReady();
    };
  }

  private static Resource<Secret> secret() {
    return INSTALLATION
        .admin()
        .secrets()
        .inNamespace(Installed.OPERATOR_NAMESPACE)
        .withName(AUTHORITY);
  }

  private static Runnable withoutItsSecret() {
    return deleted(secret());
  }

  private static Runnable withASpoiltSecret() {
    Map<String, String> data = secret().require().getData();
    putSecret(data.keySet().stream().collect(toMap(key -> key, _ -> "")));
    return () -> putSecret(data);
  }

  private static void putSecret(Map<String, String> data) {
    secret().edit(before -> new SecretBuilder(before).withData(data).build());
  }

  private static Resource<ConfigMap> authorities() {
    return INSTALLATION
        .admin()
        .configMaps()
        .inNamespace(Installed.SIDECAR_NAMESPACE)
        .withName(AUTHORITIES);
  }

  private static Runnable withoutAListOfAuthorities() {
    return deleted(authorities());
  }

  private static Runnable withAnEmptyListOfAuthorities() {
    Map<String, String> data = authorities().require().getData();
    putAuthorities(Map.of());
    return () -> putAuthorities(data);
  }

  private static void putAuthorities(Map<String, String> data) {
    authorities().edit(before -> new ConfigMapBuilder(before).withData(data).build());
  }

  private static <T extends HasMetadata> Runnable deleted(Resource<T> resource) {
    T before = resource.require();
    resource.delete();
    return () -> {
      before.getMetadata().setResourceVersion(null);
      before.getMetadata().setUid(null);
      INSTALLATION.admin().resource(before).create();
    };
  }

  private static void deleteRecords() {
    records().forEach(Resource::delete);
  }

  private static void makeEmptyRecords() {
    deleteRecords();
    records().forEach(Resource::create);
  }

  /** The ConfigMaps of leftovers, none of which has to be there. */
  private static Stream<Resource<ConfigMap>> records() {
    return recordNames().stream()
        .map(
            name ->
                INSTALLATION
                    .admin()
                    .resource(
                        new ConfigMapBuilder()
                            .withNewMetadata()
                            .withNamespace(Installed.OPERATOR_NAMESPACE)
                            .withName(name)
                            .endMetadata()
                            .build()));
  }

  private static List<String> recordNames() {
    return IntStream.range(0, 16)
        .mapToObj(number -> "vmcheckpoint-leftovers-%d".formatted(number))
        .toList();
  }
}
