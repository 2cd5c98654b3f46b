package dev.vmcheckpoint.sidecar;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rooms of the sidecar, and what each may know. */
@AnalyzeClasses(packages = "dev.vmcheckpoint.sidecar", importOptions = DoNotIncludeTests.class)
final class ArchitectureTest {
  @ArchTest
  static final ArchRule NOTHING_OF_KUBERNETES_OR_THE_OPERATOR =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.fabric8..",
              "io.kubernetes..",
              "dev.vmcheckpoint.api..",
              "dev.vmcheckpoint.controller..");

  @ArchTest
  static final ArchRule EVERYTHING_IS_IN_A_ROOM =
      classes()
          .should()
          .resideInAnyPackage(
              "dev.vmcheckpoint.sidecar",
              "dev.vmcheckpoint.sidecar.certificate",
              "dev.vmcheckpoint.sidecar.handle",
              "dev.vmcheckpoint.sidecar.http",
              "dev.vmcheckpoint.sidecar.machine");

  @ArchTest
  static final ArchRule HTTP_KNOWS_NO_MACHINES =
      noClasses()
          .that()
          .resideInAPackage("..sidecar.http..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..sidecar.machine..", "dev.vmcheckpoint.qmp..");

  @ArchTest
  static final ArchRule MACHINES_KNOW_NO_HTTP =
      noClasses()
          .that()
          .resideInAPackage("..sidecar.machine..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..sidecar.http..", "com.sun.net.httpserver..", "java.net.http..");

  @ArchTest
  static final ArchRule ROOMS_FORM_NO_CYCLE =
      slices().matching("dev.vmcheckpoint.sidecar.(*)..").should().beFreeOfCycles();
}
