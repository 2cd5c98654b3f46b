package dev.vmcheckpoint.qmp;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.vmcheckpoint.qmp", importOptions = DoNotIncludeTests.class)
final class ArchitectureTest {
  @ArchTest
  static final ArchRule THE_LIBRARY_STANDS_ON_JACKSON_ALONE =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.vmcheckpoint.qmp..", "com.fasterxml.jackson..", "org.jspecify..", "java..");

  @ArchTest
  static final ArchRule CHECKPOINTS_STAND_ON_FLUSHES_AND_MACHINES_AND_THESE_ON_QMP =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("qmp")
          .definedBy("dev.vmcheckpoint.qmp")
          .layer("machine")
          .definedBy("dev.vmcheckpoint.qmp.machine")
          .layer("flush")
          .definedBy("dev.vmcheckpoint.qmp.flush")
          .layer("checkpoint")
          .definedBy("dev.vmcheckpoint.qmp.checkpoint")
          .whereLayer("checkpoint")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("flush")
          .mayOnlyBeAccessedByLayers("checkpoint")
          .whereLayer("machine")
          .mayOnlyBeAccessedByLayers("checkpoint");
}
