package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.vmcheckpoint.qmp.checkpoint.BitmapNames.Parts;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BitmapNamesTest {
  private static final String UID = "0a1b2c3d-1111-2222-3333-444455556666";

  @Test
  void aNameSaysWhoseItIsWhichTryAndWhichDisk() {
    assertThat(Parts.of("vmcp-" + UID + ".01a2.virtio.disk-0"))
        .contains(new Parts(UID, "01a2", "virtio.disk-0"));
  }

  @Test
  void namesAreReadAsTheyAreWritten() {
    Parts parts = new Parts(UID, new Ids().attempt(), "vda");

    assertThat(Parts.of(parts.name())).contains(parts);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vmcp-epoch.01",
        "vmcp-open.01",
        "vmcp-0a.1",
        "vmcp-0a.1.",
        "foreign",
        "xvmcp-0a.1.vda"
      })
  void otherNamesAreNoCheckpoints(String name) {
    assertThat(Parts.of(name)).isEmpty();
  }

  @Test
  void theLongestNameIsSafeForMigrationAliases() {
    assertThat(new Parts(UID, new Ids().attempt(), "d".repeat(128)).name().length())
        .isLessThanOrEqualTo(200);
  }

  @Test
  void noTwoTriesHaveTheSameName() {
    Ids ids = new Ids();

    assertThat(ids.attempt()).hasSize(24).isNotEqualTo(ids.attempt());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-", "0A", "a.b", "a/b", "vda", "0a-"})
  void aUidIsHexadecimalDigitsAndHyphens(String uid) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CheckpointUid(uid))
        .withMessageContaining("hexadecimal");
  }

  @Test
  void theDefaultGranularityIsToLeaveItOut() {
    Addition addition =
        Addition.recording(Machines.disk("vda"), "vmcp-0a.1.vda", OptionalLong.empty());

    assertThat(addition.arguments().toString())
        .isEqualTo(
            "{\"node\":\"vda-node\",\"name\":\"vmcp-0a.1.vda\",\"persistent\":true,\"disabled\":false}");
  }
}
