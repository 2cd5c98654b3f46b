package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** The operator keeps in memory nothing of what others write to a resource, and takes none away. */
final class ForeignMetadataIT extends WithOperator {
  private static final String FOREIGN = "example.com/foreign";

  @Test
  void whatOthersWroteStaysFromTheCreationToTheRelease() {
    cluster.startSidecar();
    TestCheckpoint checkpoint = cluster.apply("kept", "db-0");
    checkpoint.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
    checkpoint.patch(
        """
        {"metadata": {
          "labels": {"%1$s": "label"},
          "annotations": {"%1$s": "annotation"},
          "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "db", "uid": "u"}],
          "finalizers": ["%1$s", "%2$s", "example.com/another"]}}
        """
            .formatted(FOREIGN, WellKnown.FINALIZER));

    FakeMachine machine = cluster.startMachine("db-0", "vda");
    checkpoint.whenReady();
    String uid = checkpoint.uid();
    checkpoint.requestProbe("now");
    checkpoint.when("probed", now -> "now".equals(now.lastHandledProbeAt()));
    assertThat(machine.bitmapsOf(uid, "vda")).hasSize(1);
    checkpoint.delete();
    TestCluster.awaitThat(
        "the release",
        () -> has(checkpoint, metadata -> !metadata.getFinalizers().contains(WellKnown.FINALIZER)));

    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
    assertThat(checkpoint.get())
        .hasValueSatisfying(
            left -> {
              ObjectMeta metadata = left.getMetadata();
              assertThat(metadata.getLabels()).containsEntry(FOREIGN, "label");
              assertThat(metadata.getAnnotations()).containsEntry(FOREIGN, "annotation");
              assertThat(metadata.getOwnerReferences()).hasSize(1);
              assertThat(metadata.getFinalizers())
                  .isEqualTo(List.of(FOREIGN, "example.com/another"));
            });
    checkpoint.forceFinalizersAway();
    checkpoint.whenGone();
  }

  private static boolean has(TestCheckpoint checkpoint, Predicate<ObjectMeta> metadata) {
    return checkpoint.get().filter(now -> metadata.test(now.getMetadata())).isPresent();
  }
}
