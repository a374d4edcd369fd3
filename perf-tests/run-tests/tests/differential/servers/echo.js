// Responds with the parts of the request, decoded.
const http = require("http");

const names = ["x-case", "authorization", "content-type", "x-version"];
http
  .createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const url = new URL(request.url, "http://localhost");
      const parts = {
        method: request.method,
        path: decodeURIComponent(url.pathname),
        query: [...url.searchParams],
        headers: names.map((name) => request.headers[name]),
        body: Buffer.concat(chunks).toString(),
      };
      response.end(JSON.stringify(parts));
    });
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
