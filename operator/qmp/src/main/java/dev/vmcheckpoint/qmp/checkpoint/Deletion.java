package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
import dev.vmcheckpoint.qmp.checkpoint.Removal.Removed;
import java.util.ArrayList;
import java.util.List;

/** One run of {@link Checkpoints#remove}. */
record Deletion(CheckpointUid checkpoint, Changes changes) {
  Removal run() {
    OwnBitmaps before = new OwnBitmaps(checkpoint, changes.lookBefore());
    List<BitmapAt> own = before.removable();
    if (own.isEmpty()) {
      return new Removal(List.of(), before.below());
    }
    // Markers first: if this call ends half way, the next one still finds what it has to remove.
    List<BitmapAt> all = new ArrayList<>(before.markersThatGoWith(own));
    all.addAll(own);
    changes.remove(before, all);
    OwnBitmaps after = new OwnBitmaps(checkpoint, changes.lookAfter());
    List<BitmapAt> left = after.removable();
    if (!left.isEmpty()) {
      throw new OutcomeUnknown(
          "the bitmap %s of disk %s is there after its removal"
              .formatted(left.getFirst().name(), left.getFirst().disk()));
    }
    return new Removal(
        own.stream().map(bitmap -> new Removed(bitmap.disk(), bitmap.name())).toList(),
        after.below());
  }
}
