package dev.vmcheckpoint.controller.prune;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.deser.std.DelegatingDeserializer;
import java.io.IOException;
import java.util.function.Consumer;

/** Reads as another one does, and then takes away what is not used. */
final class PruningDeserializer<T> extends DelegatingDeserializer {
  private final Class<T> type;
  private final transient Consumer<T> prune;

  PruningDeserializer(JsonDeserializer<?> delegate, Class<T> type, Consumer<T> prune) {
    super(delegate);
    this.type = type;
    this.prune = prune;
  }

  @Override
  protected JsonDeserializer<?> newDelegatingInstance(JsonDeserializer<?> delegate) {
    return new PruningDeserializer<>(delegate, type, prune);
  }

  @Override
  public Object deserialize(JsonParser parser, DeserializationContext context) throws IOException {
    T read = type.cast(super.deserialize(parser, context));
    prune.accept(read);
    return read;
  }
}
