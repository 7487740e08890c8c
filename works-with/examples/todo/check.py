"""Sends the requests of requests.json to a server just started, and compares the answers.

    python3 check.py http://127.0.0.1:8000
"""

import http.client
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit


def main(address):
    requests = json.loads(Path(__file__).with_name("requests.json").read_text(encoding="utf-8"))
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    wrong = [fault for request in requests for fault in differences(request, *ask(connection, request))]
    for fault in wrong:
        print(fault)
    print(f"{len(requests)} requests to {address}, {len(wrong)} differences")
    return bool(wrong)


def ask(connection, request):
    method, path = request["ask"].split(" ")
    body = request.get("text") or (json.dumps(request["json"]) if "json" in request else None)
    connection.request(method, path, body, {"content-type": "application/json"} if body else {})
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text else None


def differences(request, status, answer):
    """What of an answer is not as listed. The texts of `msg` are each library's own, and are not compared."""
    seen = {"status": status}
    if "errors" in request:
        seen["errors"] = [{key: error.get(key) for key in ("loc", "type")} for error in answer["detail"]]
        if not all(isinstance(error.get("msg"), str) for error in answer["detail"]):
            yield f"{request['ask']}: an error without msg: {answer}"
    elif "paths" in request:
        seen["paths"] = {path: sorted(methods) for path, methods in answer["paths"].items()}
    else:
        seen["answer"] = answer
    for key, value in seen.items():
        if value != request.get(key):
            yield f"{request['ask']}: {key} is {value}, not {request.get(key)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
