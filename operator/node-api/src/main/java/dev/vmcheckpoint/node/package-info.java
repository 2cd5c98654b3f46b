/**
 * The contract between operator and sidecar: wire records, error codes and the client.
 *
 * <p>Bodies are JSON over HTTPS with mutual TLS; the paths carry a version ({@code /v1}). Members
 * that a reader does not know are ignored, so that operator and sidecar of neighbouring versions
 * work together.
 */
@NullMarked
package dev.vmcheckpoint.node;

import org.jspecify.annotations.NullMarked;
