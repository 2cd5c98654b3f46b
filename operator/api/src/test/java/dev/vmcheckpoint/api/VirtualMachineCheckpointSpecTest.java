package dev.vmcheckpoint.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.Barrier;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.IneligibleDisks;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.VirtualMachineRef;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class VirtualMachineCheckpointSpecTest {
  @ParameterizedTest
  @CsvSource({"512, 512", "64Ki, 65536", "65536, 65536", "1Mi, 1048576", "2Gi, 2147483648"})
  void aGranularityIsAQuantityOfBytes(String quantity, long bytes) {
    assertThat(spec(quantity).granularityInBytes()).hasValue(bytes);
  }

  @Test
  void withoutAGranularityTheChoiceIsQemus() {
    assertThat(spec(null).granularityInBytes()).isEmpty();
  }

  private static VirtualMachineCheckpointSpec spec(@Nullable String granularity) {
    return new VirtualMachineCheckpointSpec(
        new VirtualMachineRef("db-0"), List.of(), IneligibleDisks.Fail, granularity, Barrier.Flush);
  }
}
