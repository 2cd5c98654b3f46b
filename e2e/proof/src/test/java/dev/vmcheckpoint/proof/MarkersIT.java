package dev.vmcheckpoint.proof;

import static dev.vmcheckpoint.proof.Said.assertRecording;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** How many markers of openings there are on a disk, however long it has checkpoints. */
final class MarkersIT {
  @RegisterExtension static final RunningSystem SYSTEM = new RunningSystem();

  private static final String PERSISTENT = "vmcp-epoch.";
  private static final String TRANSIENT = "vmcp-open.";

  /** Of an image that nobody closes: that of the present opening, and a few of earlier overlays. */
  private static final int MOST_TRANSIENT = 10;

  @RegisterExtension final Scene scene = new Scene(SYSTEM);

  @Test
  void tenOverlaysThatCarryTheBitmapsAlongAndAreCommittedLeaveOneToBeStored() {
    Resource one = scene.established();
    Resource other = scene.checkpoint();

    for (int rotation = 0; rotation < 10; rotation++) {
      scene.carryAlong(one, other);
      assertRecording(one);
      assertRecording(other);
      scene.commit();
      scene.machine().monitor().run("blockdev-del", "node-name", "top");
      assertRecording(one);
      assertRecording(other);
    }

    awaitOneToBeStored(one, other);
    assertThat(count(TRANSIENT)).isLessThanOrEqualTo(MOST_TRANSIENT);
  }

  @Test
  void tenRestartsAndOverlaysWithoutBitmapsLeaveOne() throws IOException {
    Resource one = scene.established();
    Resource other = scene.checkpoint();

    for (int rotation = 0; rotation < 10; rotation++) {
      if (rotation % 2 == 0) {
        scene.putOverlay();
        scene.commit();
      } else {
        scene.restart();
      }
      assertRecording(one);
      assertRecording(other);
    }

    awaitOneToBeStored(one, other);
    assertThat(count(TRANSIENT)).isEqualTo(1);
    scene.machine().quit();
    assertThat(stored())
        .as("the bitmaps of two checkpoints and a marker")
        .hasSize(3)
        .filteredOn(name -> name.startsWith(PERSISTENT))
        .hasSize(1);
  }

  private void awaitOneToBeStored(Resource one, Resource other) {
    Awaiting.of("the present opening's marker alone")
        .untilAsserted(
            () ->
                assertThat(Scene.bitmapsOf(scene.machine()))
                    .filteredOn(name -> name.startsWith(PERSISTENT))
                    .hasSize(1));
    assertThat(epoch(one)).isEqualTo(epoch(other));
    assertThat(Scene.bitmapsOf(scene.machine())).contains(PERSISTENT + epoch(one));
  }

  private static String epoch(Resource checkpoint) {
    return Said.disk(checkpoint.status()).path("epoch").asText();
  }

  private long count(String prefix) {
    return Scene.bitmapsOf(scene.machine()).stream()
        .filter(name -> name.startsWith(prefix))
        .count();
  }

  /** Names of the bitmaps in the image that nobody has open. */
  private List<String> stored() throws IOException {
    JsonNode info =
        new ObjectMapper()
            .readTree(Tool.run("qemu-img", "info", "--output=json", scene.image().toString()));
    return info.at("/format-specific/data/bitmaps").findValuesAsText("name");
  }
}
