// The API of the stock-trading game with Micrometer, whose timer has the name and tags that Spring Boot gives it.

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Executors;

public final class Backend {
    private static final String ROOM = "/api/multiplayer/rooms";
    private static final PrometheusMeterRegistry REGISTRY = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

    public static void main(String[] arguments) throws IOException {
        new UptimeMetrics().bindTo(REGISTRY);
        new ProcessorMetrics().bindTo(REGISTRY);
        var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0]));
        var server = HttpServer.create(address, 0);
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.createContext("/actuator/prometheus", exchange -> {
            exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4");
            respond(exchange, REGISTRY.scrape());
        });
        server.createContext("/api/", Backend::game);
        server.start();
    }

    private static void game(HttpExchange exchange) throws IOException {
        var started = System.nanoTime();
        exchange.getRequestBody().readAllBytes();
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        var uri = route(exchange.getRequestURI().getPath());
        var body = uri.equals(ROOM) ? "{\"code\":\"ABC\"}" : uri.endsWith("/join") ? "{\"id\":\"p1\"}" : "{\"players\":1}";
        // Counted before the response is complete, as Spring Boot's filter does.
        Timer.builder("http.server.requests").publishPercentileHistogram()
            .tags("method", exchange.getRequestMethod(), "uri", uri, "status", "200", "outcome", "SUCCESS")
            .register(REGISTRY).record(Duration.ofNanos(System.nanoTime() - started));
        respond(exchange, body);
    }

    private static String route(String path) {
        var parts = path.split("/");
        if (!path.startsWith(ROOM) || parts.length < 5) {
            return path;
        }
        return ROOM + "/{code}/" + parts[5] + (parts.length > 6 ? "/{player}" : "");
    }

    private static void respond(HttpExchange exchange, String text) throws IOException {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, bytes.length);
        try (var body = exchange.getResponseBody()) {
            body.write(bytes);
        }
    }
}
