package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.controller.fixture.TestCluster;
import io.fabric8.kubernetes.client.Config;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A cluster with one operator that runs through all tests of the class. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class WithOperator {
  @RegisterExtension final TestCluster cluster = new TestCluster();

  OperatorProcess operator;

  @BeforeAll
  void startOperator() {
    operator = OperatorProcess.start(cluster, config());
  }

  /** How the operator reaches the API server. */
  Config config() {
    return cluster.operatorConfig();
  }

  @AfterAll
  void stopOperator() {
    operator.close();
  }
}
