package dev.vmcheckpoint.qmp.checkpoint;

import static dev.vmcheckpoint.qmp.checkpoint.Machines.above;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.busy;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.disk;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.healthy;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.layer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.BitmapBusy;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.MergeImpossible;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.Disk.Layer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class MergeTest {
  private static final String NAME = "vmcp-0a.1.vda";

  static Stream<Bitmap> broken() {
    return Stream.of(
        new Bitmap(NAME, 65536, 0, false, true, false, false, false),
        new Bitmap(NAME, 65536, 0, true, false, false, false, false),
        new Bitmap(NAME, 65536, 0, false, true, false, true, false));
  }

  @Test
  void allLayersThatHaveTheBitmapAreSources() {
    Disk vda =
        above(
            disk("vda", healthy(NAME)),
            layer("mid", healthy(NAME)),
            layer("base", healthy("vmcp-0b.1.vda"), healthy(NAME)),
            layer("golden"));

    assertThat(Merge.of(vda, NAME))
        .contains(
            new Merge(new BitmapAt("vda", "vda-node", NAME), List.of("mid-node", "base-node")));
  }

  @Test
  void theArgumentsNameEachSourceByItsNode() {
    Merge merge = new Merge(new BitmapAt("vda", "top", "b"), List.of("base"));

    assertThat(merge.arguments())
        .hasToString(
            """
            {"node":"top","target":"b","bitmaps":[{"node":"base","name":"b"}]}""");
  }

  @Test
  void withoutSourcesThereIsNothingToMerge() {
    assertThat(Merge.of(above(disk("vda", healthy(NAME)), layer("base")), NAME)).isEmpty();
  }

  @Test
  void theActiveImageHasToHaveTheBitmap() {
    assertImpossible(above(disk("vda"), layer("base", healthy(NAME))));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void theActiveBitmapHasToListEveryWrite(Bitmap broken) {
    assertImpossible(above(disk("vda", broken), layer("base", healthy(NAME))));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void aLowerBitmapHasToListEveryWrite(Bitmap broken) {
    assertImpossible(above(disk("vda", healthy(NAME)), layer("base", broken)));
  }

  @Test
  void noLayerBetweenMayLackIt() {
    assertImpossible(above(disk("vda", healthy(NAME)), layer("mid"), layer("base", healthy(NAME))));
  }

  @Test
  void allLayersThatHaveItAreOfOneSize() {
    Layer larger = new Layer("base-node", false, "base.qcow2", 2 << 20, List.of(healthy(NAME)));

    assertImpossible(above(disk("vda", healthy(NAME)), larger));
  }

  @Test
  void noneMayBeInUse() {
    assertThatThrownBy(
            () -> Merge.of(above(disk("vda", busy(NAME)), layer("base", healthy(NAME))), NAME))
        .isInstanceOf(BitmapBusy.class)
        .hasMessageContaining("on the active image");
    assertThatThrownBy(
            () -> Merge.of(above(disk("vda", healthy(NAME)), layer("base", busy(NAME))), NAME))
        .isInstanceOf(BitmapBusy.class)
        .hasMessageContaining("on the lower layer base.qcow2");
  }

  private static void assertImpossible(Disk disk) {
    assertThatThrownBy(() -> Merge.of(disk, NAME)).isInstanceOf(MergeImpossible.class);
  }
}
