package dev.vmcheckpoint.node;

/**
 * An RFC 9457 problem document ({@code application/problem+json}).
 *
 * @param code stable code; a reader that meets one it does not know goes by {@code retry}
 * @param status the HTTP status
 * @param title summary of the code
 * @param detail what was being done, to what, and why it failed; printable
 * @param retry whether sending the call again can help
 */
public record Problem(String code, int status, String title, String detail, Retry retry) {
  private static final int MAX_DETAIL = 4096;

  public Problem {
    detail = PrintableText.of(detail, MAX_DETAIL);
  }

  /** A problem of the given code. */
  public static Problem of(ErrorCode code, String detail) {
    return new Problem(code.name(), code.status(), code.title(), detail, code.retry());
  }

  /** Whether this is a problem of the given code. */
  public boolean is(ErrorCode wanted) {
    return code.equals(wanted.name());
  }
}
