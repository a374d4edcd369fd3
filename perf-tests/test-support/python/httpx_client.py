"""Sends the requests of standard input, a JSON list, with httpx. Prints how it understood the responses."""

import json
import sys
import urllib.parse

import httpx


def outcome(client, base, case):
    url = base + "/case/" + urllib.parse.quote(case["segment"], safe="")
    body = case["body"]
    headers = [("x-number", str(case["number"]))] + [tuple(header) for header in case["headers"]] + ([("content-type", body[0])] if body else [])
    content = body[1].encode() if body else None
    try:
        response = client.request(
            case["method"], url, params=[tuple(pair) for pair in case["query"]] or None, headers=headers, content=content
        )
    except httpx.HTTPError as error:
        return {"error": repr(error)}
    return {
        "status": response.status_code,
        "values": response.headers.get_list("x-a"),
        "body": response.content.decode(),
    }


base, cases = sys.argv[1], json.load(sys.stdin)
results = []
for case in cases:
    with httpx.Client(trust_env=False, timeout=10) as client:
        results.append(outcome(client, base, case))
json.dump(results, sys.stdout)
