package dev.vmcheckpoint.controller;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZonedDateTime;

@AnalyzeClasses(packages = "dev.vmcheckpoint", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
  private static final String DECIDE = "dev.vmcheckpoint.controller.decide..";
  private static final String CERTIFICATES = "dev.vmcheckpoint.controller.certificates..";

  @ArchTest
  static final ArchRule theControllerKnowsOfOursOnlyTheApiAndTheContractToTheSidecar =
      noClasses()
          .that()
          .resideInAPackage("dev.vmcheckpoint.controller..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.vmcheckpoint.qmp..", "dev.vmcheckpoint.sidecar..");

  @ArchTest
  static final ArchRule decisionsKnowOnlyValues =
      classes()
          .that()
          .resideInAPackage(DECIDE)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              DECIDE,
              "dev.vmcheckpoint.api",
              "dev.vmcheckpoint.node",
              "org.jspecify.annotations",
              "java.lang..",
              "java.time..",
              "java.util",
              "java.util.function",
              "java.util.stream");

  @ArchTest
  static final ArchRule decisionsDoNotTouchTheResourceItselfNorTheWayToASidecar =
      noClasses()
          .that()
          .resideInAPackage(DECIDE)
          .should()
          .dependOnClassesThat()
          .haveNameMatching(
              "dev\\.vmcheckpoint\\.(api\\.VirtualMachineCheckpoint|node\\.(Http|Node)\\w*Api)");

  @ArchTest
  static final ArchRule decisionsReadNoClock =
      noClasses()
          .that()
          .resideInAPackage(DECIDE)
          .should()
          .callMethod(Instant.class, "now")
          .orShould()
          .callMethod(LocalDateTime.class, "now")
          .orShould()
          .callMethod(ZonedDateTime.class, "now")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(Clock.class);

  @ArchTest
  static final ArchRule whatIsSignedDependsOnNothingOfOursButLeadershipAndTheContract =
      noClasses()
          .that()
          .resideInAPackage(CERTIFICATES)
          .should()
          .dependOnClassesThat(
              resideInAPackage("dev.vmcheckpoint..")
                  .and(
                      resideOutsideOfPackages(
                          CERTIFICATES,
                          "dev.vmcheckpoint.api",
                          "dev.vmcheckpoint.node",
                          "dev.vmcheckpoint.controller.lead")));

  @ArchTest
  static final ArchRule onlyOneRoomHandlesRequestsAndKeys =
      noClasses()
          .that()
          .resideInAPackage("dev.vmcheckpoint.controller..")
          .and()
          .resideOutsideOfPackage(CERTIFICATES)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.bouncycastle..", "java.security..");

  @ArchTest
  static final ArchRule roomsDoNotDependOnEachOtherInCircles =
      slices().matching("dev.vmcheckpoint.controller.(*)..").should().beFreeOfCycles();
}
