// The API of the stock-trading game with the metrics of Go's promhttp, which knows no routes.
package main

import (
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	requests := promauto.NewCounterVec(
		prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests."}, []string{"code", "method"})
	durations := promauto.NewHistogramVec(
		prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Durations."}, []string{"code", "method"})
	respond := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		}
	}
	game := http.NewServeMux()
	game.HandleFunc("POST /api/multiplayer/rooms", respond(`{"code":"ABC"}`))
	game.HandleFunc("POST /api/multiplayer/rooms/{code}/join", respond(`{"id":"p1"}`))
	game.HandleFunc("GET /api/multiplayer/rooms/{code}/state", respond(`{"players":1}`))
	game.HandleFunc("GET /api/multiplayer/rooms/{code}/leaderboard", respond("{}"))
	game.HandleFunc("PUT /api/multiplayer/rooms/{code}/players/{player}", respond("{}"))
	for _, path := range []string{"/api/news", "/api/recommendations", "/api/game-data"} {
		game.HandleFunc("GET "+path, respond("{}"))
	}
	counted := promhttp.InstrumentHandlerDuration(durations, promhttp.InstrumentHandlerCounter(requests, game))
	all := http.NewServeMux()
	all.Handle("/api/", counted)
	all.Handle("/metrics", promhttp.Handler())
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], all); err != nil {
		panic(err)
	}
}
