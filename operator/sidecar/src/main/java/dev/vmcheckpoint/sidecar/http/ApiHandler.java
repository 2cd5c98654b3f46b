package dev.vmcheckpoint.sidecar.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApi;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.Wire;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers every request: the result of its call as JSON, or a problem document. */
final class ApiHandler implements HttpHandler {
  private static final Logger LOG = LoggerFactory.getLogger(ApiHandler.class);

  private final NodeApi machines;
  private final Admission admission;
  private final CallReport report;
  private final RequestReader requests = new RequestReader();

  ApiHandler(NodeApi machines, Admission admission, CallReport report) {
    this.machines = machines;
    this.admission = admission;
    this.report = report;
  }

  /** A call, where the request was one, and the body that answers it. */
  private record Served(Optional<Call> call, Object body) {
    Optional<Problem> problem() {
      return body instanceof Problem problem ? Optional.of(problem) : Optional.empty();
    }
  }

  @Override
  public void handle(HttpExchange exchange) throws IOException {
    long received = System.nanoTime();
    try (exchange) {
      Served served = serve(exchange, received);
      report.accept(
          served.call(), served.problem(), Duration.ofNanos(System.nanoTime() - received));
      send(exchange, served);
    }
  }

  private Served serve(HttpExchange exchange, long received) throws IOException {
    Optional<Call> call = Optional.empty();
    try {
      Caller.requireOperator(exchange);
      try (Admission.Admitted _ = admission.admit()) {
        call = Optional.of(requests.read(exchange, received));
        return new Served(call, carryOut(call.orElseThrow()));
      }
    } catch (NodeApiException.Answered refusal) {
      return new Served(call, refusal.problem());
    } catch (RuntimeException e) {
      LOG.error("{} {} failed", exchange.getRequestMethod(), exchange.getRequestURI(), e);
      return new Served(
          call, Problem.of(ErrorCode.Internal, "unexpected %s; the log has it".formatted(e)));
    }
  }

  private Object carryOut(Call call) {
    return switch (call) {
      case Call.Observe(var request) -> machines.observe(request);
      case Call.Ensure(var machine, var checkpoint, var request, var context) ->
          machines.ensureCheckpoint(machine, checkpoint, request, context);
      case Call.Remove(var machine, var checkpoint, var context) ->
          machines.removeCheckpoint(machine, checkpoint, context);
    };
  }

  private void send(HttpExchange exchange, Served served) throws IOException {
    boolean failed = served.problem().isPresent();
    exchange.getResponseHeaders().set("Content-Type", failed ? Wire.PROBLEM_JSON : Wire.JSON);
    int status = served.problem().map(Problem::status).orElse(200);
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    // Length 0 means chunks: an answer for a whole node is not held in memory twice.
    exchange.sendResponseHeaders(status, 0);
    try (OutputStream out = exchange.getResponseBody()) {
      Wire.write(out, served.body());
    }
  }
}
