package dev.vmcheckpoint.api;

import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;

/**
 * A point in time of a running virtual machine from which changed blocks are tracked: one
 * persistent QEMU dirty bitmap per disk.
 *
 * <p>A new object has neither spec nor status: the bare objects of server-side apply need it so.
 */
@Group(WellKnown.GROUP)
@Version(WellKnown.VERSION)
@Kind("VirtualMachineCheckpoint")
@Singular("virtualmachinecheckpoint")
@Plural("virtualmachinecheckpoints")
@ShortNames("vmcp")
public final class VirtualMachineCheckpoint
    extends CustomResource<VirtualMachineCheckpointSpec, VirtualMachineCheckpointStatus>
    implements Namespaced {}
