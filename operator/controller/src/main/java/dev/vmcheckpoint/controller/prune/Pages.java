package dev.vmcheckpoint.controller.prune;

import dev.vmcheckpoint.controller.schedule.Aside;
import dev.vmcheckpoint.controller.schedule.Turns;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesResourceList;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Lists in pages, of which one is in memory at a time. Namespaces take turns. Safe for use by
 * several threads, which should be virtual.
 */
public final class Pages {
  /**
   * Objects per page. Ten of the largest that the API server keeps, 1.5 MiB each, fit into the heap
   * twice, as bytes that come and as one whole, for several watches at once; and ten thousand small
   * ones take a thousand calls of some milliseconds.
   */
  public static final long SIZE = 10;

  private static final String EVERYBODY = "";

  private final Turns turns = new Turns(1, Aside.NONE);

  /**
   * What is listed, page by page as it is consumed.
   *
   * @param namespace the one that is listed
   * @param lister asks the API server for one page
   */
  public <T extends HasMetadata> Stream<T> list(
      String namespace, Function<ListOptions, ? extends KubernetesResourceList<T>> lister) {
    return Stream.iterate(
            Optional.of(page(namespace, lister, "")),
            Optional::isPresent,
            page -> next(page.get()).map(token -> page(namespace, lister, token)))
        .flatMap(page -> page.orElseThrow().getItems().stream());
  }

  private <T extends HasMetadata> KubernetesResourceList<T> page(
      String namespace,
      Function<ListOptions, ? extends KubernetesResourceList<T>> lister,
      String token) {
    return turns.take(
        "namespace " + namespace,
        () ->
            turns.take(
                EVERYBODY,
                () ->
                    lister.apply(
                        new ListOptionsBuilder().withLimit(SIZE).withContinue(token).build())));
  }

  private static Optional<String> next(KubernetesResourceList<?> page) {
    return Optional.ofNullable(page.getMetadata().getContinue()).filter(token -> !token.isEmpty());
  }
}
