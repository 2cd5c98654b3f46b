package dev.vmcheckpoint.sidecar.handle;

import dev.vmcheckpoint.sidecar.handle.OpenException.Reason;
import java.io.IOException;
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

  // The same on every architecture, as all numbers since 424 are.
  private static final long SYS_OPENAT2 = 437;
  private static final long SYS_LANDLOCK_CREATE_RULESET = 444;
  private static final long SYS_LANDLOCK_ADD_RULE = 445;
  private static final long SYS_LANDLOCK_RESTRICT_SELF = 446;

  /** Asks for the version of Landlock's interface in place of a rule set, linux/landlock.h. */
  private static final long LANDLOCK_CREATE_RULESET_VERSION = 1;

  private static final long LANDLOCK_RULE_PATH_BENEATH = 1;

  /** The process gains no rights by executing something, linux/prctl.h. */
  private static final int PR_SET_NO_NEW_PRIVS = 38;

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

  /** {@code struct landlock_path_beneath_attr} of linux/landlock.h, which is packed. */
  private static final StructLayout PATH_BENEATH =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_LONG.withName("allowed_access"),
          ValueLayout.JAVA_INT.withName("parent_fd"));

  private static final VarHandle ALLOWED_ACCESS =
      PATH_BENEATH.varHandle(PathElement.groupElement("allowed_access"));
  private static final VarHandle PARENT_FD =
      PATH_BENEATH.varHandle(PathElement.groupElement("parent_fd"));

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

  /** For calls that the C library has no functions for; pointers are given as numbers. */
  private static final MethodHandle SYSCALL =
      function(
          "syscall",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG),
          Linker.Option.captureCallState("errno"),
          Linker.Option.firstVariadicArg(1));

  private static final MethodHandle PRCTL =
      function(
          "prctl",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG),
          Linker.Option.firstVariadicArg(1));

  private static final MethodHandle CLOSE =
      function("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

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
      long name = arena.allocateFrom(path).address();
      long result = syscall(SYS_OPENAT2, directory, name, how.address(), OPEN_HOW.byteSize());
      if (result < 0) {
        throw failure((int) -result);
      }
      return (int) result;
    }
  }

  /** The version of Landlock's interface, from 1 on; 0 where there is none to be had. */
  static int landlockVersion() {
    long version = syscall(SYS_LANDLOCK_CREATE_RULESET, 0, 0, LANDLOCK_CREATE_RULESET_VERSION, 0);
    return (int) Math.max(0, version);
  }

  /**
   * Makes rules that refuse these ways to use files, but where further ones allow them.
   *
   * @param access {@code LANDLOCK_ACCESS_FS_} flags
   * @return their descriptor
   */
  static int landlockCreateRuleset(long access) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attributes = arena.allocateFrom(ValueLayout.JAVA_LONG, access);
      return (int)
          succeeded(
              "landlock_create_ruleset",
              syscall(
                  SYS_LANDLOCK_CREATE_RULESET, attributes.address(), attributes.byteSize(), 0, 0));
    }
  }

  /** Allows these ways to use a file, or all that is below a directory. */
  static void landlockAllowBeneath(int ruleset, int file, long access) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attributes = arena.allocate(PATH_BENEATH);
      ALLOWED_ACCESS.set(attributes, 0L, access);
      PARENT_FD.set(attributes, 0L, file);
      succeeded(
          "landlock_add_rule",
          syscall(
              SYS_LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, attributes.address(), 0));
    }
  }

  /** Holds this thread, and all that it starts from now on, to the rules. */
  static void landlockRestrictSelf(int ruleset) throws IOException {
    setNoNewPrivileges();
    succeeded("landlock_restrict_self", syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0, 0));
  }

  private static void setNoNewPrivileges() throws IOException {
    int result;
    try {
      result = (int) PRCTL.invokeExact(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
    } catch (Throwable e) {
      throw new AssertionError("prctl cannot be called", e);
    }
    if (result != 0) {
      throw new IOException("prctl refuses to set no_new_privs");
    }
  }

  private static long succeeded(String call, long result) throws IOException {
    if (result < 0) {
      throw new IOException("%s failed with errno %d".formatted(call, -result));
    }
    return result;
  }

  /** What the call returns; where it fails, the negative of {@code errno}. */
  private static long syscall(long number, long first, long second, long third, long fourth) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long result = (long) SYSCALL.invokeExact(state, number, first, second, third, fourth);
      return result < 0 ? -(int) ERRNO.get(state, 0L) : result;
    } catch (Throwable e) {
      throw new AssertionError("system call %d cannot be made".formatted(number), e);
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

  @SuppressWarnings("restricted")
  private static MethodHandle function(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor, options);
  }
}
