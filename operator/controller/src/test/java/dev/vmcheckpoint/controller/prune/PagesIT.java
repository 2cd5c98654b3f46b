package dev.vmcheckpoint.controller.prune;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.controller.fixture.TestCluster;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ConfigMapList;
import io.fabric8.kubernetes.api.model.ListOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A real API server is asked for one page after the other. */
final class PagesIT {
  private static final int PAGES = 3;

  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  private final Pages pages = new Pages();
  private final List<Integer> lengths = new ArrayList<>();

  @BeforeEach
  void create() {
    names().forEach(PagesIT::create);
  }

  private static void create(String name) {
    CLUSTER
        .admin()
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withNamespace(CLUSTER.namespace())
                .withName(name)
                .endMetadata()
                .build())
        .create();
  }

  private static Set<String> names() {
    return IntStream.range(0, PAGES * (int) Pages.SIZE)
        .mapToObj(i -> "listed-" + i)
        .collect(toSet());
  }

  @Test
  void everythingIsListedAndNoPageIsLarger() {
    assertThat(pages.list(CLUSTER.namespace(), this::recorded))
        .extracting(item -> item.getMetadata().getName())
        .containsExactlyInAnyOrderElementsOf(names());
    assertThat(lengths)
        .hasSize(PAGES)
        .allSatisfy(length -> assertThat(length).isEqualTo((int) Pages.SIZE));
  }

  @Test
  void whoFindsWhatHeLooksForAsksForNoMore() {
    assertThat(pages.list(CLUSTER.namespace(), this::recorded).findFirst()).isPresent();
    assertThat(lengths).hasSize(1);
  }

  private ConfigMapList recorded(ListOptions options) {
    ConfigMapList page =
        CLUSTER.admin().configMaps().inNamespace(CLUSTER.namespace()).list(options);
    lengths.add(page.getItems().size());
    return page;
  }
}
