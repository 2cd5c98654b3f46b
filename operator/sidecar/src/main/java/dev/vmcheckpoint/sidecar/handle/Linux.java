package dev.vmcheckpoint.sidecar.handle;

import dev.vmcheckpoint.sidecar.handle.OpenException.Reason;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/** The system calls that Java's library has no methods for. Thread-safe. */
final class Linux {
  /** Follows no symbolic link, openat2(2). Without it links are followed, as everywhere. */
  static final long RESOLVE_NO_SYMLINKS = 0x04;

  /** Follows no link of procfs either. */
  static final long RESOLVE_NO_MAGICLINKS = 0x02;

  /** Stays below the directory. */
  static final long RESOLVE_BENEATH = 0x08;

  /** Stays on the directory's mount. */
  static final long RESOLVE_NO_XDEV = 0x01;

  /** In place of a directory's descriptor: the working directory. */
  static final int AT_FDCWD = -100;

  /** The same on every architecture, as all numbers since 424 are. */
  private static final long SYS_OPENAT2 = 437;

  /** To hold a file without opening it: nothing happens to a fifo or a device. */
  private static final long O_PATH = 010000000;

  private static final long O_CLOEXEC = 02000000;

  private static final int EPERM = 1;
  private static final int ENOENT = 2;
  private static final int EACCES = 13;
  private static final int EXDEV = 18;
  private static final int ENOSYS = 38;
  private static final int ELOOP = 40;

  /** {@code struct open_how} of linux/openat2.h. */
  private static final StructLayout OPEN_HOW =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_LONG.withName("flags"),
          ValueLayout.JAVA_LONG.withName("mode"),
          ValueLayout.JAVA_LONG.withName("resolve"));

  private static final VarHandle FLAGS = OPEN_HOW.varHandle(PathElement.groupElement("flags"));
  private static final VarHandle RESOLVE = OPEN_HOW.varHandle(PathElement.groupElement("resolve"));

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

  private static final MethodHandle OPENAT2 = openat2Handle();
  private static final MethodHandle CLOSE = closeHandle();

  private Linux() {}

  /**
   * Holds a file.
   *
   * @param directory descriptor of the directory that the path starts from
   * @param resolve {@code RESOLVE_} flags
   * @return its descriptor
   */
  static int openat2(int directory, String path, long resolve) throws OpenException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment how = arena.allocate(OPEN_HOW);
      FLAGS.set(how, 0L, O_PATH | O_CLOEXEC);
      RESOLVE.set(how, 0L, resolve);
      MemorySegment state = arena.allocate(STATE);
      long descriptor =
          (long)
              OPENAT2.invokeExact(
                  state,
                  SYS_OPENAT2,
                  (long) directory,
                  arena.allocateFrom(path),
                  how,
                  OPEN_HOW.byteSize());
      if (descriptor < 0) {
        throw failure((int) ERRNO.get(state, 0L));
      }
      return (int) descriptor;
    } catch (OpenException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("openat2 cannot be called", e);
    }
  }

  /** Gives a descriptor back. That it is gone afterwards is certain, whatever close(2) answers. */
  static void close(int descriptor) {
    try {
      int _ = (int) CLOSE.invokeExact(descriptor);
    } catch (Throwable e) {
      throw new AssertionError("close cannot be called", e);
    }
  }

  private static OpenException failure(int errno) {
    return switch (errno) {
      case ENOENT -> new OpenException(Reason.ABSENT, "not there");
      case ELOOP -> new OpenException(Reason.LINK, "a symbolic link");
      case EXDEV -> new OpenException(Reason.MOUNT, "a mount point");
      case EACCES -> new OpenException(Reason.FORBIDDEN, "permission denied");
      case ENOSYS, EPERM ->
          new OpenException(
              Reason.UNSUPPORTED,
              "the system call openat2 is not to be had; it takes Linux 5.6 and a seccomp profile that permits it");
      default -> new OpenException(Reason.OTHER, "openat2 failed with errno %d".formatted(errno));
    };
  }

  /** The C library has no function of its own for it. */
  @SuppressWarnings("restricted")
  private static MethodHandle openat2Handle() {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow("syscall"),
        FunctionDescriptor.of(
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG),
        Linker.Option.captureCallState("errno"),
        Linker.Option.firstVariadicArg(1));
  }

  @SuppressWarnings("restricted")
  private static MethodHandle closeHandle() {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow("close"),
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  }
}
