package dev.vmcheckpoint.controller.decide;

/**
 * A persistent marker that may have become useless: another one took its place on record, or it is
 * inconsistent and its disk Lost.
 *
 * @param disk the device's id
 * @param file the image that has it
 * @param id the id of the opening that it marks
 */
public record ObsoleteMarker(String disk, String file, String id) {}
