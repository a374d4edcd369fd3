"""A shop with a login, in FastAPI and SQLite. Requests that change something need a CSRF token.

SHOP_FORGETS=1 makes the server forget every session at once.
"""

import os
import secrets
import sqlite3

from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Response
from fastapi.responses import RedirectResponse

app = FastAPI()
database = sqlite3.connect(":memory:", check_same_thread=False)
database.executescript("""
    create table products (id integer primary key, name text, cents integer);
    create table sessions (id text primary key, user text, csrf text);
    create table items (session text, product integer, count integer);
    create table orders (id integer primary key, user text, cents integer);
    insert into products values (1, 'tea', 450), (2, 'cup', 900);
""")


async def session(session: str = Cookie("")):
    row = database.execute("select id, user, csrf from sessions where id = ?", (session,)).fetchone()
    if row is None:
        raise HTTPException(401, "no session: log in first")
    return row


async def changing(session=Depends(session), x_csrf_token: str = Header("")):
    if not secrets.compare_digest(session[2], x_csrf_token):
        raise HTTPException(403, "the CSRF token is missing or wrong")
    return session


@app.get("/")
async def home():
    return "shop"


@app.post("/login")
async def log_in(form: dict):
    user = form["user"]
    if form["password"] != f"secret of {user}":
        raise HTTPException(403, "wrong password")
    id, csrf = secrets.token_hex(16), secrets.token_urlsafe(16)
    if not os.environ.get("SHOP_FORGETS"):
        database.execute("insert into sessions values (?, ?, ?)", (id, user, csrf))
    response = RedirectResponse("/products", 303)
    response.set_cookie("session", id, httponly=True, secure=True, samesite="lax")
    response.set_cookie("csrf", csrf, max_age=3600)
    return response


@app.get("/products")
async def products(session=Depends(session)):
    return [{"id": id, "name": name} for id, name in database.execute("select id, name from products")]


@app.post("/cart", status_code=201)
async def add(item: dict, session=Depends(changing)):
    database.execute("insert into items values (?, ?, ?)", (session[0], item["product"], item["count"]))


@app.post("/checkout", status_code=201)
async def check_out(session=Depends(changing)):
    cents = database.execute(
        "select sum(count * cents) from items join products on product = id where session = ?", (session[0],)
    ).fetchone()[0]
    order = database.execute("insert into orders (user, cents) values (?, ?)", (session[1], cents))
    database.execute("delete from items where session = ?", (session[0],))
    return {"order": order.lastrowid}


@app.get("/orders/{order}")
async def order(order: int, session=Depends(session)):
    row = database.execute("select cents from orders where id = ? and user = ?", (order, session[1])).fetchone()
    if row is None:
        raise HTTPException(404, "no such order")
    return {"cents": row[0]}


@app.post("/logout", status_code=204)
async def log_out(response: Response, session=Depends(changing)):
    database.execute("delete from sessions where id = ?", (session[0],))
    response.delete_cookie("session")
