"""A small FastAPI application with the lines of monitoring/BACKEND_METRICS.md."""

import time

from fastapi import FastAPI, Request
from prometheus_fastapi_instrumentator import Instrumentator, metrics

from slo_buckets import LATENCY_BUCKETS_SECONDS

app = FastAPI()
rooms: dict[str, dict[str, dict]] = {}


# BACKEND_METRICS.md: from here
@app.middleware("http")
async def server_timing(request: Request, call_next):
    started = time.perf_counter()
    response = await call_next(request)
    response.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - started) * 1e3:.1f}"
    return response


instrumentator = Instrumentator(should_instrument_requests_inprogress=True)
instrumentator.add(metrics.default(latency_lowr_buckets=LATENCY_BUCKETS_SECONDS))
instrumentator.instrument(app).expose(app)
# BACKEND_METRICS.md: to here


@app.post("/api/multiplayer/rooms", status_code=201)
async def create_room(host: dict):
    code = f"R{len(rooms):03}"
    rooms[code] = {}
    return {"code": code}


@app.post("/api/multiplayer/rooms/{code}/join")
async def join(code: str, player: dict):
    name = f"p{len(rooms[code])}"
    rooms[code][name] = {"id": name, "name": player["name"], "cash_cents": 0}
    return rooms[code][name]


@app.get("/api/multiplayer/rooms/{code}/state")
async def state(code: str):
    return {"code": code, "players": len(rooms[code])}


@app.get("/api/multiplayer/rooms/{code}/leaderboard")
async def leaderboard(code: str):
    return {"players": list(rooms[code].values())}


@app.put("/api/multiplayer/rooms/{code}/players/{player}")
async def update_player(code: str, player: str, update: dict):
    rooms[code][player].update(update)
    return rooms[code][player]


@app.get("/api/news")
async def news(day: int):
    return {"day": day, "news": []}


@app.get("/api/recommendations")
async def recommendations(day: int):
    return {"day": day, "recommendations": []}


@app.get("/api/game-data")
async def game_data(day: int):
    return {"day": day, "prices": []}
