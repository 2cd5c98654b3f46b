package dev.vmcheckpoint.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A directory as a Secret mounts it, and what is said where it is of no use. */
final class TlsFilesIT {
  private final TestAuthority authority = new TestAuthority();
  @TempDir private Path directory = Path.of("");

  @BeforeEach
  void writeSecret() {
    authority.secret(directory, Subject.SIDECAR);
  }

  private void assertRefused(String file, String words) {
    assertThatThrownBy(() -> TestAuthority.read(directory))
        .isInstanceOf(TlsException.class)
        .hasMessageStartingWith(directory.resolve(file) + ": ")
        .hasMessageContaining(words);
  }

  @Test
  void aSecretIsRead() throws TlsException {
    assertThat(TestAuthority.read(directory)).isNotNull();
  }

  @Test
  void filesThatAreReplacedAreTakenUp() throws TlsException {
    AtomicLong now = new AtomicLong();
    TlsSource files = TlsFiles.in(directory, now::get, unusable -> {});
    TlsMaterial before = files.current();
    authority.secret(directory, Subject.SIDECAR);

    assertThat(files.current()).isSameAs(before);
    now.addAndGet(TimeUnit.SECONDS.toNanos(10));

    assertThat(files.current().identities()).isNotEqualTo(before.identities());
    assertThat(files.current()).isSameAs(files.current());
  }

  @Test
  void asLongAsTheNewOnesAreNotUsableTheEarlierOnesStay() throws Exception {
    AtomicLong now = new AtomicLong();
    List<TlsException> told = new ArrayList<>();
    TlsSource files = TlsFiles.in(directory, now::get, told::add);
    TlsMaterial before = files.current();
    Files.delete(directory.resolve("tls.key"));

    now.addAndGet(TimeUnit.SECONDS.toNanos(10));

    assertThat(files.current()).isSameAs(before);
    assertThat(told).singleElement().asString().contains("tls.key: no such file");
  }

  @Test
  void anRsaKeyIsReadAsWell() throws TlsException {
    authority.secret(directory, Subject.SIDECAR.withKey("RSA"));

    assertThat(TestAuthority.read(directory)).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tls.crt", "tls.key", "ca.crt"})
  void aMissingFileIsNamed(String file) throws IOException {
    Files.delete(directory.resolve(file));

    assertRefused(file, "no such file");
  }

  @Test
  void aFileThatCannotBeReadIsNamed() throws IOException {
    Files.delete(directory.resolve("ca.crt"));
    Files.createDirectory(directory.resolve("ca.crt"));

    assertRefused("ca.crt", "cannot be read");
  }

  @ParameterizedTest
  @CsvSource({
    "tls.crt, holds no PEM certificate",
    "tls.key, holds no PEM block 'PRIVATE KEY'",
    "ca.crt,  holds no PEM certificate"
  })
  void anEmptyFileIsNamed(String file, String words) throws IOException {
    Files.writeString(directory.resolve(file), "");

    assertRefused(file, words);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tls.crt", "ca.crt"})
  void aFileThatHoldsNoCertificateIsNamed(String file) throws IOException {
    Files.writeString(
        directory.resolve(file),
        "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n");

    assertRefused(file, "not a PEM certificate");
  }

  @Test
  void aKeyInAnotherFormIsRefusedWithTheWayToConvertIt() throws IOException {
    Path key = directory.resolve("tls.key");
    Files.writeString(
        key, Files.readString(key).replace("BEGIN PRIVATE KEY", "BEGIN EC PRIVATE KEY"));

    assertRefused("tls.key", "'openssl pkcs8 -topk8 -nocrypt' converts other forms");
  }

  @Test
  void aDamagedKeyIsRefused() throws IOException {
    Files.writeString(
        directory.resolve("tls.key"),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");

    assertRefused("tls.key", "not a PKCS #8 key of the certificate's kind, EC");
  }

  @Test
  void theKeyOfAnotherCertificateIsRefused(@TempDir Path other) throws IOException {
    authority.secret(other, Subject.SIDECAR);
    Files.copy(
        other.resolve("tls.key"),
        directory.resolve("tls.key"),
        StandardCopyOption.REPLACE_EXISTING);

    assertRefused("tls.key", "not the key of the certificate in tls.crt");
  }

  @Test
  void anExpiredCertificateIsRefused() {
    Instant yesterday = Instant.parse("2020-01-01T00:00:00Z");
    authority.secret(directory, Subject.SIDECAR.valid(yesterday.minusSeconds(60), yesterday));

    assertRefused("tls.crt", "the certificate expired at 2020-01-01T00:00:00Z");
  }

  @Test
  void aCertificateOfTheFutureIsRefused() {
    Instant future = Instant.parse("2090-01-01T00:00:00Z");
    authority.secret(directory, Subject.SIDECAR.valid(future, future.plusSeconds(60)));

    assertRefused("tls.crt", "the certificate is not valid before 2090-01-01T00:00:00Z");
  }
}
