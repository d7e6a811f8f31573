"""Many visitors at once on the real page's server, and what that does to its memory.

Starts ``python app.py`` and lets visitors ask for music over HTTP as the page does, each in a
session of its own and one request at a time, the next as soon as one is answered:

fresh
    A seed nobody has asked for, drawn anew and fetched with its sound. These are timed.
repeat
    The visitor's latest seed again, which is among the recent results.
corpus
    A held-out piece.
amt
    A sample of the baseline.
cancel
    64 sampler steps, cancelled at the first answer.

Every roll and every held-out piece is compared afterwards with what its seed gives in this process:
what differs was mixed up.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import random
import statistics
import subprocess
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator

import report
from latency import start_app

from prism import ROOT
from prism.models.settings import PUBLIC

READY_SECONDS = 120
ANSWER_SECONDS = 300
COMPOSERS = ("Bach", "Irish jigs", "Mozart", "Trecento")
# What a visitor does again and again.
ROUND = ("fresh", *("repeat", "corpus") * 4, "repeat")
QUICK_ROUND = ("fresh", "repeat", "corpus", "cancel")
# As many pieces as are kept, so that from then on nothing need be added.
WARMING_UP = ("amt", "fresh", "corpus", "fresh", "corpus")
ENDPOINTS = {"fresh": "generate", "repeat": "generate", "cancel": "generate"}


@dataclasses.dataclass
class Answer:
    """What became of a request."""

    visitor: int
    kind: str
    composer: str
    seed: int
    seconds: float
    notes: list | None = None
    error: str = ""


class Server:
    """The app's HTTP interface, as far as the page uses it."""

    def __init__(self, address: str) -> None:
        self.address = address
        events = self._get("config")["dependencies"]
        self._events = {event["api_name"]: event["id"] for event in events}

    def wait_until_ready(self) -> None:
        """Until ``/healthz`` says so, and the baseline is there too."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                if self._get("healthz")["parts"]["index"] == "ready":
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise SystemExit(f"the app was not ready within {READY_SECONDS} s")

    def ask(self, session: str, endpoint: str, values: list, cancel: bool = False) -> dict:
        """The last answer to a request; with `cancel` the first, and nothing more is made."""
        event = self._events[endpoint]
        job = {"data": values, "fn_index": event, "session_hash": session}
        event_id = self._post("gradio_api/queue/join", job)["event_id"]
        for message in self._messages(session):
            if message.get("event_id") != event_id:
                continue
            if cancel and message["msg"] == "process_generating":
                self._post(
                    "gradio_api/cancel",
                    {"session_hash": session, "fn_index": event, "event_id": event_id},
                )
                return {}
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise RuntimeError(message["output"].get("error") or "no reason given")
                return message["output"]["data"][0]
        raise RuntimeError("the stream ended without an answer")

    def fetch(self, file: dict) -> None:
        """Fetch a file that an answer names."""
        with urllib.request.urlopen(file["url"], timeout=ANSWER_SECONDS) as content:
            while content.read(1 << 20):
                pass

    def _messages(self, session: str) -> Iterator[dict]:
        url = f"{self.address}gradio_api/queue/data?session_hash={session}"
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as stream:
            for line in stream:
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])

    def _get(self, path: str) -> dict:
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return json.load(answer)

    def _post(self, path: str, values: dict) -> dict:
        request = urllib.request.Request(
            self.address + path, json.dumps(values).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


class Visitor(threading.Thread):
    """Asks one thing after another in a session of its own.

    Parameters
    ----------
    server : Server
        Whom.
    number : int
        Among the visitors.
    session : str
        Its own.
    kinds : sequence of str
        What for.
    seeds : iterator of int
        New ones, shared by all visitors.
    """

    def __init__(
        self, server: Server, number: int, session: str, kinds: tuple[str, ...], seeds
    ) -> None:
        super().__init__()
        self._server = server
        self._number = number
        self._session = session
        self._kinds = kinds
        self._seeds = seeds
        self._composer = COMPOSERS[number % len(COMPOSERS)]
        self._latest = next(seeds)
        self.answers: list[Answer] = []

    def run(self) -> None:
        """Ask for everything."""
        for kind in self._kinds:
            if kind not in ("repeat", "corpus"):
                self._latest = next(self._seeds)
            self.answers.append(self._asked(kind))

    def _asked(self, kind: str) -> Answer:
        answer = Answer(self._number, kind, self._composer, self._latest, 0.0)
        steps = {"num_inference_steps": 64} if kind == "cancel" else {}
        given = {"composers": [self._composer], "weights": None, "seed": self._latest} | steps
        source = kind if kind in ("corpus", "amt") else "prism"
        values = [
            given.get(name, setting.public_default)
            for name, setting in PUBLIC.items()
            if source == "amt" or source in setting.decides
        ]
        began = time.monotonic()
        try:
            endpoint = ENDPOINTS.get(kind, kind)
            piece = self._server.ask(self._session, endpoint, values, cancel=kind == "cancel")
            if kind in ("fresh", "amt"):
                self._server.fetch(piece["files"]["wav"])
            answer.notes = piece.get("notes")
        except (OSError, RuntimeError, KeyError) as error:
            answer.error = f"{kind}: {error or type(error).__name__}"
        answer.seconds = time.monotonic() - began
        return answer


def visit(server: Server, sessions: list[str], kinds: tuple[str, ...], seeds) -> list[Answer]:
    """Let them all ask at once; who comes first is drawn."""
    guests = [
        Visitor(server, number, session, kinds, seeds) for number, session in enumerate(sessions)
    ]
    for guest in random.sample(guests, len(guests)):
        guest.start()
    for guest in guests:
        guest.join()
    return [answer for guest in guests for answer in guest.answers]


def memory_mb(app: subprocess.Popen) -> float:
    """The server's resident memory."""
    kilobytes = subprocess.check_output(["ps", "-o", "rss=", "-p", str(app.pid)], text=True)
    return int(kilobytes) / 1024


def mixed(answers: list[Answer], options) -> list[Answer]:
    """The answers that are not what their seed gives."""
    from prism.corpora.dataset import corpus_sample
    from prism.corpora.prepared import Corpus
    from prism.models.pipeline import PrismPipeline

    pipeline = PrismPipeline.from_pretrained(options.weights)
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    wanted: dict[tuple, list] = {}
    wrong = []
    for answer in answers:
        if answer.notes is None or answer.kind in ("amt", "cancel"):
            continue
        key = (answer.kind == "corpus", answer.composer, answer.seed)
        if key not in wanted:
            roll = (
                corpus_sample(corpus, [answer.composer], answer.seed).roll
                if answer.kind == "corpus"
                else pipeline(answer.composer, seed=answer.seed).rolls[0]
            )
            wanted[key] = [list(note) for note in roll.notes()]
        if answer.notes != wanted[key]:
            wrong.append(answer)
    return wrong


def spread(answers: list[Answer]) -> float:
    """The slowest visitor's time for everything over the quickest's, 1 for perfectly fair."""
    times: collections.Counter[int] = collections.Counter()
    for answer in answers:
        times[answer.visitor] += answer.seconds
    return max(times.values()) / min(times.values())


def measured(options, app: subprocess.Popen, server: Server) -> tuple[list[Answer], list[float]]:
    """All answers, and the memory after warming up and after every quarter."""
    seeds = itertools.count(1000)
    rounds = 1 if options.quick else 5
    kinds = QUICK_ROUND if options.quick else ROUND
    # The baseline takes seconds a visitor.
    warming_up = WARMING_UP[1:3] if options.quick else WARMING_UP
    sessions = [uuid.uuid4().hex for _ in range(options.visitors)]
    answers = visit(server, sessions, warming_up, seeds)
    memory = [memory_mb(app)]
    for number in range(rounds):
        last = ("cancel", "fresh") if number + 1 == rounds > 1 else ()
        answers += visit(server, sessions, (*kinds, *last), seeds)
        memory.append(memory_mb(app))
    return answers, memory


def main() -> None:
    """Let the visitors in and report."""
    parser = report.parser(__doc__)
    parser.add_argument("--visitors", type=int, default=20, help="at once (default: 20)")
    options = parser.parse_args()
    app, address, _ = start_app(options.weights)
    try:
        server = Server(address)
        server.wait_until_ready()
        answers, memory = measured(options, app, server)
    finally:
        app.terminate()
        app.wait()
    fresh = [answer for answer in answers if answer.kind == "fresh" and not answer.error]
    times = statistics.quantiles([a.seconds for a in fresh], n=20)
    faults = [answer.error for answer in answers if answer.error]
    figures = {
        "visitors": options.visitors,
        "requests": len(answers),
        "errors": len(faults),
        "mixed_results": len(mixed(answers, options)),
        "p50_seconds": round(times[9], 2),
        "p95_seconds": round(times[18], 2),
        "memory_growth_mb": round(memory[-1] - memory[0], 1),
        "memory_mb": [round(m) for m in memory],
        "spread_between_visitors": round(spread(answers), 2),
        "cancelled": sum(answer.kind == "cancel" for answer in answers),
        "faults": sorted(set(faults))[:5],
    }
    kinds = collections.Counter(answer.kind for answer in answers)
    text = (
        f"{options.visitors} visitors at once, {len(answers)} requests ("
        + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        + f"): {len(faults)} errors, {figures['mixed_results']} mixed up. A fresh roll with its "
        f"sound is there after {figures['p50_seconds']} s (median) and {figures['p95_seconds']} s "
        f"(95 %). The slowest visitor takes {figures['spread_between_visitors']} times as long for "
        f"everything as the quickest. The server's memory grows by {figures['memory_growth_mb']} "
        f"MB after warming up, from {memory[0]:.0f} MB. On {report.machine()}."
    )
    report.publish("load", text, figures, options)


if __name__ == "__main__":
    main()
