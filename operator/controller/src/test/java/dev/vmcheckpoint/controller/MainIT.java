package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What is wrong with options, variables or files is one clear line, and exit status 2. */
final class MainIT {
  private static final Map<String, String> VARIABLES =
      Map.of("POD_NAME", "operator-0", "POD_NAMESPACE", "vmcheckpoint-system");

  @ParameterizedTest
  @CsvSource({
    "--no-such-option,                 --no-such-option",
    "--poll-interval=often,            --poll-interval",
    "--poll-interval=0s,               --poll-interval",
    "--deletion-timeout=10,            --deletion-timeout",
    "--probe-port=0,                   --probe-port",
    "--probe-port=http,                --probe-port",
    "--sidecar-port=65536,             --sidecar-port",
    "--max-checkpoints-per-disk=0,     --max-checkpoints-per-disk",
    "--max-checkpoints-per-disk=many,  --max-checkpoints-per-disk",
    "surplus,                          surplus",
  })
  void aWrongOptionIsNamed(String argument, String named) {
    assertThat(refused(VARIABLES, argument)).contains(named);
  }

  @Test
  void anOptionWithoutItsValueIsNamed() {
    assertThat(refused(VARIABLES, "--tls-dir")).contains("--tls-dir");
  }

  @ParameterizedTest
  @CsvSource({"POD_NAME, POD_NAMESPACE", "POD_NAMESPACE, POD_NAME"})
  void aMissingVariableIsNamed(String missing, String given) {
    assertThat(refused(Map.of(given, "value"))).contains(missing);
  }

  @Test
  void aMissingTlsDirectoryIsNamed(@TempDir Path folder) {
    Path missing = folder.resolve("missing");

    assertThat(refused(VARIABLES, "--tls-dir=" + missing)).contains(missing.toString());
  }

  @Test
  void anUnreadableCertificateIsNamed(@TempDir Path folder) throws Exception {
    for (String file : new String[] {"tls.crt", "tls.key", "ca.crt"}) {
      Files.writeString(folder.resolve(file), "no certificate");
    }

    assertThat(refused(VARIABLES, "--tls-dir=" + folder)).contains(folder.toString());
  }

  private static String refused(Map<String, String> variables, String... arguments) {
    StringWriter err = new StringWriter();
    CommandLine line = Main.commandLine(variables).setErr(new PrintWriter(err));

    assertThat(line.execute(arguments)).isEqualTo(2);
    assertThat(err.toString().strip().lines()).hasSize(1);
    return err.toString();
  }
}
