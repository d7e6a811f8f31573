"""The whole page: heading, panels, footer, and how it is launched."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from prism import ASSETS
from prism.service.bundle import Manifest
from prism.service.hosting import Health
from prism.service.listening import Ballot
from prism.service.service import Service
from prism.ui.about import about_tab
from prism.ui.api import ENDPOINTS, Api
from prism.ui.corpus import Library, corpus_tab
from prism.ui.evaluate import Evaluation, evaluate_tab
from prism.ui.generate import Handlers
from prism.ui.kiosk import kiosk_routes
from prism.ui.lessons import lessons_tab
from prism.ui.listening import BlindListening, listening_panel
from prism.ui.play import PlayPanel
from prism.ui.preview import MARK, LinkPreview, preview_routes
from prism.ui.requests import THREADS, CheckedCalls, log_requests
from prism.ui.streams import ReliableBlocks
from prism.ui.theme import prism_theme

# Gradio would keep 10,000, of 0.4 MB each and with the pieces on their pages.
SESSIONS_KEPT = 300
FILES_KEPT_SECONDS = 3600
_MOST_TERMS = 3
_SCRIPTS = ("page", "kiosk")
_STYLES = ("colours", *_SCRIPTS)

_FOOTER = """Pick composers and press Generate: a diffusion transformer draws 64 beats of piano
music in about a second, and you can play it against a real piece by the same composers and against
a transformer that writes note by note.

**What you hear.** The first piece is generated: no person wrote it. Prism's own model
drew it, trained on {music}. The second is a real piece out of the same corpus, from the part that
was held back from training{terms}. The third is generated as well, by the baseline: an Anticipatory
Music Transformer, which goes on from the opening of another piece unless you choose otherwise, and
is told the composers where its card says so. {more}"""
_LISTEN = "Can you tell them apart? [Listen blind](?mode=blind)."


def build_ui(service: Service, ballot: Ballot | None = None) -> gr.Blocks:
    """Lay out the page.

    Parameters
    ----------
    service : Service
        Whose parts may still be loading.
    ballot : Ballot, optional
        Where the votes of blind listening are kept.
    """
    manifest = service.bundle.manifest
    named = ["Prism"] if service.bundle.is_shipped else ["Prism", manifest.name]
    with ReliableBlocks(
        title=" · ".join(named),
        analytics_enabled=False,
        delete_cache=(FILES_KEPT_SECONDS // 4, FILES_KEPT_SECONDS),
    ) as page:
        Api(service).publish()  # first, so that no handler of the page takes one of its names
        mark = MARK.read_text(encoding="utf-8")
        gr.HTML(f"<h1>{mark}<span>Prism</span></h1>", elem_classes="prism-heading", padding=False)
        for name in named[1:]:
            words = f"<p>{html.escape(name)}</p>"
            gr.HTML(words, elem_classes=["prism-heading", "prism-named"], padding=False)
        with gr.Tabs(elem_classes="prism-tabs", overflow_behavior="wrap"):
            with gr.Tab("Play"):
                PlayPanel(page, Handlers(service))
                words = _footer(manifest, service.withheld)
                gr.Markdown(words, elem_classes="prism-footer")
                listening_panel(BlindListening(service, ballot))
            lessons_tab(service)
            evaluate_tab(Evaluation(service, ballot))
            corpus_tab(Library(service))
            about_tab(service)
    return log_requests(page)


def _footer(manifest: Manifest, withheld: str) -> str:
    first = "”, “".join(manifest.terms[:_MOST_TERMS])
    more = f" and {len(manifest.terms) - _MOST_TERMS} others" * (len(manifest.terms) > _MOST_TERMS)
    terms = f" (terms: “{first}”{more})" if first else ""
    return _FOOTER.format(music=manifest.music, terms=terms, more=withheld or _LISTEN)


def _called(scripts: Iterable[str]) -> str:
    """Calls of all these functions, each in a file of its own."""
    files = (ASSETS / "page" / f"{name}.js" for name in scripts)
    return "".join(f"(\n{file.read_text(encoding='utf-8')})();\n" for file in files)


def launch_options(health: Health | None = None) -> dict[str, Any]:
    """Arguments of ``launch``: look, and nothing that leaves the machine or writes history."""
    return {
        "app_kwargs": {
            "routes": [
                *(health.routes() if health else []),
                *preview_routes(),
                *kiosk_routes(),
            ],
            "middleware": [Middleware(LinkPreview), Middleware(CheckedCalls, endpoints=ENDPOINTS)],
        },
        # A last resort, for what goes wrong before a handler is called: never no sentence at all.
        "show_error": True,
        "state_session_capacity": SESSIONS_KEPT,
        "favicon_path": MARK,
        "theme": prism_theme(),
        "css_paths": [ASSETS / "page" / f"{name}.css" for name in _STYLES],
        "js": f"() => {{ {_called(_SCRIPTS)} }}",
        "footer_links": ["api"],
        # Else Gradio calls its own page once, and ends where the answer takes 3 s.
        "_frontend": False,
        "ssr_mode": False,
        "run_history": False,
        "max_file_size": "1mb",
        "max_threads": THREADS,
    }
