package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
import dev.vmcheckpoint.qmp.checkpoint.Removal.Below;
import dev.vmcheckpoint.qmp.checkpoint.Removal.Removed;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One run of {@link Checkpoints#remove}.
 *
 * @param only name of the one bitmap to be removed; empty for all of the checkpoint
 */
record Deletion(CheckpointUid checkpoint, Optional<String> only, Changes changes) {
  Removal run() {
    MachineState before = changes.lookBefore();
    List<BitmapAt> own = removable(before);
    if (own.isEmpty()) {
      return new Removal(List.of(), below(before));
    }
    // Markers first: if this call ends half way, the next one still finds what it has to remove.
    List<BitmapAt> all = new ArrayList<>(bitmaps(before).markersThatGoWith(own));
    all.addAll(own);
    changes.remove(before, all);
    MachineState after = changes.lookAfter();
    List<BitmapAt> left = removable(after);
    if (!left.isEmpty()) {
      throw new OutcomeUnknown(
          "the bitmap %s of disk %s is there after its removal"
              .formatted(left.getFirst().name(), left.getFirst().disk()));
    }
    return new Removal(
        own.stream().map(bitmap -> new Removed(bitmap.disk(), bitmap.name())).toList(),
        below(after));
  }

  private List<BitmapAt> removable(MachineState machine) {
    return bitmaps(machine).removable().stream().filter(bitmap -> isMeant(bitmap.name())).toList();
  }

  private List<Below> below(MachineState machine) {
    return bitmaps(machine).below().stream().filter(left -> isMeant(left.bitmap())).toList();
  }

  private OwnBitmaps bitmaps(MachineState machine) {
    return new OwnBitmaps(checkpoint, machine);
  }

  private boolean isMeant(String name) {
    return only.orElse(name).equals(name);
  }
}
