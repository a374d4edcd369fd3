"""Sends a form with files by httpx: its URL, the name and value of a header, and the form in JSON."""

import json
import sys

import httpx

url, name, value, form = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
texts = {text[0]: text[1] for text in form["texts"]}
files = [(file["name"], (file["filename"], open(file["path"], "rb"), file["type"])) for file in form["files"]]
with httpx.Client(trust_env=False, timeout=10) as client:
    client.post(url, data=texts, files=files, headers={name: value}).raise_for_status()
