package dev.vmcheckpoint.node;

import org.jspecify.annotations.Nullable;

/** A call to a sidecar that brought no result. */
public abstract sealed class NodeApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private NodeApiException(String message) {
    super(message);
  }

  private NodeApiException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** Whether sending the call again can help. */
  public abstract Retry retry();

  /** The sidecar answered with a problem document. */
  public static final class Answered extends NodeApiException {
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    public Answered(Problem problem) {
      super("%s: %s".formatted(problem.code(), problem.detail()));
      this.problem = problem;
    }

    public Answered(ErrorCode code, String detail) {
      this(Problem.of(code, detail));
    }

    /** What the sidecar said. */
    public Problem problem() {
      return problem;
    }

    @Override
    public Retry retry() {
      return problem.retry();
    }
  }

  /** No connection came about, so nothing was sent. */
  public static final class Unreachable extends NodeApiException {
    private static final long serialVersionUID = 1L;

    public Unreachable(String message, @Nullable Throwable cause) {
      super(message, cause);
    }

    @Override
    public Retry retry() {
      return Retry.TRANSIENT;
    }
  }

  /** The call was sent, and no answer that could be read came back. */
  public static final class NoAnswer extends NodeApiException {
    private static final long serialVersionUID = 1L;

    public NoAnswer(String message, @Nullable Throwable cause) {
      super(message, cause);
    }

    @Override
    public Retry retry() {
      return Retry.UNKNOWN;
    }
  }
}
