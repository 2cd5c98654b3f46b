package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Programs;
import io.fabric8.kubernetes.api.model.AppArmorProfile;
import io.fabric8.kubernetes.api.model.AppArmorProfileBuilder;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EphemeralContainerBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.SELinuxOptions;
import io.fabric8.kubernetes.api.model.SELinuxOptionsBuilder;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pod Security permits every pod in the sidecar's namespace; this is what else has a say there. */
class SidecarPodsIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String NODE = "a pod here uses no namespace and no port of its node";
  private static final String FOLDER =
      "a pod here mounts no folder of its node but /var/lib/kubelet/pods";
  private static final String READ_ONLY = "a pod here mounts a folder of its node read-only";
  private static final String PRIVILEGES = "a pod here runs as another user than root";

  private static final String CONFINED = "a pod here stays confined by SELinux";

  private final Programs programs = new Programs(CLUSTER);

  /** A pod like the sidecar's but for one thing. */
  record Deviation(String name, Consumer<Pod> change, String answer) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Deviation> deviations() {
    return Stream.of(
        new Deviation("host network", pod -> pod.getSpec().setHostNetwork(true), NODE),
        new Deviation("host processes", pod -> pod.getSpec().setHostPID(true), NODE),
        new Deviation("host IPC", pod -> pod.getSpec().setHostIPC(true), NODE),
        new Deviation(
            "host port",
            pod -> container(pod, c -> c.getPorts().getFirst().setHostPort(8443)),
            NODE),
        new Deviation(
            "another folder",
            pod ->
                pod.getSpec()
                    .getVolumes()
                    .add(
                        new VolumeBuilder()
                            .withName("root")
                            .withNewHostPath("/", "Directory")
                            .build()),
            FOLDER),
        new Deviation(
            "a folder above",
            pod -> pod.getSpec().getVolumes().getFirst().getHostPath().setPath("/var/lib/kubelet"),
            FOLDER),
        new Deviation(
            "a folder to write to",
            pod -> container(pod, c -> c.getVolumeMounts().getFirst().setReadOnly(false)),
            READ_ONLY),
        new Deviation(
            "a folder to write to in an init container",
            pod ->
                pod.getSpec()
                    .getInitContainers()
                    .add(
                        new ContainerBuilder(pod.getSpec().getContainers().getFirst())
                            .withName("init")
                            .withRestartPolicy("Always")
                            .editFirstVolumeMount()
                            .withReadOnly(false)
                            .endVolumeMount()
                            .build()),
            READ_ONLY),
        new Deviation(
            "perhaps root",
            pod -> pod.getSpec().getSecurityContext().setRunAsNonRoot(null),
            PRIVILEGES),
        new Deviation(
            "a container as root",
            pod -> container(pod, c -> c.getSecurityContext().setRunAsUser(0L)),
            PRIVILEGES),
        new Deviation(
            "a container that may be root",
            pod -> container(pod, c -> c.getSecurityContext().setRunAsNonRoot(false)),
            PRIVILEGES),
        new Deviation(
            "no seccomp",
            pod -> pod.getSpec().getSecurityContext().setSeccompProfile(null),
            PRIVILEGES),
        new Deviation(
            "gaining privileges",
            pod -> container(pod, c -> c.getSecurityContext().setAllowPrivilegeEscalation(null)),
            PRIVILEGES),
        new Deviation(
            "capabilities kept",
            pod -> container(pod, c -> c.getSecurityContext().getCapabilities().getDrop().clear()),
            PRIVILEGES),
        new Deviation(
            "a capability added",
            pod ->
                container(
                    pod,
                    c -> c.getSecurityContext().getCapabilities().getAdd().add("DAC_READ_SEARCH")),
            PRIVILEGES),
        new Deviation(
            "another type of SELinux",
            pod -> pod.getSpec().getSecurityContext().setSeLinuxOptions(type("spc_t")),
            CONFINED),
        new Deviation(
            "a container with another type of SELinux",
            pod -> container(pod, c -> c.getSecurityContext().setSeLinuxOptions(type("spc_t"))),
            CONFINED),
        new Deviation(
            "another role of SELinux",
            pod ->
                container(
                    pod,
                    c ->
                        c.getSecurityContext()
                            .setSeLinuxOptions(
                                new SELinuxOptionsBuilder().withRole("sysadm_r").build())),
            CONFINED),
        new Deviation(
            "no AppArmor",
            pod -> pod.getSpec().getSecurityContext().setAppArmorProfile(unconfined()),
            CONFINED),
        new Deviation(
            "a container without AppArmor",
            pod -> container(pod, c -> c.getSecurityContext().setAppArmorProfile(unconfined())),
            CONFINED),
        new Deviation(
            "a container without AppArmor by annotation",
            pod ->
                pod.getMetadata()
                    .setAnnotations(
                        Map.of(
                            "container.apparmor.security.beta.kubernetes.io/sidecar",
                            "unconfined")),
            CONFINED),
        new Deviation(
            "no security context",
            pod -> container(pod, c -> c.setSecurityContext(null)),
            PRIVILEGES));
  }

  private static void container(Pod pod, Consumer<Container> change) {
    change.accept(pod.getSpec().getContainers().getFirst());
  }

  private static SELinuxOptions type(String type) {
    return new SELinuxOptionsBuilder().withType(type).build();
  }

  private static AppArmorProfile unconfined() {
    return new AppArmorProfileBuilder().withType("Unconfined").build();
  }

  @BeforeAll
  static void waitForThePolicy() {
    Pod pod = new Programs(CLUSTER).sidecarPod();
    pod.getSpec().setHostNetwork(true);
    Installed.untilRefused(NODE, () -> CLUSTER.admin().resource(pod).dryRun().create());
  }

  @ParameterizedTest
  @MethodSource("deviations")
  void isRefused(Deviation deviation) {
    Pod pod = programs.sidecarPod();
    deviation.change().accept(pod);

    assertThatThrownBy(() -> CLUSTER.admin().resource(pod).dryRun().create())
        .hasMessageContaining(deviation.answer());
  }

  @Test
  void theSidecarsOwnPodIsCreatedAndPreemptsNothing() {
    Pod created = CLUSTER.admin().resource(programs.sidecarPod()).dryRun().create();

    assertThat(created.getSpec().getPriority()).isPositive();
    assertThat(created.getSpec().getPreemptionPolicy()).isEqualTo("Never");
  }

  @Test
  void aRunningSidecarGetsNoEphemeralContainer() {
    Pod running = CLUSTER.admin().resource(programs.sidecarPod()).create();

    assertThatThrownBy(
            () ->
                CLUSTER
                    .admin()
                    .pods()
                    .resource(running)
                    .ephemeralContainers()
                    .edit(
                        pod ->
                            new PodBuilder(pod)
                                .editSpec()
                                .addToEphemeralContainers(
                                    new EphemeralContainerBuilder()
                                        .withName("debugger")
                                        .withImage("registry.invalid/debugger:1")
                                        .build())
                                .endSpec()
                                .build()))
        .hasMessageContaining("a pod here gets no ephemeral containers");
  }

  @Test
  void podsOfOtherNamespacesAreNotItsBusiness() {
    Pod pod = programs.sidecarPod();
    pod.getMetadata().setNamespace(CLUSTER.newNamespace(Map.of()));
    pod.getSpec().setServiceAccountName(null);
    pod.getSpec().setHostNetwork(true);

    assertThat(CLUSTER.admin().resource(pod).dryRun().create().getSpec().getHostNetwork()).isTrue();
  }
}
