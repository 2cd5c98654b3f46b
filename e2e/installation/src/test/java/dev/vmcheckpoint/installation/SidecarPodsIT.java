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
import io.fabric8.kubernetes.api.model.LifecycleBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.SELinuxOptions;
import io.fabric8.kubernetes.api.model.SeccompProfileBuilder;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.Sysctl;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.WindowsSecurityContextOptions;
import io.fabric8.kubernetes.api.model.WindowsSecurityContextOptionsBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Pod Security permits every pod in the sidecar's namespace; this is what else has a say there. */
class SidecarPodsIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String WINDOWS = "a pod here is no process of a Windows node";
  private static final String NODE = "a pod here uses no namespace and no port of its node";
  private static final String CALLS = "a pod here has its node call nobody but itself";
  private static final String KERNEL = "a pod here sets no parameter of the kernel";
  private static final String VOLUMES = "a pod here has no volumes but hostPath and projected";
  private static final String FOLDER =
      "a pod here mounts no folder of its node but /var/lib/kubelet/pods";
  private static final String READ_ONLY = "a pod here mounts a folder of its node read-only";
  private static final String PRIVILEGES = "a pod here runs as another user than root";
  private static final String ROOT = "a pod here writes nothing to its own root file system";
  private static final String CONFINED = "a pod here stays confined by SELinux";

  private final Programs programs = new Programs(CLUSTER);

  /** A pod like the sidecar's but for one thing. */
  record Deviation(String name, Consumer<Pod> change, String answer) {
    static Deviation ofPod(String name, Consumer<PodSecurityContext> change, String answer) {
      return new Deviation(name, pod -> change.accept(pod.getSpec().getSecurityContext()), answer);
    }

    static Deviation ofContainer(String name, Consumer<SecurityContext> change, String answer) {
      return new Deviation(
          name,
          pod -> container(pod, container -> change.accept(container.getSecurityContext())),
          answer);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Deviation> usesOfTheNode() {
    return Stream.of(
        new Deviation("host network", pod -> pod.getSpec().setHostNetwork(true), NODE),
        new Deviation("host processes", pod -> pod.getSpec().setHostPID(true), NODE),
        new Deviation("host IPC", pod -> pod.getSpec().setHostIPC(true), NODE),
        new Deviation(
            "host port",
            pod -> container(pod, c -> c.getPorts().getFirst().setHostPort(8443)),
            NODE),
        new Deviation(
            "a process of a Windows node",
            pod -> {
              pod.getSpec().setHostNetwork(true);
              pod.getSpec().getSecurityContext().setWindowsOptions(hostProcess());
            },
            WINDOWS),
        new Deviation(
            "a container that is a process of a Windows node",
            pod -> {
              pod.getSpec().setHostNetwork(true);
              container(pod, c -> c.getSecurityContext().setWindowsOptions(hostProcess()));
            },
            WINDOWS),
        new Deviation(
            "a probe of another host",
            pod -> container(pod, c -> c.getLivenessProbe().getHttpGet().setHost("127.0.0.1")),
            CALLS),
        new Deviation(
            "a call of another host before its end",
            pod ->
                container(
                    pod,
                    c ->
                        c.setLifecycle(
                            new LifecycleBuilder()
                                .withNewPreStop()
                                .withNewHttpGet()
                                .withHost("127.0.0.1")
                                .withNewPort(10250)
                                .endHttpGet()
                                .endPreStop()
                                .build())),
            CALLS),
        Deviation.ofPod(
            "a parameter of the kernel",
            context -> context.setSysctls(List.of(new Sysctl("kernel.shm_rmid_forced", "1"))),
            KERNEL));
  }

  static Stream<Deviation> foldersOfTheNode() {
    return Stream.of(
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
            READ_ONLY));
  }

  static Stream<Deviation> privileges() {
    return Stream.of(
        Deviation.ofPod("perhaps root", context -> context.setRunAsNonRoot(null), PRIVILEGES),
        Deviation.ofPod("root", context -> context.setRunAsUser(0L), PRIVILEGES),
        Deviation.ofContainer("a container as root", c -> c.setRunAsUser(0L), PRIVILEGES),
        Deviation.ofContainer(
            "a container that may be root", c -> c.setRunAsNonRoot(false), PRIVILEGES),
        Deviation.ofPod("no seccomp", context -> context.setSeccompProfile(null), PRIVILEGES),
        Deviation.ofContainer(
            "a container without seccomp",
            c -> c.setSeccompProfile(new SeccompProfileBuilder().withType("Unconfined").build()),
            PRIVILEGES),
        Deviation.ofContainer(
            "a privileged container",
            c -> {
              c.setPrivileged(true);
              c.setAllowPrivilegeEscalation(true);
            },
            PRIVILEGES),
        Deviation.ofContainer(
            "gaining privileges", c -> c.setAllowPrivilegeEscalation(null), PRIVILEGES),
        Deviation.ofContainer(
            "capabilities kept", c -> c.getCapabilities().getDrop().clear(), PRIVILEGES),
        Deviation.ofContainer(
            "a capability added",
            c -> c.getCapabilities().getAdd().add("DAC_READ_SEARCH"),
            PRIVILEGES),
        new Deviation(
            "no security context",
            pod -> container(pod, c -> c.setSecurityContext(null)),
            PRIVILEGES),
        Deviation.ofContainer(
            "a root file system to write to", c -> c.setReadOnlyRootFilesystem(false), ROOT),
        Deviation.ofContainer(
            "perhaps a root file system to write to",
            c -> c.setReadOnlyRootFilesystem(null),
            ROOT));
  }

  static Stream<Deviation> waysOutOfConfinement() {
    return Stream.concat(
        Stream.of("type: spc_t", "user: sysadm_u", "role: sysadm_r", "level: s0:c0.c1023")
            .flatMap(SidecarPodsIT::inAnotherContextOfSeLinux),
        Stream.of(
            Deviation.ofPod("no AppArmor", c -> c.setAppArmorProfile(unconfined()), CONFINED),
            Deviation.ofContainer(
                "a container without AppArmor", c -> c.setAppArmorProfile(unconfined()), CONFINED),
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
                "all of /proc",
                pod -> {
                  pod.getSpec().setHostUsers(false);
                  container(pod, c -> c.getSecurityContext().setProcMount("Unmasked"));
                },
                CONFINED)));
  }

  private static void container(Pod pod, Consumer<Container> change) {
    change.accept(pod.getSpec().getContainers().getFirst());
  }

  private static Stream<Deviation> inAnotherContextOfSeLinux(String part) {
    SELinuxOptions options = Serialization.unmarshal(part, SELinuxOptions.class);
    return Stream.of(
        Deviation.ofPod("SELinux " + part, c -> c.setSeLinuxOptions(options), CONFINED),
        Deviation.ofContainer(
            "a container with SELinux " + part, c -> c.setSeLinuxOptions(options), CONFINED));
  }

  private static WindowsSecurityContextOptions hostProcess() {
    return new WindowsSecurityContextOptionsBuilder().withHostProcess(true).build();
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
  @MethodSource({"usesOfTheNode", "foldersOfTheNode", "privileges", "waysOutOfConfinement"})
  void isRefused(Deviation deviation) {
    Pod pod = programs.sidecarPod();
    deviation.change().accept(pod);

    assertThatThrownBy(() -> CLUSTER.admin().resource(pod).dryRun().create())
        .hasMessageContaining(deviation.answer());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          awsElasticBlockStore  | {volumeID: v}
          azureDisk             | {diskName: d, diskURI: 'https://d.example/d'}
          azureFile             | {secretName: s, shareName: n}
          cephfs                | {monitors: [m]}
          cinder                | {volumeID: v}
          configMap             | {name: c}
          csi                   | {driver: d.example}
          downwardAPI           | {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
          emptyDir              | {}
          ephemeral             | {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}
          fc                    | {wwids: [w]}
          flexVolume            | {driver: example/d}
          flocker               | {datasetName: d}
          gcePersistentDisk     | {pdName: d}
          glusterfs             | {endpoints: e, path: p}
          image                 | {reference: registry.invalid/i:1}
          iscsi                 | {targetPortal: 10.0.0.1, iqn: 'iqn.2001-04.com.example:storage.disk1', lun: 0}
          nfs                   | {server: s.example, path: /}
          persistentVolumeClaim | {claimName: c}
          photonPersistentDisk  | {pdID: d}
          portworxVolume        | {volumeID: v}
          quobyte               | {registry: 'r:1', volume: v}
          rbd                   | {monitors: [m], image: i}
          scaleIO               | {gateway: g, system: s, secretRef: {name: n}, volumeName: v}
          secret                | {secretName: s}
          storageos             | {volumeName: v}
          vsphereVolume         | {volumePath: v}
          """)
  void aVolumeOfAnotherKindIsRefused(String kind, String source) {
    Pod pod = programs.sidecarPod();
    pod.getSpec()
        .getVolumes()
        .add(
            Serialization.unmarshal("name: another\n%s: %s".formatted(kind, source), Volume.class));

    assertThatThrownBy(() -> CLUSTER.admin().resource(pod).dryRun().create())
        .hasMessageContaining(VOLUMES);
  }

  @Test
  void theSidecarsOwnPodIsCreatedAndPreemptsNothing() {
    Pod created = CLUSTER.admin().resource(programs.sidecarPod()).dryRun().create();

    assertThat(created.getSpec().getPriority()).isPositive();
    assertThat(created.getSpec().getPreemptionPolicy()).isEqualTo("Never");
  }

  /** Kubernetes adds it to every pod; the tests' API server has no controller that makes tokens. */
  @Test
  void theVolumeOfItsTokenIsLetThrough() {
    Pod pod = programs.sidecarPod();
    pod.getSpec()
        .getVolumes()
        .add(
            new VolumeBuilder()
                .withName("kube-api-access")
                .withNewProjected()
                .addNewSource()
                .withNewServiceAccountToken()
                .withPath("token")
                .endServiceAccountToken()
                .endSource()
                .endProjected()
                .build());

    Pod created = CLUSTER.admin().resource(pod).dryRun().create();

    assertThat(created.getSpec().getVolumes()).hasSize(2);
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
