package dev.vmcheckpoint.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names as QEMU gives them to images. */
final class ImageNameTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/a.qcow2",
        """
        json:{"backing": null, "driver": "qcow2", "file": {"driver": "file", "filename": "/a.qcow2"}}""",
        """
        json:{"driver": "qcow2", "file": {"driver": "throttle", "throttle-group": "slow",
              "file": {"driver": "file", "filename": "/a.qcow2"}}}""",
        """
        json:{"backing": {"driver": "raw", "file": {"driver": "file", "filename": "/b"}},
              "driver": "qcow2", "file": {"driver": "host_device", "filename": "/a.qcow2"}}"""
      })
  void anImageIsKnownByItsOwnFile(String name) {
    assertThat(ImageName.file(name)).isEqualTo("/a.qcow2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "json:{}",
        "json:{\"driver\": \"qcow2\", \"file\": {\"driver\": \"file\", \"filen",
        "json:{\"driver\": \"nbd\", \"server\": {\"type\": \"unix\", \"path\": \"/s\"}}",
        "json:{\"file\": {\"filename\": 7}}",
        "nbd+unix:///?socket=/s"
      })
  void whereThatIsNotToldByTheWholeName(String name) {
    assertThat(ImageName.file(name)).isEqualTo(name);
  }

  @Test
  void aPartOfAFileIsNotTheFile() {
    String part =
        """
        json:{"driver": "qcow2", "file": {"driver": "raw", "offset": 512,
              "file": {"driver": "file", "filename": "/a"}}}""";

    assertThat(ImageName.file(part)).isEqualTo(part);
  }

  @Test
  void anImageInAnImageIsNotTheFile() {
    String nested =
        """
        json:{"driver": "raw", "file": {"driver": "qcow2",
              "file": {"driver": "file", "filename": "/a.qcow2"}}}""";

    assertThat(ImageName.file(nested)).isEqualTo(nested);
  }

  @Test
  void deepNestingIsNotFollowed() {
    String deep = "json:" + "{\"file\":".repeat(5_000) + "{}" + "}".repeat(5_000);

    assertThat(ImageName.file(deep)).isEqualTo(deep);
  }
}
