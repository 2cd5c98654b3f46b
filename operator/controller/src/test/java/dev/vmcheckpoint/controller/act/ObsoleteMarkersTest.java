package dev.vmcheckpoint.controller.act;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.controller.decide.ObsoleteMarker;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ObsoleteMarkersTest {
  private final ObsoleteMarkers markers = new ObsoleteMarkers();

  @Test
  void areKnownPerMachineUntilTheyAreRemoved() {
    markers.add("shop", "db-0", List.of(marker("e0"), marker("e1")));
    markers.add("shop", "db-0", List.of(marker("e0")));

    markers.removed("shop", "db-0", List.of(marker("e0")));

    assertThat(markers.of("shop", "db-0")).containsExactly(marker("e1"));
    assertThat(markers.of("shop", "db-1")).isEmpty();
    assertThat(markers.of("mall", "db-0")).isEmpty();
  }

  @Test
  void theOldestOfAMachineAreForgottenFirst() {
    for (int i = 0; i <= 1_000; i++) {
      markers.add("shop", "db-0", List.of(marker("e" + i)));
    }

    assertThat(markers.of("shop", "db-0"))
        .hasSize(1_000)
        .doesNotContain(marker("e0"))
        .contains(marker("e1000"));
  }

  @Test
  void theOldestMachinesAreForgottenFirst() {
    for (int i = 0; i <= 10_000; i++) {
      markers.add("shop", "db-" + i, List.of(marker("e0")));
    }

    assertThat(markers.of("shop", "db-0")).isEmpty();
    assertThat(markers.of("shop", "db-10000")).hasSize(1);
  }

  private static ObsoleteMarker marker(String id) {
    return new ObsoleteMarker("vda", "/disks/vda.qcow2", id);
  }
}
