package dev.vmcheckpoint.qmp.machine;

import dev.vmcheckpoint.qmp.machine.Ineligibility.Reason;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a disk is called, from the {@code qdev} member of QAPI {@code BlockInfo}: the device's id,
 * or its QOM path, or a QOM path below it.
 *
 * @param value the id without libvirt's prefix for ids that its users chose, or the QOM path of a
 *     device that has none
 * @param hasId whether the device has an id
 */
record DeviceName(String value, boolean hasId) {
  private static final String PERIPHERAL = "/machine/peripheral/";
  private static final String PERIPHERAL_ANON = "/machine/peripheral-anon/";
  private static final String UNATTACHED = "/machine/unattached/";
  private static final String LIBVIRT_USER_ALIAS = "ua-";
  private static final int MAX_BYTES = 128;

  /** What is safe in file names, libvirt's schemas and migration aliases, as bitmap names are. */
  private static final Pattern SUPPORTED = Pattern.compile("[A-Za-z0-9._-]+");

  /** Empty for what is part of the machine itself and no disk, such as firmware flash. */
  static Optional<DeviceName> of(String qdev) {
    if (!qdev.startsWith("/")) {
      return Optional.of(ofId(qdev));
    }
    if (qdev.startsWith(PERIPHERAL)) {
      String path = qdev.substring(PERIPHERAL.length());
      int end = path.indexOf('/');
      return Optional.of(ofId(end < 0 ? path : path.substring(0, end)));
    }
    if (qdev.startsWith(PERIPHERAL_ANON) || qdev.startsWith(UNATTACHED)) {
      return Optional.of(new DeviceName(qdev, false));
    }
    return Optional.empty();
  }

  private static DeviceName ofId(String id) {
    boolean alias = id.startsWith(LIBVIRT_USER_ALIAS) && id.length() > LIBVIRT_USER_ALIAS.length();
    return new DeviceName(alias ? id.substring(LIBVIRT_USER_ALIAS.length()) : id, true);
  }

  /** Why a disk of this name cannot have bitmaps, whose names end with it. */
  Optional<Ineligibility> ineligibility() {
    if (!hasId) {
      return Optional.of(
          new Ineligibility(
              Reason.DeviceWithoutID, "the device %s has no id to name it by".formatted(value)));
    }
    int bytes = value.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_BYTES) {
      return Optional.of(
          new Ineligibility(
              Reason.DeviceIDTooLong,
              "the device's id has %d bytes, and at most %d are supported"
                  .formatted(bytes, MAX_BYTES)));
    }
    if (!SUPPORTED.matcher(value).matches()) {
      return Optional.of(
          new Ineligibility(
              Reason.DeviceIDUnsupported,
              "the device's id '%s' has characters other than letters, digits, dot, hyphen and underscore"
                  .formatted(value)));
    }
    return Optional.empty();
  }
}
