/** The way to the nodes' sidecars. */
@NullMarked
package dev.vmcheckpoint.controller.nodes;

import org.jspecify.annotations.NullMarked;
