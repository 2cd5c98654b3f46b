package dev.vmcheckpoint.controller.schedule;

import java.util.function.Supplier;

/** How a task waits for what others are not to wait for as well. */
public interface Aside {
  /** Waits, and gives nothing up meanwhile. */
  Aside NONE =
      new Aside() {
        @Override
        public <T> T aside(Supplier<T> wait) {
          return wait.get();
        }
      };

  /**
   * Waits for something, and gives the calling task's place to another one meanwhile.
   *
   * @param wait what takes time, and next to nothing of this machine
   */
  <T> T aside(Supplier<T> wait);
}
