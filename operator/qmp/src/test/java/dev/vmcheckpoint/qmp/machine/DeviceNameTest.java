package dev.vmcheckpoint.qmp.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.qmp.machine.Ineligibility.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class DeviceNameTest {
  @ParameterizedTest
  @CsvSource({
    "/machine/peripheral/vda/virtio-backend, vda",
    "/machine/peripheral/vda, vda",
    "/machine/peripheral/usb1/usb1.0/legacy[0], usb1",
    "sata0-0-0, sata0-0-0",
    "/machine/peripheral/ua-db/virtio-backend, db",
    "ua-db, db",
    "ua-, ua-"
  })
  void theNameIsTheIdWithoutLibvirtsPrefix(String qdev, String name) {
    assertThat(DeviceName.of(qdev)).contains(new DeviceName(name, true));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/machine/peripheral-anon/device[0]/virtio-backend",
        "/machine/unattached/device[16]"
      })
  void aDeviceWithoutAnIdIsNamedByItsPath(String qdev) {
    DeviceName name = DeviceName.of(qdev).orElseThrow();

    assertThat(name.value()).isEqualTo(qdev);
    assertThat(name.ineligibility()).map(Ineligibility::reason).contains(Reason.DeviceWithoutID);
  }

  @Test
  void firmwareFlashIsNoDisk() {
    assertThat(DeviceName.of("/machine/system.flash1")).isEmpty();
  }

  @Test
  void anIdOf128BytesIsTheLongest() {
    assertThat(DeviceName.of("d".repeat(128)).orElseThrow().ineligibility()).isEmpty();
    assertThat(DeviceName.of("d".repeat(129)).orElseThrow().ineligibility())
        .map(Ineligibility::reason)
        .contains(Reason.DeviceIDTooLong);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a b", "a:b", "ä", "a,b"})
  void anIdHasLettersDigitsDotHyphenAndUnderscore(String id) {
    assertThat(DeviceName.of(id).orElseThrow().ineligibility())
        .map(Ineligibility::reason)
        .contains(Reason.DeviceIDUnsupported);
  }
}
