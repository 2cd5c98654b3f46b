package dev.vmcheckpoint.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request may say, and what is said of one that may not. */
final class RequestLimitsTest {
  private static EnsureRequest ensure(List<String> disks, long granularityBytes) {
    return new EnsureRequest(disks, Optional.of(granularityBytes), Barrier.Flush, Optional.empty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "6f1c2d6e-8a10-4d0c-9b7a-1d2f3a4b5c6d"})
  void aUidIsHexadecimalDigitsAndHyphens(String value) {
    assertThat(new PodUid(value)).hasToString(value);
    assertThat(new CheckpointUid(value)).hasToString(value);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "..", "a/b", "A1", "-a", "a-", "a.b", "a\n", "%2e%2e", "g"})
  void whatCouldLeadElsewhereIsNoUid(String value) {
    assertThatThrownBy(() -> new PodUid(value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("a pod UID is 1 to 64 lower-case hexadecimal digits and hyphens");
    assertThatThrownBy(() -> new CheckpointUid(value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("a checkpoint UID is");
  }

  @Test
  void aUidHasAtMost64Characters() {
    assertThat(new PodUid("a".repeat(64)).value()).hasSize(64);
    assertThatThrownBy(() -> new PodUid("a".repeat(65)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aCheckpointHasAtLeastOneDisk() {
    assertThatThrownBy(() -> ensure(List.of(), 512)).hasMessage("disks: 1 to 64, but 0 were given");
  }

  @Test
  void aCheckpointHasAtMost64Disks() {
    List<String> tooMany = IntStream.range(0, 65).mapToObj("vd%d"::formatted).toList();

    assertThatThrownBy(() -> ensure(tooMany, 512)).hasMessage("disks: 1 to 64, but 65 were given");
  }

  @Test
  void aDiskIsNamedOnce() {
    assertThatThrownBy(() -> ensure(List.of("vda", "vdb", "vda"), 512))
        .hasMessage("disks: one is named twice in [vda, vdb, vda]");
  }

  @ParameterizedTest
  @ValueSource(longs = {512, 65536, 1L << 31})
  void aGranularityIsAPowerOfTwo(long bytes) {
    assertThat(ensure(List.of("vda"), bytes).granularityBytes()).contains(bytes);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -512, 256, 1000, 1L << 32})
  void anyOtherGranularityIsRefused(long bytes) {
    assertThatThrownBy(() -> ensure(List.of("vda"), bytes))
        .hasMessage(
            "granularityBytes: a power of two from 512 to 2147483648, not %d".formatted(bytes));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0a", "..", "\n"})
  void whatWasObservedIsADigest(String observed) {
    assertThatThrownBy(
            () ->
                new EnsureRequest(
                    List.of("vda"), Optional.empty(), Barrier.Flush, Optional.of(observed)))
        .hasMessage(
            "observed: a digest is 64 lower-case hexadecimal digits, not '%s'".formatted(observed));
  }

  private static EpochRequest.Disk renewed(List<String> merge, List<String> remove) {
    return new EpochRequest.Disk("vda", "e1", merge, remove, false);
  }

  @Test
  void aRenewalIsOfAtLeastOneDiskAndOfEachOnce() {
    EpochRequest.Disk disk = renewed(List.of(), List.of());

    assertThatThrownBy(() -> new EpochRequest(List.of()))
        .hasMessage("disks: 1 to 64, but 0 were given");
    assertThatThrownBy(() -> new EpochRequest(Collections.nCopies(65, disk)))
        .hasMessage("disks: 1 to 64, but 65 were given");
    assertThatThrownBy(() -> new EpochRequest(List.of(disk, disk)))
        .hasMessage("disks: one is named twice in [vda, vda]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "E1", "e.1", "e 1"})
  void anEpochIsLettersAndDigits(String id) {
    assertThatThrownBy(() -> new EpochRequest.Disk("vda", id, List.of(), List.of(), false))
        .hasMessage(
            "recorded: an epoch's id is 1 to 64 lower-case letters and digits, not '%s'"
                .formatted(id));
    assertThatThrownBy(() -> renewed(List.of(), List.of(id)))
        .hasMessage(
            "remove: an epoch's id is 1 to 64 lower-case letters and digits, not '%s'"
                .formatted(id));
  }

  @Test
  void theEpochOnRecordIsNotRemoved() {
    assertThatThrownBy(() -> renewed(List.of(), List.of("e0", "e1")))
        .hasMessage("remove: e1 is on record for the disk vda");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "foreign", "vmcp-epoch.1", "vmcp-epoch.1.vda", "vmcp-0a.1.", "vmcp-0a.1.a/b"})
  void onlyBitmapsOfCheckpointsAreMerged(String name) {
    assertThatThrownBy(() -> renewed(List.of(name), List.of()))
        .hasMessage(
            "merge: a checkpoint's bitmap is called vmcp-<checkpoint UID>.<attempt>.<disk>, not '%s'"
                .formatted(name));
  }

  @Test
  void aRenewalMergesAndRemovesABoundedNumber() {
    assertThatThrownBy(() -> renewed(Collections.nCopies(9, "vmcp-0a.1.vda"), List.of()))
        .hasMessage("merge: at most 8, but 9 were given");
    assertThatThrownBy(() -> renewed(List.of(), Collections.nCopies(17, "e0")))
        .hasMessage("remove: at most 16, but 17 were given");
  }

  @Test
  void theLargestRenewalFitsIntoARequest() {
    String bitmap = "vmcp-%s.%s.%s".formatted("a".repeat(64), "1".repeat(24), "d".repeat(128));
    List<EpochRequest.Disk> disks =
        IntStream.range(0, 64)
            .mapToObj(
                disk ->
                    new EpochRequest.Disk(
                        "d".repeat(126) + disk,
                        "e".repeat(64),
                        Collections.nCopies(8, bitmap),
                        Collections.nCopies(16, "f".repeat(64)),
                        false))
            .toList();

    assertThat(Wire.bytes(new EpochRequest(disks)).length).isLessThan(Wire.MAX_REQUEST_BYTES);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "foreign",
        "vmcp-epoch.1",
        "vmcp-0b.1.vda",
        "vmcp-0a.1.vda/..",
        "vmcp-0a..vda"
      })
  void onlyABitmapOfTheCheckpointHasAPath(String name) {
    assertThatThrownBy(() -> Wire.bitmapPath(new PodUid("a"), new CheckpointUid("0a"), name))
        .hasMessage(
            "a bitmap of the checkpoint 0a is called vmcp-0a.<attempt>.<disk>, not '%s'"
                .formatted(name));
  }

  @Test
  void anObservationNamesAtMost1024Machines() {
    ObserveRequest.Target target = new ObserveRequest.Target(new PodUid("a"));

    assertThatThrownBy(() -> new ObserveRequest(Collections.nCopies(1025, target)))
        .hasMessage("at most 1024 machines a call, not 1025");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, 300_001})
  void aDeadlineIsPositiveAndBounded(long millis) {
    assertThatThrownBy(() -> new MutationContext("start-1", 0, millis))
        .hasMessage(
            "Vmcheckpoint-Deadline-Millis is 1 to 300000, but %d was given".formatted(millis));
  }

  @Test
  void aLeaderTermIsNotNegative() {
    assertThatThrownBy(() -> new MutationContext("start-1", -1, 1000))
        .hasMessage("Vmcheckpoint-Leader-Term is not negative, but -1 was given");
  }

  @Test
  void aStartIdIsNotEmpty() {
    assertThatThrownBy(() -> new MutationContext("", 0, 1000))
        .hasMessage("Vmcheckpoint-Start-Id is 1 to 64 characters");
  }
}
