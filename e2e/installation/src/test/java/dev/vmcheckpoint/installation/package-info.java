/**
 * What {@code manifests/} installs, put to a real API server. Nothing runs there: no controller, no
 * node, no network; what these would make of the objects is for the tests on a cluster.
 */
@NullMarked
package dev.vmcheckpoint.installation;

import org.jspecify.annotations.NullMarked;
