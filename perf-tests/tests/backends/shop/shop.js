// The shop of shop.py in Express. Each change makes a new CSRF token.
//
// SHOP_FORGETS=1 makes the server forget every session at once.
const crypto = require("crypto");
const express = require("express");

const products = [{ id: 1, name: "tea", cents: 450 }, { id: 2, name: "cup", cents: 900 }];
const sessions = new Map();
const orders = [];

const app = express();
app.use(express.json());
app.get("/", (_, response) => response.send("shop"));

function renewToken(session, response) {
  session.csrf = crypto.randomBytes(16).toString("base64url");
  response.cookie("csrf", session.csrf, { maxAge: 3_600_000, sameSite: "strict" });
}

app.post("/login", (request, response) => {
  const { user, password } = request.body;
  if (password !== `secret of ${user}`) return response.status(403).json({ detail: "wrong password" });
  const [id, session] = [crypto.randomUUID(), { user, items: [] }];
  if (!process.env.SHOP_FORGETS) sessions.set(id, session);
  response.cookie("session", id, { httpOnly: true, secure: true, sameSite: "lax" });
  renewToken(session, response);
  response.redirect(303, "/products");
});

app.use((request, response, next) => {
  const id = /(?:^|; )session=([^;]*)/.exec(request.headers.cookie ?? "")?.[1];
  request.session = sessions.get(id);
  if (!request.session) return response.status(401).json({ detail: "no session: log in first" });
  if (request.method !== "POST") return next();
  if (request.get("x-csrf-token") !== request.session.csrf) {
    return response.status(403).json({ detail: "the CSRF token is missing or wrong" });
  }
  renewToken(request.session, response);
  next();
});

app.get("/products", (_, response) => response.json(products));
app.post("/cart", (request, response) => {
  request.session.items.push(request.body);
  response.status(201).json(null);
});
app.post("/checkout", (request, response) => {
  const price = (id) => products.find((product) => product.id === id).cents;
  const cents = request.session.items.reduce((sum, { product, count }) => sum + count * price(product), 0);
  request.session.items = [];
  response.status(201).json({ order: orders.push({ user: request.session.user, cents }) });
});
app.get("/orders/:order", (request, response) => {
  const order = orders[request.params.order - 1];
  if (order?.user !== request.session.user) return response.status(404).json({ detail: "no such order" });
  response.json({ cents: order.cents });
});

app.listen(Number(process.argv[2]), "127.0.0.1");
