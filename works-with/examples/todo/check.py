"""Sends the requests of requests.json to a server just started, and compares the answers.

    python3 check.py http://127.0.0.1:8000
"""

import http.client
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

REQUESTS = json.loads(Path(__file__).with_name("requests.json").read_text(encoding="utf-8"))


def main(address):
    wrong = [fault for request, seen in zip(REQUESTS, answers(address)) for fault in differences(request, seen)]
    for fault in wrong:
        print(fault)
    print(f"{len(REQUESTS)} requests to {address}, {len(wrong)} differences")
    return bool(wrong)


def answers(address):
    """What the server says to each request of the list, in their order: status, kind, and answer."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    return [ask(connection, request) for request in REQUESTS]


def ask(connection, request):
    method, path = request["ask"].split(" ")
    body = json.dumps(request["json"]) if "json" in request else request.get("text")
    kind = request.get("kind", "application/json")
    body = None if body is None else body.encode()
    connection.request(method, path, body, {} if body is None else {"content-type": kind})
    answer = connection.getresponse()
    text = answer.read().decode()
    # FastAPI gives an empty answer a kind, too.
    seen = {"status": answer.status, "kind": answer.headers.get("content-type") if text else None}
    try:
        value = json.loads(text) if text else None
    except ValueError:
        value = f"no JSON: {text}"
    if "paths" in request:
        paths = value["paths"].items()
        seen["paths"] = {path: {name: asked(method) for name, method in at.items()} for path, at in paths}
    else:
        seen["answer"] = without_parsers_words(value)
    return seen


def asked(method):
    """What the page of the API asks for: the parameters' names, and a body."""
    names = sorted(parameter["name"] for parameter in method.get("parameters", []))
    return names + ["body"] * ("requestBody" in method)


def without_parsers_words(answer):
    """What is wrong with a text that is no JSON, each parser says in its own words: that is not compared."""
    for fault in answer.get("detail", []) if isinstance(answer, dict) else []:
        if isinstance(fault, dict) and fault.get("type") == "json_invalid":
            fault["ctx"] = sorted(fault["ctx"])
    return answer


def differences(request, seen):
    """What of an answer is not as listed."""
    for key in ("status", "answer", "paths"):
        if seen.get(key) != request.get(key):
            yield f"{request['ask']}: {key} is {seen.get(key)}, not {request.get(key)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
