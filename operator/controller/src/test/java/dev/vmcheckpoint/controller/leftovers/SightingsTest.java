package dev.vmcheckpoint.controller.leftovers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.controller.decide.Leftover;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SightingsTest {
  private static final Duration TURN = Duration.ofSeconds(60);
  private static final Instant NOON = Instant.parse("2026-05-04T12:00:00Z");
  private static final Leftover GROWING = leftover(true);

  private final Sightings sightings = new Sightings(TURN);

  @Test
  void nothingEndsBeforeTheMachineWasSeen() {
    assertThat(sightings.mayGrow(GROWING, NOON.plus(TURN.multipliedBy(100)))).isTrue();
  }

  @Test
  void onlyALookThatBeganAfterTheLastTurnShowsEverything() {
    sightings.seen(GROWING, NOON);
    sightings.seen(GROWING, NOON.plusSeconds(30));

    assertThat(sightings.mayGrow(GROWING, NOON.plus(TURN).minusMillis(1))).isTrue();
    assertThat(sightings.mayGrow(GROWING, NOON.plus(TURN))).isFalse();
  }

  @Test
  void whatCannotGrowIsShownByAnyLook() {
    assertThat(sightings.mayGrow(leftover(false), NOON)).isFalse();
  }

  @Test
  void whatIsForgottenHasNotBeenSeen() {
    sightings.seen(GROWING, NOON);

    sightings.forget(GROWING);

    assertThat(sightings.mayGrow(GROWING, NOON.plus(TURN))).isTrue();
  }

  private static Leftover leftover(boolean mayGrow) {
    return new Leftover("uid", "shop", "db-0", NOON.getEpochSecond(), mayGrow, List.of());
  }
}
