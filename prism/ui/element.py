"""Our own page elements, fed with data: script, style and template of each lie in ``assets``."""

from __future__ import annotations

from typing import Any, ClassVar

import gradio as gr

from prism import ASSETS

# What an event of the page passes to Gradio: no endpoint for programs, no progress bar.
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# What an event with data of its own passes besides: Gradio's page would drop such an event while
# the one before it is answered, or send the data of that one again. The handler lets the newest
# win, see `prism.service.session.Newest`.
EACH: dict[str, Any] = {"trigger_mode": "multiple"}


class Element(gr.HTML):
    """An element of the page whose value is one JSON object.

    Its template never changes, so that canvas, sound and focus survive every update; all text
    travels as data and is put in place as text, never as markup.

    Attributes
    ----------
    asset : str
        Its files under ``assets``, without their endings.
    parts : tuple of str
        Scripts whose functions its own one uses, named likewise; they stand before it.
    """

    asset: ClassVar[str]
    parts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, value: dict[str, Any] | None = None, **settings: Any) -> None:
        html, css = (
            (ASSETS / f"{self.asset}.{ending}").read_text(encoding="utf-8")
            for ending in ("html", "css")
        )
        scripts = (
            (ASSETS / f"{name}.js").read_text(encoding="utf-8")
            for name in ("page/make", *self.parts, self.asset)
        )
        super().__init__(
            value=value,
            html_template=html,
            css_template=css,
            js_on_load="".join(scripts),
            apply_default_css=False,
            **settings,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """The value as it is; it is data, not HTML."""
        return value

    def api_info(self) -> dict[str, Any]:
        """A JSON object."""
        return {"type": "object"}
