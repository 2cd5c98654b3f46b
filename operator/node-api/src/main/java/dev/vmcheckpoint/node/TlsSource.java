package dev.vmcheckpoint.node;

/**
 * Where the certificates of one end come from. Asked for each handshake, so that they can be
 * replaced while connections are made. Implementations are safe for use by several threads and do
 * not block for long.
 */
@FunctionalInterface
public interface TlsSource {
  /** What holds now; the same object as long as nothing has changed. */
  TlsMaterial current();
}
