"""Colours, type and shapes: one accent on calm greys, system fonts only."""

from __future__ import annotations

import gradio as gr

_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_MONO_FONTS = ("ui-monospace", "Menlo", "Consolas", "monospace")
_ACCENT = gr.themes.Color(
    c50="#eefafa",
    c100="#d3f1f1",
    c200="#a9e3e3",
    c300="#72cdd0",
    c400="#3fb1b6",
    c500="#1f9197",
    c600="#0f757b",
    c700="#0d5f65",
    c800="#0f4c52",
    c900="#103f44",
    c950="#05262a",
    name="prism",
)


def prism_theme() -> gr.themes.Base:
    """The page's theme, light and dark."""
    theme = gr.themes.Base(
        primary_hue=_ACCENT,
        secondary_hue=_ACCENT,
        neutral_hue=gr.themes.colors.zinc,
        radius_size=gr.themes.sizes.radius_lg,
        spacing_size=gr.themes.sizes.spacing_md,
        font=_FONTS,
        font_mono=_MONO_FONTS,
    )
    return theme.set(
        body_background_fill="*neutral_50",
        color_accent="*primary_600",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        layout_gap="16px",
        block_padding="6px 8px",
        block_border_width="0px",
        block_background_fill="white",
        block_shadow="none",
        block_title_text_weight="600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        block_title_text_color="*neutral_800",
        input_background_fill="white",
        input_border_width="1px",
        input_border_color="*neutral_300",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_500",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )
