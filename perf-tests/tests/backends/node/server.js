// The API of the stock-trading game with Express and the histogram of prom-client's documentation.
const express = require("express");
const client = require("prom-client");

client.collectDefaultMetrics();
const durations = new client.Histogram({
  name: "http_request_duration_seconds",
  help: "Durations.",
  labelNames: ["method", "route", "code"],
});

const app = express();
app.use((request, response, next) => {
  const end = durations.startTimer();
  response.on("finish", () => {
    if (request.route) end({ method: request.method, route: request.route.path, code: response.statusCode });
  });
  next();
});
const respond = (body) => (_, response) => response.json(body);
app.post("/api/multiplayer/rooms", respond({ code: "ABC" }));
app.post("/api/multiplayer/rooms/:code/join", respond({ id: "p1" }));
app.get("/api/multiplayer/rooms/:code/state", respond({ players: 1 }));
app.get("/api/multiplayer/rooms/:code/leaderboard", respond({}));
app.put("/api/multiplayer/rooms/:code/players/:player", respond({}));
for (const path of ["/api/news", "/api/recommendations", "/api/game-data"]) app.get(path, respond({}));
app.get("/metrics", async (_, response) => {
  response.type(client.register.contentType).send(await client.register.metrics());
});
app.listen(Number(process.argv[2]), "127.0.0.1");
