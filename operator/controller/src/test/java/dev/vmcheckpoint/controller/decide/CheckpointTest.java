package dev.vmcheckpoint.controller.decide;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CheckpointTest {
  private final Checkpoint checkpoint = Cases.fresh();

  @ParameterizedTest
  @ValueSource(strings = {"vda", "a.vda", "scsi0-0-0_1"})
  void aBitmapBelongsToTheDiskThatItsNameEndsWith(String disk) {
    assertThat(checkpoint.owns(Cases.bitmapOf(disk), disk)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vmcp-0a1b2c3d-0000-4000-8000-000000000002.attempt.vda",
        "vmcp-0a1b2c3d-0000-4000-8000-000000000001.attempt.vdb",
        "vmcp-0a1b2c3d-0000-4000-8000-000000000001.attempt.a.vda",
        "vmcp-0a1b2c3d-0000-4000-8000-000000000001.vda",
        "vmcp-0a1b2c3d-0000-4000-8000-000000000001..vda",
        "vmcp-epoch.vda",
        ""
      })
  void anyOtherNameDoesNot(String bitmap) {
    assertThat(checkpoint.owns(bitmap, "vda")).isFalse();
  }

  @Test
  void aProbeIsPendingUntilTheStatusAnswersIt() {
    assertThat(checkpoint.probeIsPending()).isFalse();
    Checkpoint asked = Cases.probed(checkpoint, "p1");
    assertThat(asked.probeIsPending()).isTrue();
    Decision answered = Cases.decide(asked, Cases.gone(), List.of(), Cases.NOON);
    assertThat(Cases.saying(asked, ((Decision.Report) answered).status()).probeIsPending())
        .isFalse();
  }
}
