package dev.vmcheckpoint.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ConditionsTest {
  private static final Instant NOON = Instant.parse("2026-05-04T12:00:00Z");
  private static final Instant LATER = NOON.plusSeconds(60);

  private final Conditions creating =
      Conditions.none()
          .with(ConditionType.Ready, Status.False, Reason.Creating, "adding bitmaps", 1, NOON);

  @Test
  void aNewConditionIsOfNow() {
    assertThat(creating.list())
        .containsExactly(
            new Condition("Ready", Status.False, "Creating", "adding bitmaps", NOON, 1L));
  }

  @Test
  void aTransitionTimeHasWholeSeconds() {
    Conditions set =
        Conditions.none()
            .with(ConditionType.Ready, Status.True, Reason.Established, "", 1, NOON.plusMillis(7));

    assertThat(set.list()).extracting(Condition::lastTransitionTime).containsExactly(NOON);
  }

  @Test
  void theTransitionTimeMovesWhenTheStatusFlips() {
    Conditions flipped =
        creating.with(ConditionType.Ready, Status.True, Reason.Established, "", 1, LATER);

    assertThat(flipped.list()).extracting(Condition::lastTransitionTime).containsExactly(LATER);
  }

  @Test
  void theTransitionTimeStaysWhenOnlyReasonAndMessageChange() {
    Conditions worse =
        creating.with(ConditionType.Ready, Status.False, Reason.MonitorBusy, "held", 2, LATER);

    assertThat(worse.list())
        .containsExactly(new Condition("Ready", Status.False, "MonitorBusy", "held", NOON, 2L));
  }

  @Test
  void settingAConditionLeavesTheOthersAndTheOriginalAlone() {
    Conditions both =
        creating.with(ConditionType.Valid, Status.Unknown, Reason.NotEstablished, "", 1, LATER);

    assertThat(both.get(ConditionType.Ready)).isEqualTo(creating.get(ConditionType.Ready));
    assertThat(creating.list()).hasSize(1);
  }

  @Test
  void theOrderIsTheSameWhicheverIsSetFirst() {
    Conditions validFirst =
        Conditions.none()
            .with(ConditionType.Valid, Status.Unknown, Reason.NotEstablished, "", 1, NOON)
            .with(ConditionType.Ready, Status.False, Reason.Creating, "", 1, NOON);

    assertThat(validFirst.list()).extracting(Condition::type).containsExactly("Ready", "Valid");
  }

  @Test
  void aRemovedConditionIsGone() {
    assertThat(creating.without(ConditionType.Ready)).isEqualTo(Conditions.none());
  }

  @Test
  void onlyTrueIsTrue() {
    Conditions conditions =
        creating.with(ConditionType.Stalled, Status.True, Reason.DiskNotFound, "", 1, NOON);

    assertThat(conditions.isTrue(ConditionType.Stalled)).isTrue();
    assertThat(conditions.isTrue(ConditionType.Ready)).isFalse();
    assertThat(conditions.isTrue(ConditionType.Valid)).isFalse();
  }

  @Test
  void conditionsOfOtherWritersAreNotTakenOver() {
    Condition foreign = new Condition("Archived", Status.True, "Copied", "", NOON, null);

    assertThat(new Conditions(List.of(foreign))).isEqualTo(Conditions.none());
  }
}
