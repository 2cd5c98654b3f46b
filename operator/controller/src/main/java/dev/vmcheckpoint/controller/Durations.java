package dev.vmcheckpoint.controller;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a time such as {@code 500ms}, {@code 10s}, {@code 5m} or {@code 1h}; never zero. */
final class Durations implements ITypeConverter<Duration> {
  private static final Pattern FORM = Pattern.compile("([1-9]\\d{0,8})(ms|s|m|h)");

  @Override
  public Duration convert(String value) {
    Matcher form = FORM.matcher(value);
    if (!form.matches()) {
      throw new TypeConversionException(
          "'%s' is no time; give a whole number and a unit, ms, s, m or h, such as 10s"
              .formatted(value));
    }
    long amount = Long.parseLong(form.group(1));
    return switch (form.group(2)) {
      case "ms" -> Duration.ofMillis(amount);
      case "s" -> Duration.ofSeconds(amount);
      case "m" -> Duration.ofMinutes(amount);
      default -> Duration.ofHours(amount);
    };
  }
}
