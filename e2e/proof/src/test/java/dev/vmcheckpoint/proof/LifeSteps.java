package dev.vmcheckpoint.proof;

/** Starts and ends of QEMU. */
final class LifeSteps {
  private LifeSteps() {}

  /** QEMU closes its images. It makes every disk Unknown until QEMU runs again. */
  record Stop(boolean podEnds) implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning()) {
        return false;
      }
      world.machine().quit();
      world.devices().values().forEach(Volume::close);
      endPod(world, podEnds);
      return true;
    }
  }

  /** QEMU is killed. It costs every disk that it has. */
  record Kill(boolean podEnds) implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning()) {
        return false;
      }
      world.machine().kill();
      world.devices().values().forEach(Volume::kill);
      endPod(world, podEnds);
      return true;
    }
  }

  /** The guest begins anew. It costs nothing. */
  record Reset() implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning()) {
        return false;
      }
      world.machine().monitor().run("system_reset");
      return true;
    }
  }

  private static void endPod(World world, boolean podEnds) {
    world.hasStopped();
    if (podEnds) {
      world.machine().endPod();
    }
  }

  /** QEMU starts, in a new pod where the old one has ended. It costs nothing. */
  record Start() implements Step {
    @Override
    public boolean take(World world) {
      if (world.machine().isRunning()) {
        return false;
      }
      world.start();
      return true;
    }
  }
}
