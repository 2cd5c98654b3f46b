package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.controller.fixture.TestCluster;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A cluster in which each test begins without an authority. */
abstract class WithAuthorities {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  final AuthorityObjects objects = new AuthorityObjects(CLUSTER);
  final Requests requests = new Requests(CLUSTER);

  @BeforeEach
  void permit() {
    objects.deleteAll();
    requests.permit();
  }

  @AfterEach
  void clean() {
    requests.deleteAll();
    objects.deleteAll();
  }
}
