package dev.vmcheckpoint.sidecar.certificate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.node.Authorities;
import dev.vmcheckpoint.node.Pem;
import dev.vmcheckpoint.node.TlsException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/**
 * The API server, by way of the files that a pod has of its service account. The few calls do not
 * warrant a whole client in every node's memory: connections and threads end with each call.
 */
public final class KubernetesCertificateApi implements CertificateApi {
  private static final String REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  private static final Duration TIMEOUT = Duration.ofSeconds(20);
  private static final int MOST_ANSWER_BYTES = 1 << 20;

  private final URI server;
  private final Path serviceAccount;
  private final ObjectMapper json = new ObjectMapper();

  /**
   * @param server the API server's address
   * @param serviceAccount directory with {@code token}, {@code ca.crt} and {@code namespace}
   */
  public KubernetesCertificateApi(URI server, Path serviceAccount) {
    this.server = server;
    this.serviceAccount = serviceAccount;
  }

  @Override
  public String request(String request, Duration life) throws IOException, InterruptedException {
    ObjectNode body = json.createObjectNode();
    body.put("apiVersion", "certificates.k8s.io/v1").put("kind", "CertificateSigningRequest");
    body.putObject("metadata").put("generateName", "vmcheckpoint-sidecar-");
    ObjectNode spec = body.putObject("spec");
    spec.put("signerName", Authorities.SIGNER)
        .put("expirationSeconds", life.toSeconds())
        .put(
            "request",
            Base64.getEncoder().encodeToString(request.getBytes(StandardCharsets.US_ASCII)));
    spec.putArray("usages").add("digital signature").add("server auth");
    return answer("POST", REQUESTS, body.toString())
        .orElseThrow(() -> new IOException("the API server has no " + REQUESTS))
        .path("metadata")
        .path("name")
        .asText();
  }

  @Override
  public SigningState state(String name) throws IOException, InterruptedException {
    return answer("GET", REQUESTS + "/" + name, "")
        .map(request -> state(request.path("status")))
        .orElseGet(SigningState.Gone::new);
  }

  private static SigningState state(JsonNode status) {
    for (JsonNode condition : status.path("conditions")) {
      String type = condition.path("type").asText();
      if (type.equals("Denied") || type.equals("Failed")) {
        return new SigningState.Refused(
            "%s: %s, %s"
                .formatted(
                    type, condition.path("reason").asText(), condition.path("message").asText()));
      }
    }
    String certificate = status.path("certificate").asText();
    return certificate.isEmpty()
        ? new SigningState.Pending()
        : new SigningState.Signed(
            new String(Base64.getDecoder().decode(certificate), StandardCharsets.US_ASCII));
  }

  @Override
  public Optional<String> authorities() throws IOException, InterruptedException {
    return answer(
            "GET",
            "/api/v1/namespaces/%s/configmaps/%s"
                .formatted(text("namespace").strip(), Authorities.CONFIG_MAP),
            "")
        .map(configMap -> configMap.path("data").path(Authorities.KEY).asText())
        .filter(pem -> !pem.isBlank());
  }

  /** Empty where there is no such object. */
  private Optional<JsonNode> answer(String method, String path, String body)
      throws IOException, InterruptedException {
    String call = "%s %s".formatted(method, path);
    HttpRequest request =
        HttpRequest.newBuilder(server.resolve(path))
            .timeout(TIMEOUT)
            .header("Authorization", "Bearer " + text("token").strip())
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .method(
                method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
            .build();
    try (HttpClient client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .proxy(HttpClient.Builder.NO_PROXY)
            .connectTimeout(TIMEOUT)
            .sslContext(tls())
            .build()) {
      HttpResponse<String> response =
          client.send(request, BodyHandlers.limiting(BodyHandlers.ofString(), MOST_ANSWER_BYTES));
      if (response.statusCode() == 404 && method.equals("GET")) {
        return Optional.empty();
      }
      JsonNode answer = read(call, response);
      if (response.statusCode() / 100 != 2) {
        throw new IOException(
            "%s: the API server answered %d: %s"
                .formatted(call, response.statusCode(), answer.path("message").asText()));
      }
      return Optional.of(answer);
    }
  }

  private JsonNode read(String call, HttpResponse<String> response) throws IOException {
    try {
      return json.readTree(response.body());
    } catch (JsonProcessingException e) {
      throw new IOException(
          "%s: the API server answered %d, and no JSON".formatted(call, response.statusCode()), e);
    }
  }

  private SSLContext tls() throws IOException {
    try {
      TrustManager trust = Authorities.trustManager(Pem.certificates("ca.crt", text("ca.crt")));
      SSLContext tls = SSLContext.getInstance("TLS");
      tls.init(null, new TrustManager[] {trust}, null);
      return tls;
    } catch (GeneralSecurityException | TlsException e) {
      throw new IOException(
          "the API server's authorities in %s cannot be used: %s"
              .formatted(serviceAccount, e.getMessage()),
          e);
    }
  }

  /** The kubelet replaces these files before they expire, so each call reads them anew. */
  private String text(String file) throws IOException {
    try {
      return Pem.text(serviceAccount.resolve(file));
    } catch (TlsException e) {
      throw new IOException(e.getMessage(), e);
    }
  }
}
