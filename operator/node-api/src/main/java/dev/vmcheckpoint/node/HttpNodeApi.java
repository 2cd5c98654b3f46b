package dev.vmcheckpoint.node;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** The calls of one sidecar over HTTPS. Holds no connection itself: many may share a client. */
public final class HttpNodeApi implements NodeApi {
  private final URI base;
  private final String node;
  private final HttpClient client;
  private final Timeouts timeouts;

  /**
   * How long a caller waits for the whole of an answer.
   *
   * @param observe for a look, which the sidecar itself ends after its own deadline
   * @param grace beyond the deadline of a mutating call, after which the sidecar starts nothing
   */
  public record Timeouts(Duration observe, Duration grace) {
    public static final Timeouts DEFAULT =
        new Timeouts(Duration.ofSeconds(20), Duration.ofSeconds(10));
  }

  /**
   * @param base the sidecar's address, for example {@code https://10.0.0.7:8443}
   * @param node the node of the sidecar, for which its certificate has to be
   * @param client as {@link #newClient} makes it
   */
  public HttpNodeApi(URI base, String node, HttpClient client, Timeouts timeouts) {
    this.base = base;
    this.node = node;
    this.client = client;
    this.timeouts = timeouts;
  }

  /**
   * A client for any number of sidecars; to be closed by the caller.
   *
   * @param tls see {@link NodeTls#client}
   * @param connectTimeout for the connection and its TLS handshake together
   */
  public static HttpClient newClient(SSLContext tls, Duration connectTimeout) {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .proxy(HttpClient.Builder.NO_PROXY)
        .sslContext(tls)
        .sslParameters(NodeTls.clientParameters())
        .connectTimeout(connectTimeout)
        .executor(Executors.newVirtualThreadPerTaskExecutor())
        .build();
  }

  @Override
  public ObserveResponse observe(ObserveRequest request) {
    HttpRequest.Builder http =
        to(Wire.OBSERVE_PATH).header("Content-Type", Wire.JSON).POST(body(request));
    return call("observe", http, timeouts.observe(), ObserveResponse.class);
  }

  @Override
  public EnsureResponse ensureCheckpoint(
      PodUid machine, CheckpointUid checkpoint, EnsureRequest request, MutationContext context) {
    HttpRequest.Builder http =
        to(Wire.checkpointPath(machine, checkpoint))
            .header("Content-Type", Wire.JSON)
            .PUT(body(request));
    return mutate("ensure", http, context, EnsureResponse.class);
  }

  @Override
  public RemoveResponse removeCheckpoint(
      PodUid machine, CheckpointUid checkpoint, MutationContext context) {
    HttpRequest.Builder http = to(Wire.checkpointPath(machine, checkpoint)).DELETE();
    return mutate("remove", http, context, RemoveResponse.class);
  }

  @Override
  public RemoveResponse removeBitmap(
      PodUid machine, CheckpointUid checkpoint, String bitmap, MutationContext context) {
    HttpRequest.Builder http = to(Wire.bitmapPath(machine, checkpoint, bitmap)).DELETE();
    return mutate("removeBitmap", http, context, RemoveResponse.class);
  }

  @Override
  public EpochResponse renewEpoch(PodUid machine, EpochRequest request, MutationContext context) {
    HttpRequest.Builder http =
        to(Wire.epochPath(machine)).header("Content-Type", Wire.JSON).PUT(body(request));
    return mutate("renewEpoch", http, context, EpochResponse.class);
  }

  private <T> T mutate(
      String what, HttpRequest.Builder http, MutationContext context, Class<T> type) {
    http.header(MutationContext.START_ID_HEADER, context.startId())
        .header(MutationContext.LEADER_TERM_HEADER, Long.toString(context.leaderTerm()))
        .header(MutationContext.DEADLINE_HEADER, Long.toString(context.deadlineMillis()));
    Duration timeout = Duration.ofMillis(context.deadlineMillis()).plus(timeouts.grace());
    return call(what, http, timeout, type);
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(base.resolve(path))
        .header("Accept", Wire.JSON + ", " + Wire.PROBLEM_JSON);
  }

  private static HttpRequest.BodyPublisher body(Object request) {
    return BodyPublishers.ofByteArray(Wire.bytes(request));
  }

  private <T> T call(String what, HttpRequest.Builder http, Duration timeout, Class<T> type) {
    String call = "%s at %s".formatted(what, base);
    HttpResponse<byte[]> answer = exchange(call, http.build(), timeout);
    requireRightNode(call, answer);
    if (answer.statusCode() == 200) {
      return read(call, answer, Wire.JSON, type);
    }
    throw new NodeApiException.Answered(read(call, answer, Wire.PROBLEM_JSON, Problem.class));
  }

  /**
   * The client's own time-out ends with the answer's headers, hence the wait here for the whole.
   */
  private HttpResponse<byte[]> exchange(String call, HttpRequest request, Duration timeout) {
    CompletableFuture<HttpResponse<byte[]>> answer =
        client.sendAsync(
            request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), Wire.MAX_ANSWER_BYTES));
    try {
      return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new NodeApiException.NoAnswer(
          "%s: no answer within %d ms".formatted(call, timeout.toMillis()), e);
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new NodeApiException.NoAnswer(
          "%s: interrupted while waiting for the answer".formatted(call), e);
    } catch (ExecutionException e) {
      throw failure(call, Objects.requireNonNullElse(e.getCause(), e));
    }
  }

  /** Behind an address that was given anew another node's sidecar may answer. */
  private void requireRightNode(String call, HttpResponse<byte[]> answer) {
    List<String> names = answer.sslSession().map(HttpNodeApi::namesOfPeer).orElse(List.of());
    if (!names.contains(NodeTls.sidecarName(node))) {
      throw new NodeApiException.Unreachable(
          "%s: the sidecar of node %s was called, and that of %s answered"
              .formatted(call, node, names),
          null);
    }
  }

  private static List<String> namesOfPeer(SSLSession session) {
    try {
      return session.getPeerCertificates()[0] instanceof X509Certificate certificate
          ? NodeTls.dnsNames(certificate)
          : List.of();
    } catch (SSLPeerUnverifiedException | CertificateParsingException e) {
      return List.of();
    }
  }

  private static NodeApiException failure(String call, Throwable cause) {
    return switch (cause) {
      case ConnectException e ->
          new NodeApiException.Unreachable("%s: no connection%s".formatted(call, why(e)), e);
      case HttpConnectTimeoutException e ->
          new NodeApiException.Unreachable("%s: no connection in time".formatted(call), e);
      // In TLS 1.3 a server's refusal of the client's certificate arrives after the request was
      // sent, but a server that refuses it never reads that request.
      case SSLHandshakeException e ->
          new NodeApiException.Unreachable("%s: TLS%s".formatted(call, why(e)), e);
      default ->
          new NodeApiException.NoAnswer(
              "%s: the connection failed before the whole answer was read%s"
                  .formatted(call, why(cause)),
              cause);
    };
  }

  private static <T> T read(
      String call, HttpResponse<byte[]> answer, String wanted, Class<T> type) {
    String mediaType = mediaType(answer.headers().firstValue("Content-Type").orElse(""));
    if (!mediaType.equals(wanted)) {
      throw new NodeApiException.NoAnswer(
          "%s: answered %d with '%s' instead of %s"
              .formatted(call, answer.statusCode(), mediaType, wanted),
          null);
    }
    try {
      return Wire.read(answer.body(), type);
    } catch (IOException e) {
      throw new NodeApiException.NoAnswer(
          "%s: the answer %d cannot be read%s".formatted(call, answer.statusCode(), why(e)), e);
    }
  }

  private static String mediaType(String contentType) {
    int parameters = contentType.indexOf(';');
    return (parameters < 0 ? contentType : contentType.substring(0, parameters)).strip();
  }

  /** The innermost words: the client wraps what happened several times, often without any. */
  private static String why(Throwable thrown) {
    String words = "";
    for (@Nullable Throwable t = thrown; t != null; t = t.getCause()) {
      String message = t.getMessage();
      if (message != null && !message.isBlank()) {
        words = ": " + message.lines().findFirst().orElse(message);
      }
    }
    return words;
  }
}
